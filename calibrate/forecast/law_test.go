package forecast

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/calibrate/evidence"
)

func seriesFrom(steps []int, loss func(float64) float64, sched evidence.Schedule) series {
	s := series{sched: sched}
	for _, step := range steps {
		s.t, s.y = append(s.t, float64(step)), append(s.y, loss(float64(step)))
	}
	return s
}

// Each law continues a curve of its own kind closely, from an eighth of the way.
func TestLawsContinueTheirOwn(t *testing.T) {
	steps := []int{1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128}
	cosine := evidence.Schedule{Shape: evidence.Cosine, TotalSteps: 160}
	anneal := newAnnealing(cosine)
	tests := []struct {
		law    law
		loss   func(float64) float64
		sched  evidence.Schedule
		at     float64
		within float64
	}{
		{law{"power", powerLaw}, func(t float64) float64 { return 1.5 + 2*math.Pow(t, -0.35) }, evidence.Schedule{}, 1024, 0.03},
		{law{"hill", hillLaw}, func(t float64) float64 { return 1.5 + 2/(1+math.Pow(t/20, 0.9)) }, evidence.Schedule{}, 1024, 0.05},
		{law{"prior", priorLaw}, func(t float64) float64 { return 1.5 + 2*math.Pow(1+t/4, -0.5) }, evidence.Schedule{}, 512, 0.1},
		{law{"schedule", scheduleLaw}, func(t float64) float64 { return 1.5 + 2*math.Pow(anneal.spent(t), -0.4) - 0.4*anneal.paid(t) }, cosine, 160, 0.03},
		{law{"rise", riseLaw}, func(t float64) float64 { return 2 + math.Abs(math.Log(t/24))/4 }, evidence.Schedule{}, 1024, 0.05},
	}
	for _, test := range tests {
		path, ok := test.law.fit(seriesFrom(steps, test.loss, test.sched))
		if !ok {
			t.Errorf("%s: no fit", test.law.name)
			continue
		}
		if got, want := path(test.at), test.loss(test.at); math.Abs(got-want) > test.within {
			t.Errorf("%s: %v at step %v, want %v", test.law.name, got, test.at, want)
		}
	}
}

func TestScheduleLawSpeaksOnlyOfDecays(t *testing.T) {
	s := seriesFrom([]int{1, 2, 4, 8, 16, 32}, func(t float64) float64 { return 1 + 1/t }, evidence.Schedule{Shape: evidence.Constant})
	if _, ok := scheduleLaw(s); ok {
		t.Error("a constant rate has no decay to fit")
	}
}

// No law that did worse than the last value in the past gets a say.
func TestWeightsNeverBelowLastValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		losses := rapid.SliceOfN(rapid.Float64Range(0.5, 9), 6, 12).Draw(t, "losses")
		s := series{}
		for i, l := range losses {
			s.t, s.y = append(s.t, float64(1+i*i*3)), append(s.y, l)
		}
		fits := fitAll(s)
		weights := weigh(fits, s.span())
		var sum float64
		for i, w := range weights {
			sum += w
			if w > 0 && rootMeanSquare(fits[i].past) > rootMeanSquare(fits[0].past) {
				t.Fatalf("%s weighs %v with worse errors than the last value", fits[i].law.name, w)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("weights sum to %v", sum)
		}
	})
}

func TestMixtureQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m mixture
		for range rapid.IntRange(1, 6).Draw(t, "n") {
			m.add(rapid.Float64Range(0.1, 1).Draw(t, "weight"), rapid.Float64Range(-3, 3).Draw(t, "mean"), rapid.Float64Range(0.01, 2).Draw(t, "sd"))
		}
		m.normalise()
		for _, p := range []float64{0.1, 0.5, 0.9} {
			if got := m.below(m.quantile(p)); math.Abs(got-p) > 1e-6 {
				t.Fatalf("%v below the %v quantile", got, p)
			}
		}
		c := rapid.Float64Range(-3, 3).Draw(t, "cap")
		if mean, _ := m.capped(c); mean > math.Min(c, m.centre())+1e-9 {
			t.Fatalf("the smaller of a loss and %v has mean %v, above both", c, mean)
		}
	})
}

func TestSingleNormalAgreesWithTable(t *testing.T) {
	var m mixture
	m.add(1, 2, 0.5)
	d, want := m.distribution(), normal(2, 0.5)
	for _, pair := range [][2]float64{{d.Mean, want.Mean}, {d.SD, want.SD}, {d.P10, want.P10}, {d.P50, want.P50}, {d.P90, want.P90}} {
		if math.Abs(pair[0]-pair[1]) > 1e-9 {
			t.Errorf("%+v, want %+v", d, want)
		}
	}
}

// The ridge agrees with the closed form of one predictor.
func TestRidgeOfOnePredictor(t *testing.T) {
	m := newMoments(1)
	for i, y := range []float64{1, 3, 5, 7.5} {
		m.add([]float64{float64(i)}, y, 1)
	}
	intercept, coef := m.ridge(0)
	if math.Abs(coef[0]-2.15) > 1e-9 || math.Abs(intercept-0.9) > 1e-9 {
		t.Errorf("%v + %v x, want 0.9 + 2.15 x", intercept, coef[0])
	}
	if _, shrunk := m.ridge(1e9); math.Abs(shrunk[0]) > 1e-6 {
		t.Errorf("a great penalty leaves %v", shrunk[0])
	}
}
