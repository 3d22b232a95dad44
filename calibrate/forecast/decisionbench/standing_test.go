package main

import (
	"testing"

	"ftadvise/calibrate/evidence"
)

// TestStandings: what a run's facts are said to be good for is what the decision suite
// showed, and no other fact is said to foretell anything.
func TestStandings(t *testing.T) {
	s, err := readSuite("../../suite/curves")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, a := range s.Features(suiteHorizon, probes()[0].Ranks...) {
		shown[a.Fact] = a.Predictive()
		if a.Fact != "" && (evidence.StandingOf(a.Fact) == evidence.Predictive) != a.Predictive() {
			t.Errorf("%s is called %s; its rank correlation with the gap is %v", a.Fact, evidence.StandingOf(a.Fact), a.Spearman)
		}
	}
	x := 0.5
	whole := &evidence.Run{Domain: evidence.Domain{BaseLoss: &x, BaseGeneralLoss: &x, BaseAccuracy: &x, UniformLoss: &x, DemandBits: &x, CapacityBits: &x,
		TokenLoss: &evidence.TokenLosses{}, BeyondGeneral: &x, Narrowness: &x, TokenDivergence: &x, TokenEntropy: &x, TypeTokenRatio: &x,
		GradientRank: &x, UpdateRank: &x, EmbeddingGradShare: &x, VectorGradShare: &x}}
	for _, f := range whole.DomainFacts() {
		if f.Standing == evidence.Predictive && !shown[f.Name] {
			t.Errorf("%s is called predictive, and nothing shows it", f.Name)
		}
	}
}
