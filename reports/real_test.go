//go:build real

package reports_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ftadvise/reports"
)

// opened is what a browser found in one report.
type opened struct {
	Name                                string
	Console, Requests, Overflow, Hidden []string
	Scripted                            bool
	PDF                                 int
	Accessibility                       []struct {
		Scheme, Rule, Impact, First, Why string
		Nodes                            int
	}
}

// Every golden report, a hostile one, one of a thousand trials and a comparison are
// opened in Chromium.
func TestRealBrowserOpensReports(t *testing.T) {
	dir := t.TempDir()
	all := scenarios()
	all["hostile"] = poisonedScenario(strings.Join(hostileNames(), " "))
	all["thousand"] = thousand()
	var files []string
	for name, s := range all {
		s.opts.Decider = everywhere{}
		files = append(files, save(t, dir, name, page(t, s)))
	}
	var compared bytes.Buffer
	if err := reports.Compare([]reports.Entry{{Run: all["lora-wins"].run, Recommendation: all["lora-wins"].rec}, {Run: all["full-wins"].run, Recommendation: all["full-wins"].rec}}, options()).HTML(&compared); err != nil {
		t.Fatal(err)
	}
	files = append(files, save(t, dir, "comparison", compared.Bytes()))
	for _, o := range browse(t, files) {
		judge(t, o)
	}
}

func judge(t *testing.T, o opened) {
	t.Helper()
	t.Logf("%s: printed to %d bytes of PDF, %d findings of axe-core", o.Name, o.PDF, len(o.Accessibility))
	if len(o.Console) > 0 || len(o.Requests) > 0 || o.Scripted {
		t.Errorf("%s: console %q, requests %q, scripted %v", o.Name, o.Console, o.Requests, o.Scripted)
	}
	if len(o.Overflow) > 0 {
		t.Errorf("%s: %q", o.Name, o.Overflow)
	}
	if len(o.Hidden) > 0 && o.Name != "hostile" && o.Name != "comparison" {
		t.Errorf("%s: %q", o.Name, o.Hidden)
	}
	if o.PDF < 10_000 {
		t.Errorf("%s: a PDF of %d bytes", o.Name, o.PDF)
	}
	for _, a := range o.Accessibility {
		t.Errorf("%s (%s): %s, %s, %d places, first %s: %s", o.Name, a.Scheme, a.Rule, a.Impact, a.Nodes, a.First, a.Why)
	}
}

func save(t *testing.T, dir, name string, page []byte) string {
	t.Helper()
	path := filepath.Join(dir, name+".html")
	if err := os.WriteFile(path, page, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// browse runs the browser's script beside its modules, where it finds them.
func browse(t *testing.T, files []string) []opened {
	t.Helper()
	modules, chromium := os.Getenv("BROWSER_MODULES"), lookup(t, "chromium")
	script, err := os.ReadFile(filepath.Join("real", "browser.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	placed := filepath.Join(modules, "browser.mjs")
	if err := os.WriteFile(placed, script, 0o600); err != nil {
		t.Fatalf("run reports/real/test.sh: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), lookup(t, "node"), append([]string{placed, chromium, os.Getenv("REPORT_SHOTS")}, files...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("browser: %v\n%s", err, out)
	}
	var all []opened
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var o opened
		if err := dec.Decode(&o); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	if len(all) != len(files) {
		t.Fatalf("%d of %d reports were opened", len(all), len(files))
	}
	return all
}

func lookup(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("run reports/real/test.sh: %v", err)
	}
	return path
}

// The product's own way to a PDF.
func TestRealPDF(t *testing.T) {
	dir := t.TempDir()
	path := save(t, dir, "report", page(t, scenarios()["lora-wins"]))
	pdf := filepath.Join(dir, "report.pdf")
	if err := reports.PDF(t.Context(), path, pdf); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(pdf)
	if err != nil || !bytes.HasPrefix(content, []byte("%PDF-")) {
		t.Errorf("%.20q %v", content, err)
	}
	t.Logf("%d bytes of PDF", len(content))
}
