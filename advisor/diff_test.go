package advisor_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares text with a file under testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (go test -update rewrites it):\n%s", path, d)
	}
}

func TestDiffMarkdown(t *testing.T) {
	c := advisortest.New()
	c.Gap, c.GapSD = 0.05, 0.02
	before := recommend(t, c.Run(), nil)
	c.Gap, c.NoForecast = -0.01, false
	run := c.Run()
	run.ID, run.Data.LeakShare = "02case", 0.005
	after := recommend(t, run, func(s *advisor.Stakes) { s.GPU, s.Tasks = "H100", 4 })
	d := advisor.Diff(before, after)
	if !d.Changed {
		t.Error("a new answer is no change")
	}
	golden(t, "diff.md", d.Markdown())
}

func TestDiffOfTheSame(t *testing.T) {
	rec := recommend(t, advisortest.New().Run(), nil)
	d := advisor.Diff(rec, rec)
	if d.Changed || len(d.Rows) != 0 || !strings.Contains(d.Markdown(), "Nothing else changed.") {
		t.Errorf("%+v", d)
	}
}

// Names come from files and flags: in Markdown they stay text.
func TestDiffMarkdownIsInert(t *testing.T) {
	rec := recommend(t, advisortest.New().Run(), nil)
	other := *rec
	other.Verdict.Policy = "<img onerror=x>|[a](javascript:b)`c`\n# d\u202e\x1b[1m"
	got := regexp.MustCompile(`\\.`).ReplaceAllString(advisor.Diff(rec, &other).Markdown(), "")
	if !strings.Contains(got, "img onerror=x") {
		t.Errorf("the name is gone:\n%s", got)
	}
	for _, bad := range []string{"<img", "](", "\n#", "\u202e", "\x1b", "[a]"} {
		if strings.Contains(got, bad) {
			t.Errorf("%q in\n%s", bad, got)
		}
	}
}

func TestExplain(t *testing.T) {
	c := advisortest.New()
	c.Gap, c.GapSD, c.Ranks = 0.06, 0.03, []int{8, 32}
	s := advisor.DefaultStakes()
	s.USDPerNat, s.Months, s.RequestsPerMonth = 40_000, 24, 50_000
	rec, err := advisor.Recommend(c.Run(), s, map[string]string{"usd_per_nat": "config.yaml:12", "months": "flag"}, cheaper{}, advisortest.Now())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range rec.Explain() {
		b.WriteString(s.Title + "\n  " + strings.Join(s.Lines, "\n  ") + "\n")
	}
	for _, o := range rec.Options {
		b.WriteString("\n" + o.Name + "\n")
		for _, l := range o.Costs {
			b.WriteString("  " + l.Name + ": " + l.Basis + "\n")
		}
	}
	golden(t, "explain.txt", b.String())
}
