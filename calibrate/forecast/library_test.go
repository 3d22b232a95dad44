package forecast

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftadvise/calibrate/evidence"
)

// domains makes finished constant-rate curves: in each family full fine-tuning falls
// slower and further, a low rank stops early.
func domains(families int) []Curve {
	var out []Curve
	steps := []int{0, 4, 8, 16, 32, 45, 64, 90, 128, 181, 256, 362, 512, 724, 1024, 1448, 2000}
	for f := range families {
		size := 1.5 + 0.25*float64(f)
		for _, rank := range []int{0, 1, 4, 16} {
			m := evidence.Method{Kind: evidence.LoRA, Rank: rank}
			floor, rate := 2+0.8/float64(rank+1), 0.9
			if rank == 0 {
				m, floor, rate = evidence.Method{Kind: evidence.Full}, 1.5, 0.4
			}
			c := Curve{Name: fmt.Sprintf("d%d-%d", f, rank), Family: fmt.Sprint("d", f), Data: fmt.Sprint("d", f), Method: m,
				Schedule: evidence.Schedule{Shape: evidence.Constant}}
			for _, step := range steps {
				wobble := 0.004 * math.Sin(float64(step*(f+2)+rank))
				c.Points = append(c.Points, evidence.Point{Step: step, Loss: floor + size*math.Pow(1+float64(step)/30, -rate) + wobble})
			}
			out = append(out, c)
		}
	}
	return out
}

// fiveDomains is a library made once for all tests.
var fiveDomains = sync.OnceValue(func() Library { return BuildLibrary(domains(5)) })

func TestLibraryRoundTrip(t *testing.T) {
	built := fiveDomains()
	if len(built.Constant) < 8 || len(built.Decaying) != 0 {
		t.Fatalf("%d constant and %d decaying courses", len(built.Constant), len(built.Decaying))
	}
	text, err := built.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseLibrary(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := read.Encode()
	if err != nil || string(again) != string(text) {
		t.Errorf("a library changes on its way through JSON: %v", err)
	}
}

// Leaving a family out of the library comes close to never having had it.
func TestLeavingOutMatchesRefit(t *testing.T) {
	all := domains(5)
	whole := fiveDomains()
	left := whole.Without("d2")
	refit := BuildLibrary(append(append([]Curve(nil), all[:8]...), all[12:]...))
	for i, c := range left.Constant {
		other := refit.Constant[i]
		if c.setting != other.setting {
			continue // the choice of setting is not undone, by design
		}
		if d := math.Abs(c.Intercept - other.Intercept); d > 0.02 {
			t.Errorf("share %v: intercept differs by %v", c.Share, d)
		}
		for _, r := range c.Residuals {
			if r.Family == "d2" {
				t.Fatalf("share %v keeps a residual of the family left out", c.Share)
			}
		}
	}
}

// With a library of other domains the arms of a new one are ranked right before their
// curves cross; the last value ranks them wrong.
func TestLibrarySeesThroughTheTrap(t *testing.T) {
	curves := domains(6)
	library := fiveDomains()
	run := &evidence.Run{ID: "new"}
	for _, c := range curves[20:] {
		trial := probe(c.Name, c.Method, []int{0}, func(int) float64 { return 0 })
		trial.Outcome.EvalLoss = c.upTo(90).Points
		run.Trials = append(run.Trials, trial)
	}
	full, rank16 := run.Trials[0].Outcome.EvalLoss, run.Trials[3].Outcome.EvalLoss
	if full[len(full)-1].Loss <= rank16[len(rank16)-1].Loss {
		t.Fatal("the test wants LoRA ahead at the end of the probe")
	}
	_, gaps, _, err := library.Arms(run, 2000)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gaps {
		truth, _ := curves[20].Target(2000)
		for _, c := range curves[21:] {
			if c.Name == g.LoRA {
				loss, _ := c.Target(2000)
				truth = loss - truth
			}
		}
		if truth > 0.15 && g.PFullBetter < 0.8 || g.PFullBetter < 0.5 || math.Abs(g.AtHorizon.Mean-truth) > 0.1 {
			t.Errorf("%s: %+v with P(full better) %.2f; truth %.3f", g.LoRA, g.AtHorizon, g.PFullBetter, truth)
		}
	}
}

// Curves that are equal stay undecided, whoever won among the finished ones.
func TestEqualCurvesStayUndecided(t *testing.T) {
	library := fiveDomains()
	curve := domains(6)[20].upTo(90).Points
	run := &evidence.Run{ID: "equal"}
	for _, m := range []evidence.Method{{Kind: evidence.Full}, {Kind: evidence.LoRA, Rank: 16}} {
		trial := probe(m.String(), m, []int{0}, func(int) float64 { return 0 })
		trial.Outcome.EvalLoss = curve
		run.Trials = append(run.Trials, trial)
	}
	_, gaps, _, err := library.Arms(run, 2000)
	if err != nil || len(gaps) != 1 {
		t.Fatal(gaps, err)
	}
	if g := gaps[0]; math.Abs(g.PFullBetter-0.5) > 0.01 || math.Abs(g.AtHorizon.Mean) > 0.002 || g.Regime == evidence.Decided {
		t.Errorf("%+v", g)
	}
}

func TestParseLibraryRefuses(t *testing.T) {
	built := fiveDomains()
	text, err := built.Encode()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"no JSON":      "{",
		"newer schema": strings.Replace(string(text), `"schema":1`, `"schema":2`, 1),
		"coefficients": strings.Replace(string(text), `"coef":[`, `"coef":[1,`, 1),
		"residuals":    strings.Replace(string(text), `"residuals":[{`, `"residuals":[],"x":[{`, 1),
	}
	for name, text := range tests {
		if _, err := ParseLibrary([]byte(text)); err == nil {
			t.Errorf("%s: passed", name)
		}
	}
}

