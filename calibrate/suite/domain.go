package suite

import (
	"fmt"
	"slices"
)

// Domain is text to fine-tune on.
type Domain struct {
	Name   string
	Family string // domains of one kind, left out together when anything is scored
	File   string // its ending tells the format
	About  string
	// EvalRows are held out; classification needs more for the same number of labels.
	EvalRows int
	// DemandBits are known where a generator decides how much there is to memorise.
	DemandBits float64
	// RateShare moves the first grid of learning rates: text that is read many times over
	// and lies near the bases' own wants less. 0 is 1.
	RateShare float64
	text      func(Sources) (string, error)
	Lesson    *Lesson // instead of text
}

// Text makes the domain's text. It is the same at every call for one Go release.
func (d Domain) Text(from Sources) (string, error) {
	if d.text == nil {
		return "", fmt.Errorf("domain %s: its rows are sampled, not read", d.Name)
	}
	text, err := d.text(from)
	if err == nil && len(text) == 0 {
		err = fmt.Errorf("no text")
	}
	if err != nil {
		return "", fmt.Errorf("domain %s: %w", d.Name, err)
	}
	return text, nil
}

const evalRows = 64

// seeded is a domain that needs no source.
func seeded(text func() string) func(Sources) (string, error) {
	return func(Sources) (string, error) { return text(), nil }
}

// Domains lists the domains that are named, or all by importance: a suite that is cut
// short has the first.
func Domains(names []string) ([]Domain, error) {
	return choose(domains(), func(d Domain) string { return d.Name }, names)
}

func domains() []Domain {
	all := []Domain{
		{Name: "assembly", Family: "assembly", File: "assembly.txt", About: "amd64 assembly without comments: far and narrow", text: Sources.assembly},
		{Name: "comments", RateShare: 1.0 / 16, Family: "prose", File: "comments.txt", About: "comments of packages that the bases have not read: their own distribution", text: Sources.comments},
		{Name: "opticks", RateShare: 1.0 / 8, Family: "prose", File: "opticks.txt", About: "Newton's Opticks: English prose of another kind and century", text: Sources.opticks},
		{Name: "gosource", RateShare: 1.0 / 2, Family: "code", File: "gosource.txt", About: "Go source without comments", text: Sources.goSource},
		{Name: "permuted", Family: "permuted", File: "permuted.txt", About: "comments whose letters, digits and signs are permuted: every token means another", text: Sources.permuted},
		factBook("facts-025", 0.25), factBook("facts-1", 1), factBook("facts-4", 4),
		{Name: "orders", RateShare: 1.0 / 8, Family: "orders", File: "orders.jsonl", About: "160 distinct lines from templates, each five times: full over-fits", text: seeded(orders)},
		{Name: "handful", RateShare: 1.0 / 16, Family: "handful", File: "handful.txt", About: "40,000 bytes of comments of one package: little text, near the bases' own", text: Sources.handful},
		{Name: "labels", RateShare: 1.0 / 8, Family: "labels", File: "labels.jsonl", About: "which part of the distribution a comment is from: one word to predict", EvalRows: 256, text: Sources.labels},
		{Name: "scripts", RateShare: 1.0 / 2, Family: "scripts", File: "scripts.txt", About: "the go command's test scripts: shell-like commands and files", text: Sources.scripts},
		{Name: "grammar", RateShare: 1.0 / 2, Family: "grammar", File: "grammar.txt", About: "sentences of a seeded context-free grammar with agreement over a distance", text: seeded(sentences)},
		{Name: "sums", Family: "arithmetic", File: "sums.jsonl", About: "sums of two numbers below 1,000", EvalRows: 128, text: seeded(sums)},
		{Name: "html", RateShare: 1.0 / 4, Family: "markup", File: "html.txt", About: "the language specification as HTML", text: Sources.html},
		{Name: "signatures", RateShare: 1.0 / 2, Family: "tables", File: "signatures.txt", About: "Go's API as a table of signatures", text: Sources.signatures},
		{Name: "opcodes", RateShare: 1.0 / 2, Family: "opcodes", File: "opcodes.txt", About: "instructions with their encodings in hexadecimal digits", text: Sources.opcodes},
		{Name: "json", RateShare: 1.0 / 2, Family: "json", File: "json.txt", About: "JSON of instruction sets and test vectors", text: Sources.json},
	}
	all = append(all, lessons()...)
	for i := range all {
		if all[i].EvalRows == 0 {
			all[i].EvalRows = evalRows
		}
		if all[i].RateShare == 0 {
			all[i].RateShare = 1
		}
	}
	return all
}

func factBook(name string, ratio float64) Domain {
	return Domain{Name: name, Family: "facts", File: name + ".jsonl", EvalRows: 128,
		About:      fmt.Sprintf("key-value facts whose bits are %g times what a rank-8 adapter of the 1m base holds", ratio),
		DemandBits: float64(factCount(ratio)) * factBits,
		text:       seeded(func() string { return facts(factCount(ratio)) })}
}

// choose keeps those that are named, in the order of the names; nil keeps all.
func choose[T any](all []T, name func(T) string, names []string) ([]T, error) {
	if len(names) == 0 {
		return all, nil
	}
	var out []T
	for _, wanted := range names {
		at := slices.IndexFunc(all, func(x T) bool { return name(x) == wanted })
		if at < 0 {
			return nil, fmt.Errorf("%q is none of the suite's", wanted)
		}
		out = append(out, all[at])
	}
	return out, nil
}
