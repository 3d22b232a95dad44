package decision

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

const horizon = 1500

// domain is a made-up data set: by how much full wins in the end, and how far there is
// to learn.
type domain struct {
	gain, fall float64
}

// curves are those of every method at five rates.
func (d domain) curves(name string) []forecast.Curve {
	var out []forecast.Curve
	steps := []int{0, 2, 4, 6, 8, 11, 16, 22, 30, 45, 64, 90, 128, 181, 256, 362, 512, 724, 1024, horizon}
	for _, rank := range []int{0, 2, 8, 32} {
		m := evidence.Method{Kind: evidence.LoRA, Rank: rank, Alpha: float64(2 * rank), Targets: evidence.AllLinear}
		c := enginetest.Curve{Base: 2 + d.fall, Floor: 2 + d.gain*(1+1/float64(rank+1)), Tau: 30, Power: 0.8, BestRate: 4e-3}
		if rank == 0 {
			m = evidence.Method{Kind: evidence.Full}
			c = enginetest.Curve{Base: 2 + d.fall, Floor: 2, Tau: 40, Power: 0.8, BestRate: 1.3e-3}
		}
		for k := range 5 {
			rate := c.BestRate * math.Pow(2, float64(k-2))
			curve := forecast.Curve{Name: fmt.Sprintf("%s--%s-%.3g", name, m, rate), Data: name, Family: name[5:], Method: m, Rate: rate,
				Schedule: evidence.Schedule{Shape: evidence.Constant}, Facts: forecast.Facts{Epochs: 30, EpochTokens: 100_000, Trainable: 1000 * int64(rank)}}
			for _, step := range steps {
				curve.Points = append(curve.Points, evidence.Point{Step: step, Loss: c.At(evidence.Trial{LearningRate: rate, Method: m}, step)})
			}
			out = append(out, curve)
		}
	}
	return out
}

// madeUp is a suite of six families on two bases.
func madeUp() Suite {
	var curves []forecast.Curve
	facts := map[string]Facts{}
	for b, base := range []string{"tiny", "base"} {
		for i, gain := range []float64{0.3, 0.2, 0, 0.1, -0.05, 0.25} {
			name := fmt.Sprintf("%s/d%d", base, i)
			curves = append(curves, domain{gain, 1 + 0.3*float64(i) + 0.1*float64(b)}.curves(name)...)
			facts[name] = Facts{Model: evidence.Model{Hidden: 128}, Data: evidence.Data{Tokens: 100_000, TrainRows: 780, EvalRows: 64}}
		}
	}
	return Suite{Cases: Cases(curves, facts, horizon), TieNats: 0.01}
}

func probe() Probe {
	return Probe{Ranks: []int{8, 32}, Share: 0.15, Rates: 3, Horizon: horizon, LoRAStep: 0.7, Margins: []float64{0, 0.1}}
}

func TestCases(t *testing.T) {
	s := madeUp()
	if len(s.Cases) != 12 {
		t.Fatalf("%d cases", len(s.Cases))
	}
	c := s.Cases[0]
	if c.Base() != "base" || c.Family != "d0" || !slices.Equal(c.Ranks(), []int{2, 8, 32}) || len(c.Curves()) != 20 {
		t.Errorf("%s of %s with ranks %v", c.Data, c.Family, c.Ranks())
	}
	if at, _, _ := c.Gap(horizon); at < 0.2 {
		t.Errorf("gap %v", at)
	}
	if all, _, _ := c.Gap(horizon, 2); all <= 0.3 {
		t.Errorf("rank 2 alone: gap %v", all)
	}
}

func TestPlay(t *testing.T) {
	s, p := madeUp(), probe()
	played, err := s.Play(p, s.Teach())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range played {
		if c.Run.Seconds > 0.15*horizon+5 {
			t.Errorf("%s cost %.0f steps", c.Data, c.Run.Seconds)
		}
	}
	accuracy := map[string]float64{}
	for _, v := range append(Baselines(played, p), Forecasts("forecast", played, p)) {
		accuracy[v.Decider] = v.Score(s.TieNats).Accuracy.Value
	}
	if accuracy["forecast"] < 0.8 || accuracy["forecast"] <= accuracy["last value"] {
		t.Errorf("right in %v", accuracy)
	}
}

// A method is named where it is sure, its lead is not being lost, and enough was seen.
func TestAnswers(t *testing.T) {
	s := madeUp()
	p := Probe{Horizon: horizon, Margins: []float64{0, 0.25}}
	gap := func(mean, sd, moved float64) *evidence.Run {
		d := evidence.Distribution{Mean: mean, P10: mean - 1.28*sd, P50: mean, P90: mean + 1.28*sd}
		return &evidence.Run{Gaps: []evidence.Gap{{AtHorizon: d, PFullBetter: normalAbove(-mean / sd), Trend: evidence.Trend{Last: mean, Moved: moved, Doublings: 3}}}}
	}
	c := s.Cases[0] // full wins by about 0.3
	played := []Played{{c, gap(0.3, 0.01, 0)}, {c, gap(0.3, 0.01, -0.05)}, {c, gap(0.3, 0.3, -0.2)}, {c, gap(-0.3, 0.1, 0)}, {c, gap(0.3, 0.01, 0)}}
	played[4].Run.Gaps[0].Early = true
	want := []Answered{
		{Margin: 0, Calls: 5, Sure: 5, SureRight: 4, Named: 3, NamedRight: 2, Fading: 1, FadingRight: 1},
		{Margin: 0.25, Calls: 5, Sure: 4, SureRight: 3, Named: 2, NamedRight: 1, Fading: 2, FadingRight: 2},
	}
	if got := Answers(played, p, s.TieNats); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestBadCurvesAreLeftOut(t *testing.T) {
	good := domain{0.3, 1}.curves("base/d0")
	edit := func(change func(*forecast.Curve)) []forecast.Curve {
		out := slices.Clone(good)
		for i := range out {
			change(&out[i])
		}
		return out
	}
	for name, curves := range map[string][]forecast.Curve{
		"short":     edit(func(c *forecast.Curve) { c.Points = c.Points[:5] }),
		"one point": edit(func(c *forecast.Curve) { c.Points = c.Points[:1] }),
		"decaying":  edit(func(c *forecast.Curve) { c.Schedule.Shape = evidence.Linear }),
		"no rate":   edit(func(c *forecast.Curve) { c.Rate = 0 }),
		"no method": edit(func(c *forecast.Curve) { c.Method = evidence.Method{} }),
		"full only": good[:5],
	} {
		if n := len(Cases(curves, nil, horizon)); n != 0 {
			t.Errorf("%s: %d cases", name, n)
		}
	}
}
