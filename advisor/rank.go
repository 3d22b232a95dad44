package advisor

import (
	"fmt"
	"strings"

	"ftadvise/calibrate/evidence"
)

// rankReasons say why a rank other than the one asked for is named: what there is to
// learn against what each holds, the share of full's update that each could hold, and
// the LoRA arms that were measured.
func (a *account) rankReasons(v Verdict) []string {
	asked, named := a.f.run.Setup.LoRA.Rank, v.Method.Rank
	if v.Answer != RaiseRank || asked < 1 || named <= asked {
		return nil
	}
	var out []string
	d := a.f.run.Domain
	if d.DemandBits != nil && d.CapacityBits != nil && finite(*d.DemandBits, *d.CapacityBits) {
		out = append(out, fmt.Sprintf("there are %s bits to learn; rank %d holds %s and rank %d %s, at 2 bits a trainable parameter",
			count(*d.DemandBits), asked, count(*d.CapacityBits), named, count(*d.CapacityBits*float64(named)/float64(asked))))
	}
	if low, high := evidence.TopAt(d.UpdateTop, asked), evidence.TopAt(d.UpdateTop, named); low != nil && high != nil {
		out = append(out, fmt.Sprintf("of what full's training had changed by step %d, rank %d could hold %s and rank %d %s (this describes, it is no forecast)",
			d.UpdateStep, asked, percent(*low), named, percent(*high)))
	}
	return append(out, a.comparedArms()...)
}

// targetReasons say why LoRA on all linear layers is named where other target modules
// were asked for.
func (a *account) targetReasons(v Verdict) []string {
	if !a.retargeted(v) {
		return nil
	}
	return a.comparedArms()
}

// retargeted reports a verdict for all linear layers where others were asked for.
func (a *account) retargeted(v Verdict) bool {
	asked := a.f.run.Setup.LoRA
	return v.Method.Kind == evidence.LoRA && asked.Kind == evidence.LoRA && asked.Targets != evidence.AllLinear && v.Method.Targets == evidence.AllLinear
}

// comparedArms says what each LoRA arm that was tried is expected to end at, and full,
// where there are several: by rank, where that is all in which they differ.
func (a *account) comparedArms() []string {
	asked := a.f.run.Setup.LoRA
	byRank, tried := true, 0
	for i, m := range a.f.arms {
		if i != a.f.full && m.usable {
			byRank, tried = byRank && m.method.Targets == asked.Targets, tried+1
		}
	}
	if tried < 2 {
		return nil
	}
	var parts []string
	for i, m := range a.f.arms {
		if !m.usable {
			continue
		}
		level, _ := a.f.level(i)
		name := m.method.String()
		if byRank && i != a.f.full {
			name = fmt.Sprintf("rank %d", m.method.Rank)
		}
		text := name + " " + nats(level)
		if m.method == asked {
			text += " (asked for)"
		}
		parts = append(parts, text)
	}
	if a.f.hasFull() { // last, as what the others are held against
		parts = append(parts[1:], parts[0])
	}
	return []string{"expected at the end: " + strings.Join(parts, ", ")}
}
