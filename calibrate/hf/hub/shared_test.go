package hub

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is downloaded here, huggingface_hub finds in the cache, and what it downloads
// is found here. It needs FTADVISE_PYTHON, an interpreter that has huggingface_hub.
func TestCacheIsShared(t *testing.T) {
	python := os.Getenv("FTADVISE_PYTHON")
	if python == "" {
		t.Skip("FTADVISE_PYTHON names no interpreter that has huggingface_hub")
	}
	f, ours, theirs := newFakeHub(t), t.TempDir(), t.TempDir()
	s := mustResolve(t, f, ours, "org/name", Model)
	if got := runPython(t, python, f, "read", ours); got != s.Dir {
		t.Errorf("huggingface_hub finds %q, wanted %q", got, s.Dir)
	}
	got := runPython(t, python, f, "fill", theirs)
	if s = mustResolve(t, f, theirs, "org/name", Model, "HF_HUB_OFFLINE", "1"); s.Dir != got {
		t.Errorf("found %q, huggingface_hub wrote %q", s.Dir, got)
	}
}

func runPython(t *testing.T, python string, f *fakeHub, args ...string) string {
	t.Helper()
	cmd := exec.Command(python, append([]string{filepath.Join("testdata", "cache.py")}, args...)...)
	cmd.Env = append(os.Environ(), "HF_ENDPOINT="+f.hub.URL, "HF_HUB_DISABLE_XET=1", "HF_HUB_DISABLE_TELEMETRY=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}
