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
	return append(out, a.rankedArms(asked)...)
}

// rankedArms compares the LoRA arms that were tried, where there are several.
func (a *account) rankedArms(asked int) []string {
	var parts []string
	for i, m := range a.f.arms {
		if i == a.f.full || !m.usable {
			continue
		}
		level, _ := a.f.level(i)
		text := fmt.Sprintf("rank %d %s", m.method.Rank, nats(level))
		if m.method.Rank == asked {
			text += " (asked for)"
		}
		parts = append(parts, text)
	}
	if len(parts) < 2 {
		return nil
	}
	line := "expected at the end: " + strings.Join(parts, ", ")
	if a.f.hasFull() {
		level, _ := a.f.level(a.f.full)
		line += ", full " + nats(level)
	}
	return []string{line}
}
