package advisor

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
)

// limits say what the adapters did that were tried beside the one asked for: whether its
// rank or its target modules are what limits LoRA, by more than a tie. They are silent
// where the verdict itself changes rank or targets.
func (a *account) limits(v Verdict) []string {
	asked := a.f.asked()
	if asked < 0 || !a.f.arms[asked].usable || v.Answer == RaiseRank || a.retargeted(v) {
		return nil
	}
	base, _ := a.f.level(asked)
	var out []string
	for i, m := range a.f.arms {
		if i == a.f.full || i == asked || !m.usable {
			continue
		}
		level, _ := a.f.level(i)
		if line := a.limit(a.f.arms[asked].method, m.method, base-level); line != "" && finite(level) {
			out = append(out, line)
		}
	}
	return out
}

// limit says what another adapter did that ends so many nats below the one asked for;
// nothing where they differ in more than rank or targets.
func (a *account) limit(asked, other evidence.Method, gain float64) string {
	thing, change := "target modules are", other.Targets+" instead of "+asked.Targets
	if other.Targets == evidence.AllLinear {
		change = "all linear layers instead of " + asked.Targets
	}
	sole := asked
	sole.Targets = other.Targets
	if asked.Targets == other.Targets {
		thing, change = "rank is", fmt.Sprintf("rank %d instead of %d", other.Rank, asked.Rank)
		sole.Rank, sole.Alpha = other.Rank, other.Alpha
	}
	less := asked.Targets == other.Targets && other.Rank < asked.Rank
	switch {
	case sole != other:
		return ""
	case gain > a.s.TieNats && !less:
		return fmt.Sprintf("%s is expected to end %s lower: LoRA's %s a limit", change, nats(gain), thing)
	case math.Abs(gain) > a.s.TieNats:
		return fmt.Sprintf("%s is expected to end %s %s", change, nats(math.Abs(gain)), lowerOrHigher(gain))
	case less:
		return fmt.Sprintf("%s is expected to end alike, within %s: less would do", change, nats(a.s.TieNats))
	}
	return fmt.Sprintf("%s is expected to end alike, within %s: LoRA's %s not the limit", change, nats(a.s.TieNats), thing)
}

func lowerOrHigher(gain float64) string {
	if gain > 0 {
		return "lower"
	}
	return "higher"
}
