package dashboard_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"ftadvise/reports/dashboard"
)

var metricName = regexp.MustCompile(`\bftadvise_[a-z_]+`)

// exported lists every name that a scrape can hold, from the list in docs/metrics.md,
// which reports/metrics holds equal to what it exports.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(ftadvise_[a-z_]+)`").FindAllStringSubmatch(read(t, "../../docs/metrics.md"), -1) {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			names[m[1]+suffix] = true
		}
	}
	return names
}

func written(t *testing.T) (dir string, paths []string) {
	t.Helper()
	dir = t.TempDir()
	paths, err := dashboard.Write(dir, dashboard.Options{Target: "127.0.0.1:9999", ReportURL: "https://reports.example/${run}.html"})
	if err != nil {
		t.Fatal(err)
	}
	return dir, paths
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryNamedMetricIsExported(t *testing.T) {
	known := exported(t)
	dir, _ := written(t)
	for _, file := range []string{"grafana/dashboards/ftadvise.json", "prometheus/recording.yml", "prometheus/alerts.yml"} {
		names := metricName.FindAllString(read(t, dir, file), -1)
		if len(names) == 0 {
			t.Errorf("%s names no metric", file)
		}
		for _, n := range names {
			if !known[n] {
				t.Errorf("%s: %s is not exported", file, n)
			}
		}
	}
}

func TestRecordedNamesAreDefined(t *testing.T) {
	dir, _ := written(t)
	recording := read(t, dir, "prometheus/recording.yml")
	used := regexp.MustCompile(`ftadvise:[a-z0-9_]+:[a-z0-9_]+`)
	for _, file := range []string{"grafana/dashboards/ftadvise.json", "prometheus/alerts.yml"} {
		for _, n := range used.FindAllString(read(t, dir, file), -1) {
			if !strings.Contains(recording, "record: "+n+"\n") {
				t.Errorf("%s: %s is recorded nowhere", file, n)
			}
		}
	}
}

func TestDashboardIsImportable(t *testing.T) {
	dir, _ := written(t)
	var board struct {
		ID         *int   `json:"id"`
		UID        string `json:"uid"`
		Templating struct{ List []struct{ Name, Type string } }
		Panels     []struct {
			Type, Title string
			Datasource  struct{ UID string }
			Targets     []struct{ Expr, RefID string }
		}
		Annotations struct{ List []struct{ Name string } }
		Links       []struct{ URL string }
	}
	if err := json.Unmarshal([]byte(read(t, dir, "grafana/dashboards/ftadvise.json")), &board); err != nil {
		t.Fatal(err)
	}
	if board.ID != nil || board.UID != dashboard.UID {
		t.Errorf("id %v, uid %q", board.ID, board.UID)
	}
	var names []string
	for _, v := range board.Templating.List {
		names = append(names, v.Name)
	}
	if !slices.Equal(names, []string{"DS_PROMETHEUS", "device", "run", "arm"}) {
		t.Errorf("variables %v", names)
	}
	panels := 0
	for _, p := range board.Panels {
		if p.Type == "row" {
			continue
		}
		panels++
		if p.Datasource.UID != "${DS_PROMETHEUS}" || len(p.Targets) == 0 {
			t.Errorf("panel %q: data source %q, %d queries", p.Title, p.Datasource.UID, len(p.Targets))
		}
	}
	if panels < 20 || len(board.Annotations.List) < 2 || len(board.Links) != 1 {
		t.Errorf("%d panels, %d annotations, links %v", panels, len(board.Annotations.List), board.Links)
	}
}

func TestFilesAreSoundAndPointAtTheTarget(t *testing.T) {
	dir, paths := written(t)
	if len(paths) < 8 {
		t.Errorf("only %v", paths)
	}
	for _, p := range paths {
		if ext := filepath.Ext(p); ext == ".yml" || ext == ".yaml" {
			var any map[string]any
			if err := yaml.Unmarshal([]byte(read(t, p)), &any); err != nil || len(any) == 0 {
				t.Errorf("%s: %v", p, err)
			}
		}
	}
	if config := read(t, dir, "prometheus/prometheus.yml"); !strings.Contains(config, "127.0.0.1:9999") || strings.Contains(config, dashboard.DefaultTarget) {
		t.Error("the scrape configuration misses its target")
	}
}

func TestUnwritableFolderIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dashboard.Write(file, dashboard.Options{}); err == nil {
		t.Error("no error")
	}
}
