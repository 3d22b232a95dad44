package calibrate

import (
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
)

// evalShare is the part of a probe's training time that its evaluations may take.
const evalShare = 0.2

// evalSteps are the steps at which something is compared and those at which the
// trunks pause: should the time be up there, nothing was trained for nothing. Between
// them lies a geometric grid, the finest of three that the time allows.
func evalSteps(p evidence.Plan, costs []Cost) []int {
	var step, eval float64
	for _, c := range costs {
		step += c.StepSeconds
		eval += c.EvalSeconds
	}
	must := slices.Concat(p.RungSteps, stops(p))
	var out []int
	for _, ratio := range []float64{1.25, 1.5, 2} {
		out = slices.Clone(must)
		for _, s := range geometric(p.ProbeSteps, ratio) {
			if !near(s, must) {
				out = append(out, s)
			}
		}
		if float64(len(out))*eval <= evalShare*float64(p.ProbeSteps)*step {
			break
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// near reports whether a step lies within a tenth of one that is evaluated anyway.
func near(step int, must []int) bool {
	return slices.ContainsFunc(must, func(m int) bool { return 10*max(step-m, m-step) <= max(step, m) })
}

// geometric goes down from last by the ratio to a thirty-second of it.
func geometric(last int, ratio float64) []int {
	var out []int
	for x := float64(last); x >= 1 && x > float64(last)/32; x /= ratio {
		out = append(out, int(math.Round(x)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// between counts the steps after from up to to.
func between(steps []int, from, to int) int {
	n := 0
	for _, s := range steps {
		if s > from && s <= to {
			n++
		}
	}
	return n
}

// searchSeconds is the time of the search, one rate more than planned included, as
// when the best lies at the grid's edge.
func searchSeconds(p evidence.Plan, costs []Cost) float64 {
	var methods []evidence.Method
	for _, c := range costs {
		methods = append(methods, c.Method)
	}
	lead, _ := leaders(methods)
	alive, from, total := p.SearchRates+1, 0, 0.0
	for _, to := range p.RungSteps {
		for _, i := range lead {
			total += float64(alive) * costs[i].segment(to-from, between(p.EvalSteps, from, to))
		}
		alive, from = (alive+1)/2, to
	}
	for i := range costs { // trunks begin anew, at a rate for the horizon or a leader's
		if from > 0 {
			total += costs[i].segment(from, between(p.EvalSteps, 0, from))
		}
	}
	return total
}

// segment is the time of so many steps and evaluations, taken up once.
func (c Cost) segment(steps, evals int) float64 {
	return c.SegmentSeconds + float64(steps)*c.StepSeconds + float64(evals)*c.EvalSeconds
}

// restSeconds is the time that the trunks need from a step to the probe's end, and the
// repetitions with other seeds from where those are.
func restSeconds(p evidence.Plan, from, seedsFrom int, costs []Cost) float64 {
	total := 0.0
	for _, c := range costs {
		total += trunkSeconds(p, from, c)
		if c.Method.Kind == evidence.LoRA {
			total += float64(p.Seeds-1) * trunkSeconds(p, seedsFrom, c)
		}
	}
	return total
}

func trunkSeconds(p evidence.Plan, from int, c Cost) float64 {
	if from >= p.ProbeSteps {
		return 0
	}
	sittings := between(stops(p), from, p.ProbeSteps)
	return c.segment(p.ProbeSteps-from, between(p.EvalSteps, from, p.ProbeSteps)) + float64(sittings-1)*c.SegmentSeconds
}

// stops are the steps at which the trunks pause, so that the arms take turns: half-way,
// where the search has ended by then, and at the end.
func stops(p evidence.Plan) []int {
	if half := p.ProbeSteps / 2; half > searchEnd(p) {
		return []int{half, p.ProbeSteps}
	}
	return []int{p.ProbeSteps}
}

// searchEnd is the step at which the search has chosen; 0 without a search.
func searchEnd(p evidence.Plan) int {
	if len(p.RungSteps) == 0 {
		return 0
	}
	return p.RungSteps[len(p.RungSteps)-1]
}
