package suite

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/decision"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
	"ftadvise/calibrate/history"
)

// tiny is a suite of the generated domains alone, of few steps.
func tiny(t *testing.T, names ...string) (Setting, []Base, []Domain) {
	t.Helper()
	s := Default()
	s.Dir, s.HorizonSteps, s.WarmupSteps = t.TempDir(), 60, 2
	bases, err := Bases([]string{"1m"})
	if err != nil {
		t.Fatal(err)
	}
	domains, err := Domains(names)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Place().Prepare(bases, domains, Sources{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Pack(t.Context(), s.Units(bases, domains, 1)); err != nil {
		t.Fatal(err)
	}
	return s, bases, domains
}

// crew trains by scripted engines, whose best rates lie off the grids' centres.
func crew(s Setting, fullBest, loraBest float64) Crew {
	full := enginetest.Curve{Base: 5, Floor: 2.0, Tau: 60, Power: 0.7, BestRate: fullBest, Decay: 0.05}
	lora := enginetest.Curve{Base: 5, Floor: 2.6, Tau: 25, Power: 1.0, BestRate: loraBest, Decay: 0.03}
	return Crew{Setting: s, Processes: 3, Say: func(string) {}, Engine: func() calibrate.Engine { return enginetest.New(enginetest.Of(full, lora)) }}
}

func TestSuiteEndToEnd(t *testing.T) {
	s, bases, domains := tiny(t, "orders", "facts-025")
	units := s.Units(bases, domains, 2)
	c := crew(s, 1e-4, 4e-3)
	if err := c.Train(t.Context(), units); err != nil {
		t.Fatal(err)
	}
	if err := s.Measure(t.Context(), c.Engine(), s.Units(bases, domains[:1], 1)); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	n, err := s.Curves(units, "scripted", out)
	if err != nil || n != 2 {
		t.Fatalf("%d data sets, %v", n, err)
	}
	records, _, err := history.Read([]string{filepath.Join(out, "1m-orders.json"), filepath.Join(out, "1m-facts-025.json")})
	if err != nil {
		t.Fatal(err)
	}
	curves := history.Curves(records)
	checkBestInside(t, s, slices.DeleteFunc(slices.Clone(curves), func(c forecast.Curve) bool { return c.Seed > 1 }))
	checkSeeds(t, s, curves)
	checkMeasured(t, out)
	cases := decision.Cases(curves, nil, s.HorizonSteps)
	if len(cases) != 2 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		// At step 60 the scripted LoRA still leads.
		if gap, _, ok := c.Gap(s.HorizonSteps); !ok || gap > -0.1 || len(c.Ranks()) != 3 {
			t.Errorf("%s: gap %g, ranks %v", c.Data, gap, c.Ranks())
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir, "scratch", "*")); len(left) > 0 {
		t.Errorf("checkpoints were left: %v", left)
	}
}

// checkSeeds: the second seed of a data set has each method to the horizon once, at the rate
// that ended lowest with the first, in other batches, and is compared with itself alone.
func checkSeeds(t *testing.T, s Setting, curves []forecast.Curve) {
	t.Helper()
	type arm struct {
		data   string
		method evidence.Method
	}
	best := map[arm]forecast.Curve{}
	for _, c := range curves {
		if known, ok := best[arm{c.Data, c.Method}]; c.Seed <= 1 && c.Loss(s.HorizonSteps) > 0 && (!ok || c.Loss(s.HorizonSteps) < known.Loss(s.HorizonSteps)) {
			best[arm{c.Data, c.Method}] = c
		}
	}
	again := 0
	for _, c := range curves {
		if c.Seed != 2 {
			continue
		}
		again++
		data, isSecond := strings.CutSuffix(c.Data, "/seed2")
		if first := best[arm{data, c.Method}]; !isSecond || first.Rate != c.Rate || len(c.Points) != len(first.Points) {
			t.Errorf("%s on %s at %g after %s at %g", c.Name, c.Data, c.Rate, first.Name, first.Rate)
		}
	}
	if again != 2*4 {
		t.Errorf("%d runs of the second seed", again)
	}
}

// checkMeasured: what the engine measured of the first domain stands beside its text's facts.
func checkMeasured(t *testing.T, dir string) {
	t.Helper()
	for name, want := range map[string]bool{"1m-orders.json": true, "1m-facts-025.json": false} {
		var f file
		if ok, err := readJSON(filepath.Join(dir, name), &f); !ok || err != nil {
			t.Fatal(err)
		}
		if d := f.About.Domain; (d.TokenLoss != nil && len(d.Layers) > 0) != want || d.TokenDivergence == nil || d.BaseLoss == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// checkBestInside holds each method's best rate to lie between two finished ones.
func checkBestInside(t *testing.T, s Setting, curves []forecast.Curve) {
	t.Helper()
	type arm struct {
		data   string
		method evidence.Method
	}
	lowest, rates := map[arm]forecast.Curve{}, map[arm][]float64{}
	for _, c := range curves {
		if len(c.Points) == 0 {
			continue // diverged before a second evaluation
		}
		last := c.Points[len(c.Points)-1]
		if last.Step < s.HorizonSteps {
			continue
		}
		a := arm{c.Data, c.Method}
		rates[a] = append(rates[a], c.Rate)
		if known, ok := lowest[a]; !ok || last.Loss < known.Points[len(known.Points)-1].Loss {
			lowest[a] = c
		}
	}
	if len(rates) != 2*4 {
		t.Errorf("%d arms reached the horizon", len(rates))
	}
	for a, c := range lowest {
		below, above := false, false
		for _, r := range rates[a] {
			below, above = below || r < c.Rate, above || r > c.Rate
		}
		if !below || !above {
			t.Errorf("%v: the best rate %g lies at the edge of %v", a, c.Rate, rates[a])
		}
	}
}

func TestSuiteGoesOn(t *testing.T) {
	s, bases, domains := tiny(t, "orders")
	units := s.Units(bases, domains, 1)
	c := crew(s, 1e-3, 4e-3)
	if err := c.Train(t.Context(), units[:1]); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(s.Place().Unit(units[0]))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Curves(units, "scripted", t.TempDir()); err != nil || n != 0 {
		t.Fatalf("half a data set was written: %d, %v", n, err)
	}
	c.Until = time.Now().Add(time.Minute)
	if err := c.Train(t.Context(), units); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(s.Place().Unit(units[0]))
	if err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("a finished unit was trained again: %v", err)
	}
	if n, err := s.Curves(units, "scripted", t.TempDir()); err != nil || n != 1 {
		t.Fatalf("%d data sets, %v", n, err)
	}
}

// A further seed without the first one's rates says what is missing.
func TestSeedNeedsTheFirst(t *testing.T) {
	s, bases, domains := tiny(t, "orders")
	err := crew(s, 1e-3, 4e-3).Train(t.Context(), s.Units(bases, domains, 2)[2:])
	if err == nil || !strings.Contains(err.Error(), "train 1m.orders.s1.") {
		t.Errorf("got %v", err)
	}
}

// LoRA with tables trained whole is filed apart from what a decision is scored on.
func TestTablesTrainedWhole(t *testing.T) {
	s, _, _ := tiny(t, "orders")
	units, err := s.Named([]string{"1m/orders"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	units = append(units, Whole(units, "embed_tokens,lm_head")...)
	if err := crew(s, 1e-3, 4e-3).Train(t.Context(), units); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if n, err := s.Curves(units, "scripted", out); err != nil || n != 1 {
		t.Fatalf("%d data sets, %v", n, err)
	}
	for folder, want := range map[string]bool{"": false, "decay": false, "whole": true} {
		var f file
		if ok, err := readJSON(filepath.Join(out, folder, "1m-orders.json"), &f); !ok || err != nil {
			t.Fatal(folder, err)
		}
		for name, c := range f.Runs {
			if got := c.Method == "lora-r8+embed_tokens+lm_head"; got != want {
				t.Errorf("%q has %s", folder, name)
			}
		}
	}
	table, err := wholes(out)
	if err != nil || strings.Count(table, "\n") != 2+5 || !strings.Contains(table, "| lora-r8 + embed_tokens + lm_head |") {
		t.Errorf("%v\n%s", err, table)
	}
}

func TestDivergedRatesAreKept(t *testing.T) {
	s, bases, domains := tiny(t, "orders")
	u := s.Units(bases, domains, 1)[0]
	// Whatever is above 30 times this rate diverges: most of the first grid.
	engine := crew(s, 2e-5, 1e-3).Engine()
	r, err := Trainer{s, engine}.Unit(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	count := map[evidence.Status]int{}
	for _, run := range r.Runs {
		count[run.Status]++
	}
	if count[evidence.Diverged] == 0 || count[evidence.Completed] < 4 {
		t.Errorf("got %v", count)
	}
}

func TestEvalSteps(t *testing.T) {
	s := Default()
	steps := s.EvalSteps()
	for _, want := range []int{0, 30, s.CutSteps(), s.DecayStart(), s.HorizonSteps} {
		found := false
		for _, step := range steps {
			found = found || step == want
		}
		if !found {
			t.Errorf("step %d is not evaluated: %v", want, steps)
		}
	}
	if len(steps) < 30 || len(steps) > 45 {
		t.Errorf("%d evaluations: %v", len(steps), steps)
	}
	for i := 1; i < len(steps); i++ {
		if steps[i] <= steps[i-1] || steps[i]-steps[i-1] > s.HorizonSteps/15 {
			t.Errorf("steps %d and %d", steps[i-1], steps[i])
		}
	}
}

func TestGrid(t *testing.T) {
	rates := grid(1e-3, 5)
	if len(rates) != 5 || math.Abs(rates[2]-1e-3) > 1e-9 || math.Abs(rates[4]/rates[0]-16) > 0.1 {
		t.Errorf("got %v", rates)
	}
}
