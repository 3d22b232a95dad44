//go:build unix

package safetensors

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A fifo, a folder and a link that leads out are refused at once; a fifo would hang.
func TestSpecialFiles(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "real.safetensors")
	if err := os.WriteFile(outside, file("{"+tensorA+"}", make([]byte, 8)), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(syscall.Mkfifo(at("fifo"), 0o600), os.Mkdir(at("folder"), 0o700), os.Symlink(outside, at("link"))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"fifo":    "is no regular file",
		"folder":  "is no regular file",
		"link":    "cannot be read: path escapes from parent",
		"missing": "no such file",
	} {
		var refused *InputError
		if _, err := openAt(at(name)); !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, wanted %q", name, err, want)
		}
	}
}
