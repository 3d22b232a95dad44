package policies_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/advisor/policy"
	"ftadvise/policies"
)

// drawFacts makes the facts of a case in which LoRA is not expected to be the better,
// under drawn stakes.
func drawFacts(t *rapid.T, prices advisor.PriceTable, change func(*advisor.Stakes)) (before, after advisor.Features) {
	c := advisortest.New()
	c.Seen = rapid.IntRange(100, 5000).Draw(t, "seen")
	c.FullHours = rapid.Float64Range(0.01, 50).Draw(t, "full hours")
	c.LoRAHours = c.FullHours * rapid.Float64Range(0.2, 0.9).Draw(t, "lora share")
	c.Gap = rapid.Float64Range(0, 0.2).Draw(t, "gap")
	c.GapSD = rapid.Float64Range(0, 0.1).Draw(t, "gap sd")
	c.Narrowness = rapid.Float64Range(0, 1).Draw(t, "narrowness")
	s := advisor.DefaultStakes()
	s.USDPerNat = rapid.Float64Range(1, 1e6).Draw(t, "usd per nat")
	s.USDPerGPUHour = rapid.Float64Range(0.1, 10).Draw(t, "usd per hour")
	s.Tasks = float64(rapid.IntRange(1, 30).Draw(t, "tasks"))
	s.BaseChangesPerYear, s.AdapterSlow = 0, 0
	run := c.Run()
	before, err := advisor.FeaturesAt(run, s, prices)
	if err != nil {
		t.Fatal(err)
	}
	change(&s)
	if after, err = advisor.FeaturesAt(run, s, prices); err != nil {
		t.Fatal(err)
	}
	return before, after
}

func listPrices(t *testing.T) advisor.PriceTable {
	t.Helper()
	prices, err := advisor.ListPrices()
	if err != nil {
		t.Fatal(err)
	}
	return prices
}

func answer(t *rapid.T, p *policy.Policy, f advisor.Features) advisor.Verdict {
	v, err := p.Decide(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func lawful(t *testing.T, change func(*rapid.T) func(*advisor.Stakes)) {
	prices := listPrices(t)
	for _, name := range policies.Names() {
		p := load(t, name)
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				before, after := drawFacts(t, prices, change(t))
				x, y := answer(t, p, before), answer(t, p, after)
				if x.Answer == advisor.UseFull && (y.Answer == advisor.UseLoRA || y.Answer == advisor.RaiseRank) {
					t.Fatalf("full (%s) became %s (%s)", x.Rule, y.Answer, y.Rule)
				}
			})
		})
	}
}

// No policy goes from full to LoRA because a nat got dearer.
func TestDearerAccuracyNeverMovesFullToLoRA(t *testing.T) {
	lawful(t, func(t *rapid.T) func(*advisor.Stakes) {
		k := rapid.Float64Range(1, 1000).Draw(t, "dearer")
		return func(s *advisor.Stakes) { s.USDPerNat *= k }
	})
}

// No policy goes from full to LoRA because the GPU got cheaper.
func TestCheaperGPUNeverMovesFullToLoRA(t *testing.T) {
	lawful(t, func(t *rapid.T) func(*advisor.Stakes) {
		k := rapid.Float64Range(0.001, 1).Draw(t, "cheaper")
		return func(s *advisor.Stakes) { s.USDPerGPUHour *= k }
	})
}

// Rules that do not match may stand in any order and in any number.
func TestRulesThatDoNotMatchDoNotMatter(t *testing.T) {
	text, err := fs.ReadFile(policies.FS(), "balanced/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plain, prices := load(t, "balanced"), listPrices(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "rules")
		places := strings.SplitAfter(string(text), "\nrules:\n")
		idle := ""
		for i := range n {
			does := rapid.SampledFrom([]string{"prefer: full", "prefer: lora", "forbid: both", "prefer: either"}).Draw(t, "does")
			idle += fmt.Sprintf("  - {name: idle-%d, when: months < 0 || budget_usd < 0, %s, because: never}\n", i, does)
		}
		rules := strings.Split(places[1], "  - name: ")
		at := rapid.IntRange(1, len(rules)-1).Draw(t, "place")
		together := places[0] + "  - name: " + strings.Join(rules[1:at], "  - name: ") + idle + "  - name: " + strings.Join(rules[at:], "  - name: ")
		if at == 1 {
			together = places[0] + idle + "  - name: " + strings.Join(rules[1:], "  - name: ")
		}
		padded, err := policy.LoadFS(fstest.MapFS{"p.yaml": {Data: []byte(together)}}, "p.yaml", policies.FS())
		if err != nil {
			t.Fatalf("%v\n%s", err, together)
		}
		f, _ := drawFacts(t, prices, func(*advisor.Stakes) {})
		x, y := answer(t, plain, f), answer(t, padded, f)
		if x.Answer != y.Answer || x.Rule != y.Rule || x.Because != y.Because || x.Confidence != y.Confidence {
			t.Fatalf("%s by %s became %s by %s", x.Answer, x.Rule, y.Answer, y.Rule)
		}
	})
}

// Every policy answers every case with something, and gives the reason.
func TestEveryPolicyAlwaysAnswers(t *testing.T) {
	prices := listPrices(t)
	for _, name := range policies.Names() {
		p := load(t, name)
		rapid.Check(t, func(t *rapid.T) {
			f, _ := drawFacts(t, prices, func(*advisor.Stakes) {})
			v := answer(t, p, f)
			if v.Answer == "" || v.Answer == advisor.Undecided || v.Rule == "" || v.Because == "" || strings.Contains(v.Because, "an unknown") {
				t.Fatalf("%s: %+v", name, v)
			}
		})
	}
}
