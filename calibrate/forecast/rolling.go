package forecast

import "math"

// Settings of the mixture. They were fixed before any scoring and are the same for
// every curve.
const (
	// trust is the power of a law's past error in its weight. One and a half is
	// what three independent origins would give by likelihood.
	trust = 1.5
	// doubt keeps a law that was lucky at the origins from taking all weight, as a
	// share of the curve's range per unit of ln(step).
	doubt = 0.003
)

// origins are the prefix lengths from which the rest of a series is foretold: the
// last three of at least four points that leave a third or more of the steps to
// foretell. Errors of a steep start, from earlier ones, say little of what comes.
func origins(s series) []int {
	end, _ := s.last()
	var out []int
	for n := 4; n < s.n(); n++ {
		if s.t[n-1] <= end/1.5 {
			out = append(out, n)
		}
	}
	return out[max(0, len(out)-3):]
}

// pasts are a law's errors at the last seen point, in nats a unit of ln(step)
// foretold, one for each origin. Where the law could not speak yet, the last value
// speaks for it: a curve that has only just turned up has no past as a rising one.
func pasts(l law, s series) []float64 {
	end, truth := s.last()
	var out []float64
	for _, n := range origins(s) {
		prefix := s.first(n)
		path, ok := l.fit(prefix)
		if !ok {
			path, _ = lastValue(prefix)
		}
		from, _ := prefix.last()
		out = append(out, (path(end)-truth)/math.Log(end/math.Max(1, from)))
	}
	return out
}

func rootMeanSquare(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum / float64(len(x)))
}

// fitted is one law with what it says and how far it was off in the past.
type fitted struct {
	law  law
	path func(float64) float64
	past []float64
}

// fitAll fits every law that speaks for the series. The last value always does.
func fitAll(s series) []fitted {
	var out []fitted
	for _, l := range laws() {
		path, ok := l.fit(s)
		if !ok || !finite(path(1)+path(2*s.t[s.n()-1])) {
			continue
		}
		past := pasts(l, s)
		if l.name != laws()[0].name && len(past) == 0 {
			continue
		}
		out = append(out, fitted{l, path, past})
	}
	return out
}