func FuzzParseLibrary(f *testing.F) {
	built := fiveDomains()
	built.Constant = []Course{built.Constant[4]}
	built.Constant[0].Residuals = built.Constant[0].Residuals[:6]
	text, err := built.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"schema":1,"constant":[{"share":0.1,"grid":[0.05,0.1],"coef":[1],"residuals":[{},{},{},{}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ParseLibrary(data)
		if err != nil {
			return
		}
		run := &evidence.Run{Trials: []evidence.TrialResult{probe("full", fullMethod, early, power(2, 2, 0.4)), probe("lora", loraMethod, early, power(2.2, 2, 0.4))}}
		if _, _, _, err := l.Arms(run, 1500); err != nil {
			t.Fatal(err)
		}
	})
}

// What lies beyond the share seen changes nothing.
func TestCurvesDoNotPeek(t *testing.T) {
	curves := domains(3)
	before, err := Curves(curves, 0.2, 2000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range curves {
		seen := curves[i].upTo(400).Points
		curves[i].Points = append(append([]evidence.Point(nil), seen...), evidence.Point{Step: 500, Loss: 77}, evidence.Point{Step: 2000, Loss: math.NaN()})
	}
	after, err := Curves(curves, 0.2, 2000)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

func TestCurvesRefusals(t *testing.T) {
	tests := []struct {
		name    string
		seen    float64
		horizon int
		want    string
	}{
		{"horizon", 0.2, 0, "horizon"}, {"share", 1.5, 100, "share"}, {"NaN", math.NaN(), 100, "share"}, {"too early", 0.0001, 2000, "two finite losses"},
	}
	for _, test := range tests {
		if _, err := Curves(domains(1), test.seen, test.horizon); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestReplayScoresAPerfectWorld(t *testing.T) {
	library := fiveDomains()
	scores, err := Replay{Curves: domains(5), Horizon: 2000, Ceiling: 9, Library: &library}.Run([]float64{0.256})
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Score{}
	for _, s := range scores {
		byName[s.Forecaster] = s
		if s.Brier.Value < 0 || s.Brier.Value > 1 || s.Accuracy.Low > s.Accuracy.Value || s.Accuracy.High < s.Accuracy.Value {
			t.Errorf("%+v", s)
		}
	}
	if last, taught := byName["last value"], byName["finished curves"]; taught.Accuracy.Value <= last.Accuracy.Value || taught.Pairs != 30 {
		t.Errorf("finished curves rank %v of %d pairs, the last value %v", taught.Accuracy, taught.Pairs, last.Accuracy)
	}
	if _, err := (Replay{Curves: domains(1), Horizon: 9000, Ceiling: 9}).Run([]float64{0.2}); err == nil {
		t.Error("curves that do not reach the horizon were scored")
	}
}
