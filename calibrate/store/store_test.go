package store_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/store"
)

func open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "data", "ftadvise"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t testing.TB, s *store.Store, run *evidence.Run) *store.Folder {
	t.Helper()
	folder, err := s.Create(run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return folder
}

func sample() *evidence.Run {
	return &evidence.Run{State: evidence.Running, Trials: []evidence.TrialResult{{
		Trial:   evidence.Trial{ID: "full", Stage: evidence.StageProbe},
		Outcome: evidence.Outcome{Steps: 2, TrainLoss: []evidence.Point{{Step: 1, Loss: 3}, {Step: 2, Loss: 2}}},
	}}}
}

func TestDefaultDir(t *testing.T) {
	for _, c := range []struct{ xdg, home, want string }{
		{"/data", "/home/u", "/data/ftadvise"},
		{"", "/home/u", "/home/u/.local/share/ftadvise"},
		{"relative", "/home/u", "/home/u/.local/share/ftadvise"},
		{"", "", ""},
	} {
		env := map[string]string{"XDG_DATA_HOME": c.xdg, "HOME": c.home}
		if got := store.DefaultDir(func(name string) string { return env[name] }); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

func TestCreateSaveLoad(t *testing.T) {
	s := open(t)
	run := sample()
	folder := create(t, s, run)
	run.State = evidence.Done
	run.Seconds = 12.5
	if err := folder.Save(run); err != nil {
		t.Fatal(err)
	}
	again, err := s.Folder(run.ID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Load()
	if err != nil {
		t.Fatal(err)
	}
	run.Schema = evidence.SchemaVersion
	if diff := cmp.Diff(run, got); diff != "" {
		t.Errorf("saved and loaded (-want +got):\n%s", diff)
	}
}

func TestCreateLeavesNothingOfARunThatCannotBeSaved(t *testing.T) {
	s := open(t)
	run := sample()
	run.Seconds = math.NaN() // as a full disk would, this fails after the folder is made
	if _, err := s.Create(run); err == nil {
		t.Fatal("a run that is no JSON was saved")
	}
	runs, damaged, err := s.List()
	if err != nil || len(runs)+len(damaged) > 0 {
		t.Errorf("listed are %d runs and %v, %v", len(runs), damaged, err)
	}
}

func TestEventsAreAppended(t *testing.T) {
	s := open(t)
	folder := create(t, s, sample())
	for _, line := range []string{"{\"type\":\"a\"}\n", "{\"type\":\"b\"}\n"} {
		if err := folder.AppendEvent([]byte(line)); err != nil {
			t.Fatal(err)
		}
		_ = folder.Close() // as between two sittings
	}
	data, err := folder.ReadFile("events.jsonl")
	if err != nil || string(data) != "{\"type\":\"a\"}\n{\"type\":\"b\"}\n" {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestListNewestFirst(t *testing.T) {
	s := open(t)
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var want []string
	for _, back := range []time.Duration{0, time.Hour, 40 * 24 * time.Hour} { // the clock goes back
		run := sample()
		run.CreatedAt = at.Add(-back)
		create(t, s, run)
		want = append([]string{run.ID}, want...)
	}
	runs, damaged, err := s.List()
	if err != nil || len(damaged) != 0 {
		t.Fatalf("damaged %v, %v", damaged, err)
	}
	var got []string
	for _, run := range runs {
		got = append(got, run.ID)
		if len(run.Trials) != 1 || run.Trials[0].Outcome.TrainLoss != nil {
			t.Errorf("a header holds %+v", run.Trials)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestListWithoutStore(t *testing.T) {
	runs, damaged, err := open(t).List()
	if len(runs) != 0 || len(damaged) != 0 || err != nil {
		t.Errorf("got %v, %v, %v", runs, damaged, err)
	}
}

func TestListNamesDamage(t *testing.T) {
	s := open(t)
	whole, torn, newer, hollow := sample(), sample(), sample(), sample()
	for _, run := range []*evidence.Run{whole, torn, newer, hollow} {
		create(t, s, run)
	}
	spoil(t, s, torn.ID, `{"schema": 1, "id": `)
	spoil(t, s, newer.ID, `{"schema": 99}`)
	for _, name := range []string{"run.json", "header.json"} {
		if err := os.Remove(filepath.Join(s.Path(), "runs", hollow.ID, name)); err != nil {
			t.Fatal(err)
		}
	}
	runs, damaged, err := s.List()
	if err != nil || len(runs) != 1 || runs[0].ID != whole.ID || len(damaged) != 3 {
		t.Fatalf("got %d runs, damaged %v, %v", len(runs), damaged, err)
	}
	for _, d := range damaged {
		if got := errors.Is(d.Err, store.ErrDamaged); got != (d.ID != newer.ID) {
			t.Errorf("%s: damaged is %v: %v", d.ID, got, d.Err)
		}
		if !strings.Contains(d.Err.Error(), d.ID) {
			t.Errorf("the error does not say where: %v", d.Err)
		}
	}
}

func spoil(t *testing.T, s *store.Store, id, text string) {
	t.Helper()
	folder, err := s.Folder(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"header.json", "run.json"} {
		if err := folder.WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStaleHeaderIsPassedOver(t *testing.T) {
	s := open(t)
	run := sample()
	folder := create(t, s, run)
	run.Seconds = 7
	data, err := evidence.Encode(run)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.WriteFile("run.json", data); err != nil { // as if killed before the header
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(folder.Path(), "header.json"), old, old); err != nil {
		t.Fatal(err)
	}
	if got, err := folder.Header(); err != nil || got.Seconds != 7 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRunningWithoutWriterIsInterrupted(t *testing.T) {
	s := open(t)
	run := sample()
	folder := create(t, s, run)
	for _, c := range []struct {
		leave bool
		want  evidence.State
	}{{false, evidence.Running}, {true, evidence.Stopped}} {
		if c.leave {
			_ = folder.Close()
		}
		runs, _, err := s.List()
		if err != nil || len(runs) != 1 || runs[0].State != c.want {
			t.Errorf("left %v: got %+v, %v", c.leave, runs, err)
		}
	}
}

func TestLockIsExclusiveAndClearsStrays(t *testing.T) {
	s := open(t)
	run := sample()
	folder := create(t, s, run)
	other, err := s.Folder(run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Lock(); !errors.Is(err, store.ErrBusy) {
		t.Errorf("second lock: %v", err)
	}
	if err := s.Remove(run.ID); !errors.Is(err, store.ErrBusy) {
		t.Errorf("remove while written: %v", err)
	}
	_ = folder.Close()
	stray := filepath.Join(folder.Path(), ".run.json4711")
	if err := os.WriteFile(stray, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := other.Lock(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stray); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("stray is still there: %v", err)
	}
	_ = other.Close()
	if err := s.Remove(run.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Folder(run.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after remove: %v", err)
	}
}

func TestHostileNames(t *testing.T) {
	s := open(t)
	folder := create(t, s, sample())
	for _, id := range []string{"", ".", "..", "../x", "a/b", `a\b`, "a\x00b", strings.Repeat("a", 65)} {
		if _, err := s.Folder(id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("folder %q: %v", id, err)
		}
		if err := s.Remove(id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("remove %q: %v", id, err)
		}
	}
	for _, name := range []string{"../run.json", "/etc/passwd", ""} {
		if err := folder.WriteFile(name, nil); err == nil {
			t.Errorf("wrote %q", name)
		}
		if _, err := folder.ReadFile(name); err == nil {
			t.Errorf("read %q", name)
		}
	}
	if _, err := s.Create(&evidence.Run{ID: "../up"}); err == nil {
		t.Error("created ../up")
	}
}

func TestOpenAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{path, filepath.Join(path, "below"), ""} {
		if _, err := store.Open(dir); err == nil {
			t.Errorf("opened %q", dir)
		}
	}
}

func TestReadOnlyDir(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root writes everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Create(sample())
	var wrong *store.Error
	if !errors.As(err, &wrong) || !strings.Contains(wrong.Hint(), "--store") {
		t.Errorf("got %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"schema": 1, "id": "a", "state": "running"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := open(t)
		run := sample()
		create(t, s, run)
		spoil(t, s, run.ID, string(data))
		runs, damaged, err := s.List()
		if err != nil || len(runs)+len(damaged) != 1 {
			t.Fatalf("got %d runs, %d damaged, %v", len(runs), len(damaged), err)
		}
	})
}
