package evidence

import (
	"regexp"
	"testing"
)

// TestDomainFacts: names are words, each comes once and says what it is; what was not
// measured is absent.
func TestDomainFacts(t *testing.T) {
	x := 0.5
	run := &Run{
		Setup: Setup{LoRA: Method{Kind: LoRA, Rank: 6}}, Data: Data{Records: 3, NearDupShare: 0.25},
		Domain: Domain{BaseLoss: &x, DemandBits: &x, CapacityBits: &x, Narrowness: &x, GradientRank: &x, UpdateRank: &x, EmbeddingGradShare: &x,
			TokenLoss:   &TokenLosses{AboveUniform: 0.125},
			GradientTop: []RankShare{{1, 0.25}, {4, 0.5}, {8, 0.75}}, UpdateTop: []RankShare{{8, 0.75}}},
	}
	got := map[string]float64{}
	for _, f := range run.DomainFacts() {
		if _, twice := got[f.Name]; twice || !regexp.MustCompile(`^[a-z]+(_[a-z]+)+$|^narrowness$`).MatchString(f.Name) || f.Title == "" || f.Text == "" || f.Standing == "" {
			t.Errorf("told as %+v", f)
		}
		got[f.Name] = f.Value
	}
	for name, want := range map[string]float64{"demand_over_capacity": 1, "above_uniform_ratio": 0.125, "near_duplicate_ratio": 0.25, "gradient_top_ratio": 0.5} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if _, ok := got["update_top_ratio"]; ok {
		t.Error("a curve that begins above the rank has a share at it")
	}
	if none := (&Run{}).DomainFacts(); len(none) != 0 {
		t.Errorf("of an empty run: %+v", none)
	}
}
