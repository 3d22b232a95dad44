package cli

import (
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/store"
	"ftadvise/reports/metrics"
)

// shownBy is what the exporter answers.
func shownBy(t *testing.T, e *metrics.Exporter) string {
	t.Helper()
	answer := httptest.NewRecorder()
	e.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer.Body.String()
}

// TestFeedShowsWhatCameLater holds that a server notices advice that is given, and a run
// whose state changes, after it has shown the run.
func TestFeedShowsWhatCameLater(t *testing.T) {
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	run := advisortest.New().Run()
	run.ID, run.State = "", evidence.Running
	folder, err := s.Create(run)
	if err != nil {
		t.Fatal(err)
	}
	exporter := metrics.NewExporter(nil, metrics.Options{})
	f := newFeed(s, exporter, voice{w: io.Discard})
	refresh := func() string {
		if err := f.refresh(); err != nil {
			t.Fatal(err)
		}
		return shownBy(t, exporter)
	}
	if text := refresh(); !strings.Contains(text, `state="running"`) || strings.Contains(text, "ftadvise_recommendation_info") {
		t.Fatalf("a run under way without advice is shown as:\n%s", text)
	}
	if err := folder.Close(); err != nil { // the calibration died: nobody holds the run any more
		t.Fatal(err)
	}
	if text := refresh(); !strings.Contains(text, `state="interrupted"`) {
		t.Error("a run that was interrupted is still shown as running")
	}
	for _, answer := range []advisor.Answer{advisor.UseLoRA, advisor.UseFull} {
		rec := &advisor.Recommendation{Schema: advisor.SchemaVersion, Run: run.ID, CreatedAt: time.Now(), Verdict: advisor.Verdict{Answer: answer}}
		if err := saveRecommendation(folder, rec); err != nil {
			t.Fatal(err)
		}
		if text := refresh(); !strings.Contains(text, `answer="`+string(answer)+`"`) {
			t.Errorf("advice for %s, given after the run was shown, is not", answer)
		}
	}
}

// TestFeedOfWhatIsGoneOrDamaged holds that a removed run loses its series, and that advice
// that cannot be read is told once.
func TestFeedOfWhatIsGoneOrDamaged(t *testing.T) {
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for range 2 {
		run := advisortest.New().Run()
		run.ID = ""
		folder, err := s.Create(run)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(filepath.Join(folder.Path(), adviceFile), []byte("{"), 0o644), folder.Close()); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, run.ID)
	}
	var told strings.Builder
	exporter := metrics.NewExporter(nil, metrics.Options{})
	f := newFeed(s, exporter, voice{w: &told})
	for range 3 {
		if err := f.refresh(); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(told.String(), ids[0]+" is not shown"); n != 1 {
		t.Errorf("told %d times:\n%s", n, told.String())
	}
	if err := s.Remove(ids[0]); err != nil {
		t.Fatal(err)
	}
	if err := f.refresh(); err != nil {
		t.Fatal(err)
	}
	if text := shownBy(t, exporter); strings.Contains(text, ids[0]) || !strings.Contains(text, ids[1]) {
		t.Errorf("%s was removed, %s was not:\n%s", ids[0], ids[1], text)
	}
}
