package metrics_test

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ftadvise/reports/metrics"
)

var update = flag.Bool("update", false, "rewrite the table in docs/metrics.md")

const page = "../../docs/metrics.md"

// The table in docs/metrics.md is what the exporter exports, name by name.
func TestDocumentedNamesAreTheExportedOnes(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	between := regexp.MustCompile(`(?s)(<!-- metrics -->\n).*(<!-- end of metrics -->)`)
	if !between.Match(text) {
		t.Fatal("docs/metrics.md has no table of metrics")
	}
	want := between.ReplaceAll(text, []byte("${1}"+strings.ReplaceAll(table(), "$", "$$")+"${2}"))
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(want) != string(text) {
		t.Error("docs/metrics.md is out of date (run with -update)")
	}
}

// table lists families as Markdown, by name.
func table() string {
	reg := prometheus.NewRegistry()
	metrics.NewExporter(reg, metrics.Options{})
	descs := make(chan *prometheus.Desc, 1000)
	reg.Describe(descs)
	close(descs)
	parts := regexp.MustCompile(`fqName: "(ftadvise_[^"]+)", help: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	var rows []string
	for d := range descs {
		if m := parts.FindStringSubmatch(d.String()); m != nil {
			rows = append(rows, "| `"+m[1]+"` | "+strings.ReplaceAll(m[3], ",", ", ")+" | "+m[2]+" |\n")
		}
	}
	slices.Sort(rows)
	return "| name | labels | meaning |\n| --- | --- | --- |\n" + strings.Join(rows, "")
}
