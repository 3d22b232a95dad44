//go:build real

package dashboard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ftadvise/advisor"
	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
	"ftadvise/reports/dashboard"
	"ftadvise/reports/metrics"
)

// The rules are checked and unit-tested by promtool.
func TestRealRules(t *testing.T) {
	dir, _ := written(t)
	tests, err := os.ReadFile(filepath.Join("testdata", "alerts_test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	placed := filepath.Join(dir, "prometheus", "alerts_test.yml")
	if err := os.WriteFile(placed, tests, 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "promtool", "check", "config", filepath.Join(dir, "prometheus", "prometheus.yml"))
	tool(t, "promtool", "check", "rules", filepath.Join(dir, "prometheus", "recording.yml"), filepath.Join(dir, "prometheus", "alerts.yml"))
	tool(t, "promtool", "test", "rules", placed)
}

// Prometheus scrapes a calibration while it runs; then every panel and every recording
// rule has an answer there.
func TestRealPrometheusAnswersEveryPanel(t *testing.T) {
	exporter := metrics.NewExporter(nil, metrics.Options{Version: "test"})
	target := serve(t, exporter)
	native, classic := prometheusOn(t, target, "--enable-feature=native-histograms"), prometheusOn(t, target)
	run := calibrateLive(t, exporter)
	publish(t, exporter, run)
	for name, api := range map[string]string{"native": native, "classic": classic} {
		t.Run(name, func(t *testing.T) { everythingAnswers(t, api) })
	}
	if n := answers(t, native, `histogram_count(ftadvise_step_duration_seconds) > 0`); n == 0 {
		t.Error("the native histogram of step times did not arrive")
	}
	checkMetrics(t, target)
}

// everythingAnswers waits until every query has data.
func everythingAnswers(t *testing.T, api string) {
	t.Helper()
	open := map[string]string{}
	for name, expr := range everyQuery(t) {
		open[name] = expr
	}
	t.Logf("%d queries of panels, annotations and rules", len(open))
	for deadline := time.Now().Add(time.Minute); len(open) > 0 && time.Now().Before(deadline); time.Sleep(time.Second) {
		for name, expr := range open {
			if answers(t, api, expr) > 0 {
				delete(open, name)
			}
		}
	}
	for name, expr := range open {
		t.Errorf("no data: %s: %s", name, expr)
	}
	rulesAreHealthy(t, api)
}

// A finished run becomes blocks that Prometheus can read.
func TestRealBackfill(t *testing.T) {
	run := calibrateLive(t, metrics.NewExporter(nil, metrics.Options{}))
	dir := t.TempDir()
	file := filepath.Join(dir, "run.om")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := metrics.WriteOpenMetrics(out, run, nil); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	tool(t, "promtool", "tsdb", "create-blocks-from", "openmetrics", file, filepath.Join(dir, "data"))
	listed := tool(t, "promtool", "tsdb", "list", filepath.Join(dir, "data"))
	if strings.Count(listed, "\n") < 2 {
		t.Errorf("no blocks: %s", listed)
	}
}

func TestRealPushgateway(t *testing.T) {
	addr := freeAddr(t)
	background(t, "prometheus-pushgateway", "--web.listen-address="+addr)
	waitFor(t, "http://"+addr+"/-/ready")
	exporter := metrics.NewExporter(nil, metrics.Options{Version: "test"})
	if err := exporter.Push(t.Context(), "http://"+addr, "tickets"); err != nil {
		t.Fatal(err)
	}
	if body := get(t, "http://"+addr+"/metrics"); !strings.Contains(body, `project="tickets"`) {
		t.Error("the group did not arrive")
	}
	if err := metrics.Unpush("http://"+addr, "tickets"); err != nil {
		t.Fatal(err)
	}
	if body := get(t, "http://"+addr+"/metrics"); strings.Contains(body, `project="tickets"`) {
		t.Error("the group stayed")
	}
}

func serve(t *testing.T, e *metrics.Exporter) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	addr, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- e.Serve(ctx, "127.0.0.1:0", metrics.ServeOptions{Listening: func(a string) { addr <- a }})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return <-addr
}

// prometheusOn starts Prometheus with the written configuration, only quicker.
func prometheusOn(t *testing.T, target string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := dashboard.Write(dir, dashboard.Options{Target: target}); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus", "prometheus.yml")
	text := strings.NewReplacer("scrape_interval: 5s", "scrape_interval: 1s", "evaluation_interval: 15s", "evaluation_interval: 1s").Replace(read(t, config))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	background(t, "prometheus", append(flags, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+addr, "--log.level=warn")...)
	waitFor(t, "http://"+addr+"/-/ready")
	return "http://" + addr
}

// calibrateLive plays a calibration in real time, about 25 seconds of it.
func calibrateLive(t *testing.T, obs calibrate.Observer) *evidence.Run {
	t.Helper()
	script := enginetest.Trap()
	script.StepSeconds = func(m evidence.Method, _, _ int) float64 {
		if m.Kind == evidence.LoRA {
			return 0.014
		}
		return 0.02
	}
	script.EvalSeconds = 0.03
	script.Pass = func(s float64) { time.Sleep(time.Duration(s * float64(time.Second))) }
	lora := evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}
	spec := calibrate.Spec{
		ModelDir: "model", PackPath: "pack.safetensors", Device: "cpu", Precision: "fp32",
		Model:     evidence.Model{Name: "tiny", Architecture: "llama", Params: 1_000_000, Vocab: 512, Fingerprint: "m"},
		Data:      evidence.Data{Name: "text", Fingerprint: "d", Tokens: 1 << 20, LabelledShare: 1, EvalRows: 32, EvalTokens: 500},
		SeqLength: 16, MicroBatch: 8, Accumulation: 1, WarmupSteps: 10, Full: true, LoRA: []evidence.Method{lora},
		RateFull: 1e-4, RateLoRA: 1e-3, SearchRates: 3, HorizonSteps: 1000, Budget: 25 * time.Second, Seeds: 1, Seed: 7,
	}
	keeper, err := enginetest.NewKeeper(t.TempDir(), &evidence.Run{ID: "01LIVE", CreatedAt: time.Now(), State: evidence.Running})
	if err != nil {
		t.Fatal(err)
	}
	run, err := calibrate.Run(t.Context(), spec, enginetest.New(script), keeper, obs)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

type takeLoRA struct{}

func (takeLoRA) Decide(advisor.Features) (advisor.Verdict, error) {
	return advisor.Verdict{Answer: advisor.UseLoRA, Policy: "test@0", Rule: "always", Because: "this is a test",
		Method: evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}}, nil
}

