package metrics_test

import (
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"ftadvise/advisor"
	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/reports/metrics"
)

var _ calibrate.Observer = (*metrics.Exporter)(nil)

func start() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// clock is a time that a test moves by hand.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func planned(id string) *evidence.Run {
	full := evidence.Method{Kind: evidence.Full}
	lora := evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}
	trial := func(id string, stage evidence.Stage, m evidence.Method, steps int) evidence.TrialResult {
		return evidence.TrialResult{Trial: evidence.Trial{ID: id, Stage: stage, Method: m, LearningRate: 1e-4, Steps: steps},
			Outcome: evidence.Outcome{Status: evidence.Pending}}
	}
	fit := trial("full.fit", evidence.StageFit, full, 3)
	fit.Outcome = evidence.Outcome{Status: evidence.Completed, Steps: 3, StepSeconds: evidence.Summary{N: 2, Median: 0.05},
		PeakAllocatedBytes: 3 << 30, PeakReservedBytes: 4 << 30}
	return &evidence.Run{Schema: 1, ID: id, CreatedAt: start(), State: evidence.Running,
		Setup: evidence.Setup{Device: "cpu", Precision: "fp32", HorizonSteps: 1000, BudgetSeconds: 60,
			Model: evidence.Model{Name: "org/base", Architecture: "llama"}},
		Data:        evidence.Data{Name: "data.jsonl"},
		Environment: evidence.Environment{CPU: "some CPU", MemoryBytes: 8 << 30},
		Trials: []evidence.TrialResult{fit, trial("full.probe", evidence.StageProbe, full, 10),
			trial("lora-r8.probe", evidence.StageProbe, lora, 10)}}
}

// calibrated is an exporter that has heard the first half of a run.
func calibrated(t *testing.T) (*metrics.Exporter, *prometheus.Registry) {
	t.Helper()
	reg, c := prometheus.NewRegistry(), &clock{t: start()}
	e := metrics.NewExporter(reg, metrics.Options{Version: "test", Now: c.now})
	e.Planned(planned("run-1"))
	e.Happened(calibrate.TrialStarted{Trial: "full.probe", TrainableParams: 100, TotalParams: 100})
	e.Happened(calibrate.EvalDone{Trial: "full.probe", Set: calibrate.SetHeldOut, Loss: 3})
	for step := 1; step <= 10; step++ {
		c.t = c.t.Add(100 * time.Millisecond)
		e.Happened(calibrate.StepDone{Trial: "full.probe", Step: step, Loss: 3 / float64(step), GradNorm: 1,
			LearningRate: 1e-4, Seconds: 0.1, Tokens: 512, Warm: step > 2})
	}
	e.Happened(calibrate.MemoryMeasured{Trial: "full.probe", PeakAllocatedBytes: 5 << 30, PeakReservedBytes: 6 << 30})
	e.Happened(calibrate.EvalDone{Trial: "full.probe", Step: 10, Set: calibrate.SetHeldOut, Loss: 2.5})
	e.Happened(calibrate.TrialEnded{Trial: "full.probe", Status: evidence.Completed, Steps: 10})
	e.Happened(calibrate.LogLine{Level: "warning", Text: "slow"})
	e.Publish(recommendation("run-1"))
	return e, reg
}

func recommendation(run string) *advisor.Recommendation {
	breakEven := 1200.0
	return &advisor.Recommendation{Run: run, CreatedAt: start(), Confidence: 0.9, Regime: evidence.Decided,
		Verdict: advisor.Verdict{Answer: advisor.UseLoRA, Policy: "balanced@ab12", Rule: "cheaper",
			Method: evidence.Method{Kind: evidence.LoRA, Rank: 8}},
		Options: []advisor.Option{{Name: "full", Total: evidence.Distribution{Mean: 900, P10: 800, P50: 890, P90: 1000},
			Costs: []advisor.Cost{{Name: "training", USD: evidence.Distribution{Mean: 700}}}, RegretUSD: 300}},
		BreakEven: &breakEven, More: &advisor.MoreEvidence{CostUSD: 1, WorthUSD: 2}}
}

func TestLiveSeries(t *testing.T) {
	_, reg := calibrated(t)
	want := `
# HELP ftadvise_run_done_steps Optimizer steps done, all trials together.
# TYPE ftadvise_run_done_steps gauge
ftadvise_run_done_steps{run="run-1"} 13
# HELP ftadvise_trial_steps_total Optimizer steps done.
# TYPE ftadvise_trial_steps_total counter
ftadvise_trial_steps_total{arm="full",run="run-1",trial="full.fit"} 3
ftadvise_trial_steps_total{arm="full",run="run-1",trial="full.probe"} 10
# HELP ftadvise_trial_status Always 1; the trial's status is in the label.
# TYPE ftadvise_trial_status gauge
ftadvise_trial_status{arm="full",run="run-1",status="completed",trial="full.fit"} 1
ftadvise_trial_status{arm="full",run="run-1",status="completed",trial="full.probe"} 1
ftadvise_trial_status{arm="lora(r=8)",run="run-1",status="pending",trial="lora-r8.probe"} 1
# HELP ftadvise_arm_predicted_step_seconds Step time that the fit trial of this arm foretold.
# TYPE ftadvise_arm_predicted_step_seconds gauge
ftadvise_arm_predicted_step_seconds{arm="full",run="run-1"} 0.05
# HELP ftadvise_recommendation_confidence_ratio Probability that the answer has the lower total cost.
# TYPE ftadvise_recommendation_confidence_ratio gauge
ftadvise_recommendation_confidence_ratio{run="run-1"} 0.9
`
	err := testutil.GatherAndCompare(reg, strings.NewReader(want), "ftadvise_run_done_steps",
		"ftadvise_trial_steps_total", "ftadvise_trial_status", "ftadvise_arm_predicted_step_seconds", "ftadvise_recommendation_confidence_ratio")
	if err != nil {
		t.Error(err)
	}
	// Ten steps of the LoRA probe at the tenth of a second that a step has taken.
	if eta := gather(t, reg)["ftadvise_run_eta_seconds"].GetMetric()[0].GetGauge().GetValue(); math.Abs(eta-1) > 1e-9 {
		t.Errorf("time left %v s, want 1", eta)
	}
}

