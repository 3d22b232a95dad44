package reports

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"time"
)

// ErrNoChromium says that no Chromium or Chrome was found to print with.
var ErrNoChromium = errors.New("no Chromium was found: install it, or open the HTML report and print it")

// PDF prints a report's HTML file with the Chromium that is installed.
func PDF(ctx context.Context, htmlPath, pdfPath string) error {
	browser, err := chromium()
	if err != nil {
		return err
	}
	source, err := filepath.Abs(htmlPath)
	if err != nil {
		return fmt.Errorf("report as PDF: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	// The page runs no script and asks for nothing, so the sandbox, which root and
	// containers cannot have, guards against nothing here.
	cmd := exec.CommandContext(ctx, browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
		"--print-to-pdf="+pdfPath, (&url.URL{Scheme: "file", Path: source}).String())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("report as PDF: %w: %.300s", err, out)
	}
	return nil
}

func chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoChromium
}
