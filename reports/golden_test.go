package reports_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftadvise/reports"
)

var update = flag.Bool("update", false, "rewrite the golden reports")

func TestGoldenMarkdown(t *testing.T) {
	for name, s := range scenarios() {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := reports.New(s.run, s.rec, s.opts).Markdown(&got); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".md", got.Bytes())
		})
	}
}

func TestGoldenHTML(t *testing.T) {
	s := scenarios()["lora-wins"]
	golden(t, "lora-wins.html", page(t, s))
}

func TestGoldenComparison(t *testing.T) {
	all := scenarios()
	var got bytes.Buffer
	err := reports.Compare([]reports.Entry{
		{Run: all["lora-wins"].run, Recommendation: all["lora-wins"].rec},
		{Run: all["full-wins"].run, Recommendation: all["full-wins"].rec},
		{Run: all["imported"].run},
	}, options()).Markdown(&got)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "comparison.md", got.Bytes())
}

func page(t testing.TB, s scenario) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := reports.New(s.run, s.rec, s.opts).HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (run with -update if that is meant):\n%s", name, diff)
	}
}
