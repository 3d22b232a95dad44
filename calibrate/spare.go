package calibrate

import (
	"context"
	"fmt"
	"slices"

	"ftadvise/calibrate/evidence"
)

// asked lists the arms that fit and that were asked for.
func (c *calibration) asked() []arm {
	return slices.DeleteFunc(c.live(), func(a arm) bool { return c.spec.spare(a.method) })
}

// supposed adds to costs those of spares that were not measured: what the adapter costs
// beside which they stand, where that is known.
func (s Spec) supposed(costs []Cost) []Cost {
	if len(s.LoRA) == 0 || !known(costs, s.LoRA[0]) {
		return costs
	}
	out := slices.Clone(costs)
	for _, m := range s.Spares {
		if !known(costs, m) {
			cost := costOf(costs, s.LoRA[0])
			cost.Method = m
			out = append(out, cost)
		}
	}
	return out
}

// Priced reports whether costs hold every arm that was asked for.
func (s Spec) Priced(costs []Cost) bool {
	return !slices.ContainsFunc(s.Methods(), func(m evidence.Method) bool { return !s.spare(m) && !known(costs, m) })
}

func known(costs []Cost, m evidence.Method) bool {
	return slices.ContainsFunc(costs, func(c Cost) bool { return c.Method == m })
}

// fitSpares measures the spares that the budget is likely to pay for. To bring a large
// model to the device once more for an arm that is then left out would be a waste. One
// that finds no room drops out by itself: the others' rows are not halved for its sake.
func (c *calibration) fitSpares(ctx context.Context) error {
	left, limited := c.remaining()
	if len(c.asked()) == 0 || limited && left <= 0 || c.spec.Preset != "" || c.spec.Model.RandomWeights {
		return nil
	}
	for _, a := range c.affordable(c.spec.supposed(c.costs()), max(0, left)) {
		id := c.ensure(c.fitTrial(a))
		c.planned()
		if s := c.trial(id).Outcome.Status; !over(s) && s != evidence.OutOfMemory && !c.exhausted() {
			if err := c.fresh(ctx); err != nil {
				return err
			}
			if err := c.train(ctx, c.segments([]string{id}, c.trial(id).Steps)); err != nil {
				return err
			}
		}
		if o := &c.trial(id).Outcome; o.Status == evidence.OutOfMemory {
			o.Status = evidence.DoesNotFit
			o.Reason = fmt.Sprintf("%s with %d rows at once, which the arms asked for hold", o.Reason, c.run.Setup.MicroBatch)
		}
	}
	return c.save()
}

// affordable are the spares of the plan that these costs and seconds allow.
func (c *calibration) affordable(costs []Cost, seconds float64) []arm {
	plan, _ := NewPlan(c.spec, costs, seconds)
	return slices.DeleteFunc(c.live(), func(a arm) bool {
		return !c.spec.spare(a.method) || slices.Contains(plan.LeftOut, a.method)
	})
}
