package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"

	"ftadvise/advisor"
)

// Policy is a compiled policy; it implements advisor.Decider. It is immutable and safe
// for concurrent use.
type Policy struct {
	Name        string
	Description string
	// Chain lists the files the policy was read from, its own first.
	Chain  []string
	Digest string // of the sources, 12 hexadecimal digits

	confidence float64 // that a verdict needs where its rule asks for none
	regret     float64 // acceptable expected regret, as a share of the leader's bill
	weights    map[string]float64
	limits     []constraint
	rules      []rule
	own        map[string]bool // names defined in the first file of the chain
	truths     map[string]bool
}

// constraint is a hard limit: a method is out where its condition holds.
type constraint struct {
	name    string
	forbid  target
	when    *expression
	message sentence
}

// rule is one line of reasoning.
type rule struct {
	name       string
	when       *expression
	prefer     preference // "" for a rule that forbids
	forbid     target
	because    sentence
	confidence *float64
	weights    map[string]float64
}

// target is what a constraint or a rule forbids.
type target string

const (
	forbidFull target = "full"
	forbidLoRA target = "lora"
	forbidBoth target = "both"
)

func (t target) hits(k target) bool { return t == k || t == forbidBoth }

// preference is what a rule asks for.
type preference string

const (
	preferFull    preference = "full"
	preferLoRA    preference = "lora"
	preferCheaper preference = "cheaper" // the lower weighted bill
	preferBetter  preference = "better"  // the lower held-out loss
	preferFaster  preference = "faster"  // the shorter training
	preferSmaller preference = "smaller" // the lower peak memory
	preferRank    preference = "raise-rank"
	preferEither  preference = "either"
	preferMore    preference = "more-calibration"
)

func preferences() []string {
	return []string{string(preferFull), string(preferLoRA), string(preferCheaper), string(preferBetter), string(preferFaster),
		string(preferSmaller), string(preferRank), string(preferEither), string(preferMore)}
}

// Rule describes a constraint or rule for people.
type Rule struct {
	Name       string  // constraint:NAME for a constraint
	When       string  // the condition
	Does       string  // prefers cheaper, forbids full
	Because    string  // or the constraint's message
	Confidence float64 // that a verdict of it needs
}

// Rules lists constraints and rules in the order in which they are asked.
func (p *Policy) Rules() []Rule {
	var out []Rule
	for _, c := range p.limits {
		out = append(out, Rule{Name: constraintPrefix + c.name, When: c.when.text, Does: "forbids " + string(c.forbid), Because: c.message.source})
	}
	for _, r := range p.rules {
		does := "prefers " + string(r.prefer)
		if r.prefer == "" {
			does = "forbids " + string(r.forbid)
		}
		out = append(out, Rule{Name: r.name, When: r.when.text, Does: does, Because: r.because.source, Confidence: p.needed(r)})
	}
	return out
}

// Weights are the objective weights, 1 where a cost is not named.
func (p *Policy) Weights() map[string]float64 {
	out := map[string]float64{}
	for _, name := range advisor.CostNames() {
		out[name] = weight(p.weights, name)
	}
	return out
}

// ID is name@digest.
func (p *Policy) ID() string { return p.Name + "@" + p.Digest }

const constraintPrefix = "constraint:"

func (p *Policy) needed(r rule) float64 {
	if r.confidence != nil {
		return *r.confidence
	}
	return p.confidence
}

func weight(w map[string]float64, name string) float64 {
	if v, ok := w[name]; ok {
		return v
	}
	return 1
}

func digest(sources [][]byte) string {
	h := sha256.New()
	for _, s := range sources {
		fmt.Fprintf(h, "%d\n", len(s))
		h.Write(s)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// sentence is a because or message with {fact} filled in.
type sentence struct {
	source string
	parts  []string // text, fact, text, fact, text
}

// fill prints the sentence with the facts' values.
func (s sentence) fill(f advisor.Features) string {
	var b strings.Builder
	for i, p := range s.parts {
		if i%2 == 0 {
			b.WriteString(p)
			continue
		}
		v, ok := f[p]
		if !ok {
			b.WriteString("an unknown " + p)
			continue
		}
		b.WriteString(advisor.FormatFact(p, v))
	}
	return b.String()
}