// publish shows what follows a calibration: forecasts, advice, an audit, and the GPUs
// that this machine may lack.
func publish(t *testing.T, e *metrics.Exporter, run *evidence.Run) {
	t.Helper()
	var err error
	if run.Forecasts, run.Gaps, _, err = forecast.Arms(run, run.Setup.HorizonSteps); err != nil {
		t.Fatal(err)
	}
	e.PublishRun(run)
	rec, err := advisor.Recommend(run, advisor.DefaultStakes(), nil, takeLoRA{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if rec.BreakEven == nil {
		rec.BreakEven = new(1000.0)
	}
	e.Publish(rec)
	e.PublishAudit(metrics.Audit{HitRatio: 0.8, CoverageRatio: 0.78, MemoryErrorRatio: 0.07, Right: map[string]bool{run.ID: true}})
	e.PublishGPUs([]metrics.GPU{{Index: "0", Name: "a GPU", Utilization: 0.5, PowerWatts: 300, TemperatureCelsius: 60, UsedBytes: 1 << 30, TotalBytes: 2 << 30}})
}

// everyQuery lists the dashboard's and the recording rules' expressions as the
// dashboard would send them with all runs and arms chosen.
func everyQuery(t *testing.T) map[string]string {
	t.Helper()
	dir, _ := written(t)
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, RefID string }
		}
		Annotations struct{ List []struct{ Name, Expr string } }
	}
	if err := json.Unmarshal([]byte(read(t, dir, "grafana/dashboards/ftadvise.json")), &board); err != nil {
		t.Fatal(err)
	}
	choose := strings.NewReplacer("$run", ".*", "$arm", ".*", "$device", ".*", "$__rate_interval", "1m")
	out := map[string]string{}
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			out[p.Title+" "+q.RefID] = choose.Replace(q.Expr)
		}
	}
	for _, a := range board.Annotations.List {
		// A trial's end is seen for thirty seconds; the last may be longer ago.
		out["annotation "+a.Name] = strings.ReplaceAll(choose.Replace(a.Expr), "offset 30s", "offset 10m")
	}
	for line := range strings.Lines(read(t, dir, "prometheus", "recording.yml")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "- record: "); ok {
			out["rule "+name] = name
		}
	}
	return out
}

func answers(t *testing.T, api, expr string) int {
	t.Helper()
	var reply struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	// The newest ten minutes count: a rate ends soon after the calibration does.
	q := url.Values{"query": {fmt.Sprintf("last_over_time((%s)[10m:1s])", expr)}}
	if err := json.Unmarshal([]byte(get(t, api+"/api/v1/query?"+q.Encode())), &reply); err != nil {
		t.Fatal(err)
	}
	if reply.Status != "success" {
		t.Fatalf("%s: %s", expr, reply.Error)
	}
	return len(reply.Data.Result)
}

func rulesAreHealthy(t *testing.T, api string) {
	t.Helper()
	var reply struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := json.Unmarshal([]byte(get(t, api+"/api/v1/rules")), &reply); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range reply.Data.Groups {
		for _, r := range g.Rules {
			n++
			if r.Health != "ok" {
				t.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d rules are loaded", n)
	}
	t.Logf("%d rules are healthy", n)
}

// checkMetrics has promtool judge the exposition.
func checkMetrics(t *testing.T, target string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	var ours []string
	for line := range strings.Lines(get(t, "http://"+target+"/metrics")) {
		if strings.Contains(line, "ftadvise_") {
			ours = append(ours, line)
		}
	}
	cmd.Stdin = strings.NewReader(strings.Join(ours, ""))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	t.Logf("%s %s\n%s", name, strings.Join(args[:2], " "), out)
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

// background starts a server and ends it with the test.
func background(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("run reports/real/test.sh: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func waitFor(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		resp, err := http.Get(address)
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatalf("%s does not answer", address)
}

func get(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
