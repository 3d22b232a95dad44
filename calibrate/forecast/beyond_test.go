package forecast

import (
	"math"
	"testing"

	"ftadvise/calibrate/evidence"
)

// crossing are two curves of which LoRA's leads until step 375 and ends 0.3 nats behind.
func crossing() (full, lora func(int) float64) {
	return func(s int) float64 { return 2 + 3*math.Pow(1+float64(s)/60, -0.7) },
		func(s int) float64 { return 2.6 + 2.4/(1+float64(s)/25) }
}

// gapAfter is what the embedded library says of two curves seen for some steps.
func gapAfter(t *testing.T, full, lora func(int) float64, seen, horizon int) evidence.Gap {
	t.Helper()
	steps := []int{0}
	for k := 12; k >= 0; k-- {
		steps = append(steps, int(math.Round(float64(seen)*math.Pow(2, -float64(k)/2))))
	}
	for i := 1; i < len(steps); i++ {
		steps[i] = max(steps[i], steps[i-1]+1)
	}
	run := &evidence.Run{ID: "r", Trials: []evidence.TrialResult{probe("full", fullMethod, steps, full), probe("lora", loraMethod, steps, lora)}}
	_, gaps, _, err := Arms(run, horizon)
	if err != nil || len(gaps) != 1 {
		t.Fatal(gaps, err)
	}
	return gaps[0]
}

// Few steps of many, or a gap that is closing fast, never make sure of who will win.
func TestNeverSureFarFromWhatIsTaught(t *testing.T) {
	full, lora := crossing()
	for _, test := range []struct{ seen, horizon int }{{40, 2000}, {110, 2000}, {290, 2000}, {170, 20000}, {290, 20000}, {410, 20000}, {90, 90000}} {
		g := gapAfter(t, full, lora, test.seen, test.horizon)
		if g.PFullBetter > sure || g.PFullBetter < 1-sure || g.Regime == evidence.Decided {
			t.Errorf("%+v: %.3f for full, %s, %+v", test, g.PFullBetter, g.Regime, g.AtHorizon)
		}
		if g.AtBest != g.AtHorizon {
			t.Errorf("%+v: neither is stopped early, yet the gap is %+v at the horizon and %+v at the best checkpoints", test, g.AtHorizon, g.AtBest)
		}
	}
}

// From 1 to 10 % of the way nothing is decided of a lead that will be lost, though it is
// large, and more is asked for.
func TestCrossingIsNotDecided(t *testing.T) {
	full, lora := crossing()
	for seen := 20; seen <= 200; seen += 10 {
		g := gapAfter(t, full, lora, seen, 2000)
		if g.Regime == evidence.Decided || g.MoreSteps < 20 {
			t.Errorf("after %d: %s, %.3f for full, %+v, %d more steps", seen, g.Regime, g.PFullBetter, g.Trend, g.MoreSteps)
		}
		if seen >= 90 && !g.Trend.Fades(0) {
			t.Errorf("after %d: %+v does not fade", seen, g.Trend)
		}
	}
}

// A gap that dwarfs every taught error is decided where such shares are taught, and only
// there.
func TestDecidedOnlyWhereTaught(t *testing.T) {
	full := func(s int) float64 { return 2 + 2*math.Pow(1+float64(s)/10, -0.5) }
	lora := func(s int) float64 { return full(s) + 0.6*(1-math.Exp(-float64(s)/5)) }
	if g := gapAfter(t, full, lora, 300, 2000); g.Regime != evidence.Decided || g.PFullBetter < sure {
		t.Errorf("a seventh seen: %.3f for full, %s", g.PFullBetter, g.Regime)
	}
	g := gapAfter(t, full, func(s int) float64 { return full(s) + 5 }, 100, 20000)
	if g.Regime != evidence.NeedsMore || 100+g.MoreSteps < 280 {
		t.Errorf("a two hundredth seen: %s, %d more steps", g.Regime, g.MoreSteps)
	}
}

// Where less is left there is less to doubt: equal curves become a tie.
func TestEqualCurvesBecomeATie(t *testing.T) {
	curve := func(s int) float64 { return 2.4 + 1.6*math.Pow(1+float64(s)/40, -0.8) }
	width := math.Inf(1)
	for _, test := range []struct {
		seen int
		most float64 // of the 80 % interval's half, in nats
	}{{20, 1}, {40, 1}, {160, 0.05}, {800, 0.05}, {1400, 0.02}, {1800, 0.01}, {1900, 0.008}, {1960, 0.005}, {1990, 0.003}, {2000, 0.003}} {
		g := gapAfter(t, curve, curve, test.seen, 2000)
		now := g.AtBest.P90 - g.AtBest.P10
		if now > 2*test.most || math.Abs(g.AtBest.Mean) > 1e-3 || test.seen > 800 && now > width+1e-9 {
			t.Errorf("after %d steps: %+v, after fewer %.4f wide", test.seen, g.AtBest, width)
		}
		width = now
	}
	if want := 2 * z90 * seedNoisePaired; math.Abs(width-want) > 1e-6 {
		t.Errorf("at the horizon the interval is %.4f nats wide, seeds alone make %.4f", width, want)
	}
}

// Errors grow below the taught shares as they would have had to among them.
func TestGrowthForetellsTheSmallestShare(t *testing.T) {
	library, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	size := func(c Course) float64 {
		var errors []float64
		for _, r := range c.Residuals {
			errors = append(errors, math.Abs(r.Z*r.Scale))
		}
		return percentile(errors, 0.8)
	}
	known, asked := library.Gaps[3:], library.Gaps[0]
	foretold := size(known[0]) * math.Pow(known[0].Share/asked.Share, growth(known))
	if ratio := foretold / size(asked); ratio < 0.67 || ratio > 1.5 {
		t.Errorf("at %v errors of %.3f units, foretold from %v on %.3f", asked.Share, size(asked), known[0].Share, foretold)
	}
	if share := deciding(library.Gaps); share < 0.04 || share > 0.06 {
		t.Errorf("gaps are decided from %v of the horizon on", share)
	}
	if growth(library.Gaps[:1]) != 0.5 {
		t.Error("a single course shows no growth")
	}
}

// Where early stopping ends one arm, the gap is between the checkpoints that are kept.
func TestGapAtBestOfAnArmThatTurned(t *testing.T) {
	full := func(s int) float64 { return 1.9 + 0.1*math.Pow(math.Log(float64(s+1)/61), 2) }
	lora := func(s int) float64 { return 2.4 + 0.6*math.Exp(-float64(s)/30) }
	g := gapAfter(t, full, lora, 700, 1500)
	if math.Abs(g.AtBest.Mean-0.5) > 0.05 || g.AtHorizon.Mean > 0.2 {
		t.Errorf("at best %+v, at the horizon %+v", g.AtBest, g.AtHorizon)
	}
}