func TestNamesPassTheLinter(t *testing.T) {
	_, reg := calibrated(t)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", err, problems)
	}
}

func TestStepTimesAreNativeAndClassic(t *testing.T) {
	_, reg := calibrated(t)
	family := gather(t, reg)["ftadvise_step_duration_seconds"]
	h := family.GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 8 || len(h.GetBucket()) == 0 || len(h.GetPositiveSpan()) == 0 {
		t.Errorf("8 counted steps, classic and native buckets wanted: %v", h)
	}
}

func TestResumeCountsNoStepTwice(t *testing.T) {
	e, reg := calibrated(t)
	run := planned("run-1")
	run.Trials[1].Outcome = evidence.Outcome{Status: evidence.Completed, Steps: 10}
	e.Planned(run)
	if got := testutil.CollectAndCount(reg, "ftadvise_trial_steps_total"); got != 2 {
		t.Errorf("%d series of steps, want 2", got)
	}
	for _, m := range gather(t, reg)["ftadvise_trial_steps_total"].GetMetric() {
		if v := m.GetCounter().GetValue(); v != 3 && v != 10 {
			t.Errorf("%v steps: %v", v, m.GetLabel())
		}
	}
}

// Hostile names and a hundred thousand runs must neither break the exposition nor
// make it grow.
func TestCardinalityIsBounded(t *testing.T) {
	reg := prometheus.NewRegistry()
	e := metrics.NewExporter(reg, metrics.Options{MaxRuns: 5, MaxTrials: 2, Now: start})
	for i := range 1000 {
		run := planned(fmt.Sprintf("run-%04d", i))
		run.CreatedAt = start().Add(time.Duration(i) * time.Minute)
		run.Setup.Model.Name = "bad\xff\u202e\"}\n" + strings.Repeat("x", 1<<16)
		e.PublishRun(run)
		e.PublishRun(run)
	}
	families := gather(t, reg)
	if n := len(families["ftadvise_run_info"].GetMetric()); n != 5 {
		t.Errorf("%d runs shown, want 5", n)
	}
	if n := len(families["ftadvise_trial_info"].GetMetric()); n != 10 {
		t.Errorf("%d trials shown, want 10", n)
	}
	for _, m := range families["ftadvise_run_info"].GetMetric() {
		for _, l := range m.GetLabel() {
			if len(l.GetValue()) > 128 || strings.ContainsAny(l.GetValue(), "\n\u202e") {
				t.Errorf("label %s = %q", l.GetName(), l.GetValue())
			}
			if l.GetName() == "run" && l.GetValue() < "run-0995" {
				t.Errorf("old run %s shown", l.GetValue())
			}
		}
	}
	for _, m := range families["ftadvise_series_dropped_total"].GetMetric() {
		want := map[string]float64{"run": 995, "trial": 1000}[m.GetLabel()[0].GetValue()]
		if got := m.GetCounter().GetValue(); got != want {
			t.Errorf("dropped %v = %v, want %v", m.GetLabel(), got, want)
		}
	}
	if body := scrape(t, e); len(body) > 200<<10 {
		t.Errorf("exposition of %d bytes", len(body))
	}
}

func TestSecondExporterOnOneRegistryIsAnError(t *testing.T) {
	reg := prometheus.NewRegistry()
	metrics.NewExporter(reg, metrics.Options{})
	if err := metrics.NewExporter(reg, metrics.Options{}).Serve(t.Context(), "127.0.0.1:0", metrics.ServeOptions{}); err == nil {
		t.Error("no error")
	}
}

func TestAuditShowsWhatWasRight(t *testing.T) {
	e, reg := calibrated(t)
	e.PublishAudit(metrics.Audit{HitRatio: 0.75, CoverageRatio: 0.8, MemoryErrorRatio: 0.1, Right: map[string]bool{"run-1": false, "gone": true}})
	want := "# HELP ftadvise_audit_advice_right 1 where the outcome proved the advice right, 0 where it proved it wrong.\n" +
		"# TYPE ftadvise_audit_advice_right gauge\nftadvise_audit_advice_right{run=\"run-1\"} 0\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "ftadvise_audit_advice_right"); err != nil {
		t.Error(err)
	}
}

func gather(t *testing.T, reg prometheus.Gatherer) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*dto.MetricFamily{}
	for _, f := range families {
		out[f.GetName()] = f
	}
	return out
}

func scrape(t *testing.T, e *metrics.Exporter) string {
	t.Helper()
	w := httptest.NewRecorder()
	e.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("scrape: %d %v", w.Code, err)
	}
	return string(body)
}

// A scrape with a thousand stored runs is to take less than 10 ms.
func BenchmarkScrapeThousandRuns(b *testing.B) {
	e := metrics.NewExporter(nil, metrics.Options{Now: start})
	for i := range 1000 {
		run := planned(fmt.Sprintf("run-%04d", i))
		run.CreatedAt = start().Add(time.Duration(i) * time.Minute)
		e.PublishRun(run)
	}
	h := e.Handler()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil))
	}
}
