package cli

import (
	"ftadvise/calibrate/evidence"
	"ftadvise/cmd/internal/config"
)

// spareFactor is how far above the rank asked for the spare one lies. A higher rank says
// whether the rank is what limits LoRA, a lower one only how little would have been
// enough. Ranks a factor of two apart hardly differ, so that the probe could not tell.
const spareFactor = 4

// spares lists the adapters to try beside those asked for where the budget allows, the
// last to be left out first: on all linear layers, where other targets were named, and
// of a higher rank, where no other ranks were. They tell whether targets or rank are what
// limits LoRA.
func spares(c config.Config, m baseModel) []evidence.Method {
	if !c.LoRA.Spares || !tries(c, "lora") || m.evidence.RandomWeights {
		return nil
	}
	var out []evidence.Method
	asked := c.LoRA.Method()
	everywhere := asked
	everywhere.Targets = evidence.AllLinear
	if widens(m, asked, everywhere) {
		out = append(out, everywhere)
	}
	rank := spareFactor * asked.Rank
	if most := m.config.RankMost(asked); most > 0 {
		rank = min(rank, most)
	}
	if rank > asked.Rank && len(c.LoRA.OtherRanks) == 0 {
		out = append(out, atRank(c.LoRA, rank))
	}
	return out
}

// widens reports whether a model can train the other adapter and whether it has more
// parameters than the one asked for: targets by name may be all there are.
func widens(m baseModel, asked, other evidence.Method) bool {
	few, err := m.config.TrainableParams(asked)
	if err != nil {
		return false
	}
	many, err := m.config.TrainableParams(other)
	return err == nil && many > few && m.config.CheckTrained(other) == nil
}
