package reports_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"ftadvise/advisor"
	"ftadvise/advisor/policy"
	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
	"ftadvise/policies"
)

type deaf struct{}

func (deaf) Planned(*evidence.Run)    {}
func (deaf) Happened(calibrate.Event) {}

// whole is a scripted calibration with its forecasts and the balanced policy's advice:
// what a report is made of outside of tests.
func whole(t *testing.T, script enginetest.Script) scenario {
	t.Helper()
	k, err := enginetest.NewKeeper(t.TempDir(), &evidence.Run{ID: "01SCRIPTED", CreatedAt: moment(), State: evidence.Running})
	if err != nil {
		t.Fatal(err)
	}
	base := baseRun()
	base.Setup.Model.Params, base.Data.LeakShare = 1_000_000, 0 // as the scripted engine has it
	spec := calibrate.Spec{
		ModelDir: "model", PackPath: "pack.safetensors", Device: "cpu", Precision: "fp32", Model: base.Setup.Model, Data: base.Data,
		SeqLength: 16, MicroBatch: 8, Accumulation: 1, WarmupSteps: 10, Optimizer: base.Setup.Optimizer, Full: true, LoRA: []evidence.Method{lora(8)},
		RateFull: 1e-4, RateLoRA: 1e-3, SearchRates: 3, HorizonSteps: 2000, Budget: 3 * time.Minute, Seeds: 1, Seed: 7,
	}
	run, err := calibrate.Run(t.Context(), spec, enginetest.New(script), k, deaf{})
	if err != nil {
		t.Fatal(err)
	}
	if run.Forecasts, run.Gaps, _, err = forecast.Arms(run, spec.HorizonSteps); err != nil {
		t.Fatal(err)
	}
	run.Domain = base.Domain
	decider, err := policy.Load("balanced", policies.FS())
	if err != nil {
		t.Fatal(err)
	}
	rec, err := advisor.Recommend(run, advisor.DefaultStakes(), nil, decider, moment())
	if err != nil {
		t.Fatal(err)
	}
	opts := options()
	opts.Decider = decider
	return scenario{run, rec, opts}
}

func TestReportOfAWholeCalibration(t *testing.T) {
	for name, script := range map[string]enginetest.Script{"trap": enginetest.Trap(), "tie": enginetest.Tie()} {
		s := whole(t, script)
		shown := page(t, s)
		if dir := os.Getenv("REPORT_SCRIPTED"); dir != "" {
			if err := os.WriteFile(dir+"/"+name+".html", shown, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []string{`id="curves-chart"`, `id="gap-chart"`, `id="search-chart"`, `id="memory-chart"`, `id="costs-chart"`, `id="map-chart"`} {
			if !strings.Contains(string(shown), want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
	}
}
