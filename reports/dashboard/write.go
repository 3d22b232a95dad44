package dashboard

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed files
var files embed.FS

// Options say what the written files point at.
type Options struct {
	// Target is the address that Prometheus scrapes; "" means 127.0.0.1:9464.
	Target string
	// ReportURL links the dashboard to reports; ${run} becomes the chosen run.
	ReportURL string
}

// DefaultTarget is where ftadvise serves its metrics unless told otherwise.
const DefaultTarget = "127.0.0.1:9464"

// Write puts dashboard, provisioning, scrape configuration, rules and a compose file
// below dir and returns the paths written, in order. Files that are there are replaced.
func Write(dir string, opts Options) ([]string, error) {
	if opts.Target == "" {
		opts.Target = DefaultTarget
	}
	board, err := JSON(opts.ReportURL)
	if err != nil {
		return nil, err
	}
	var written []string
	put := func(name string, content []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("dashboard: %w", err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("dashboard: %w", err)
		}
		written = append(written, path)
		return nil
	}
	if err := put("grafana/dashboards/ftadvise.json", board); err != nil {
		return written, err
	}
	err = fs.WalkDir(files, "files", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(content), DefaultTarget, opts.Target)
		return put(strings.TrimPrefix(name, "files/"), []byte(text))
	})
	return written, err
}
