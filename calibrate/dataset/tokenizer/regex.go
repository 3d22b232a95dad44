package tokenizer

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dlclark/regexp2"
)

// pattern is a regular expression with look-ahead, which Go's own package lacks.
// Backtracking may take for ever, so a match has a time limit; what was met is
// kept for Tokenizer.Err.
type pattern struct {
	where  string
	source string
	re     *regexp2.Regexp
	failed atomic.Bool
}

const (
	matchLimit = 2 * time.Second
	probeLimit = 200 * time.Millisecond
)

func newPattern(where, source string) (*pattern, error) {
	re, err := regexp2.Compile(source, regexp2.None)
	if err != nil {
		return nil, refuse(where, "not a regular expression: %v", err)
	}
	p := &pattern{where: where, source: source, re: re}
	return p, p.probe()
}

// probe refuses a pattern whose time grows without bound on runs of one character,
// the usual trap of nested repeats.
func (p *pattern) probe() error {
	p.re.MatchTimeout = probeLimit
	for _, unit := range []string{"a", " ", "1", "\n", "!", "aA1 "} {
		p.each([]rune(strings.Repeat(unit, 200)+"\x00"), func(int, int) {})
	}
	p.re.MatchTimeout = matchLimit
	return p.failure()
}

func (p *pattern) failure() error {
	if !p.failed.Load() {
		return nil
	}
	return &Error{
		Where:  p.where,
		What:   "the regular expression " + clip(p.source) + " needs unbounded time on some text",
		Advice: "its nested repeats backtrack without end; use a tokenizer.json with another split pattern",
	}
}

func clip(s string) string {
	if len(s) <= 60 {
		return s
	}
	return strings.ToValidUTF8(s[:60], "") + "..."
}

// each hands the start and end of every match that is not empty to yield.
func (p *pattern) each(text []rune, yield func(start, end int)) {
	m, err := p.re.FindRunesMatch(text)
	for ; m != nil && err == nil; m, err = p.re.FindNextMatch(m) {
		if m.Length > 0 {
			yield(m.Index, m.Index+m.Length)
		}
	}
	if err != nil {
		p.failed.Store(true)
	}
}

func (p *pattern) replace(s, with string) string {
	runes := []rune(s)
	var b strings.Builder
	done := 0
	p.each(runes, func(start, end int) {
		b.WriteString(string(runes[done:start]))
		b.WriteString(with)
		done = end
	})
	if done == 0 {
		return s
	}
	b.WriteString(string(runes[done:]))
	return b.String()
}

// stretches cuts s into matches and what lies between.
func (p *pattern) stretches(s string) []stretch {
	var list []stretch
	runes := []rune(s)
	done, at := 0, 0 // in bytes; at is where runes[seen] lies
	seen := 0
	p.each(runes, func(start, end int) {
		at += len(string(runes[seen:start]))
		if at > done {
			list = append(list, stretch{done, at, false})
		}
		done = at + len(string(runes[start:end]))
		list = append(list, stretch{at, done, true})
		at, seen = done, end
	})
	if done < len(s) {
		list = append(list, stretch{done, len(s), false})
	}
	return list
}

// parseSplit reads the pre-tokenizer that splits by a pattern.
func parseSplit(where string, f preTokenizerFile) (preTokenizer, error) {
	b, err := parseBehavior(where, f.Behavior, isolated)
	if err != nil {
		return nil, err
	}
	var p textPattern
	if err := fields(where+".pattern", f.Pattern, &p); err != nil {
		return nil, err
	}
	switch {
	case p.Regex != nil && b == isolated && !f.Invert && scannerOf(*p.Regex) != nil:
		return scan(scannerOf(*p.Regex)), nil
	case p.Regex != nil && b == removed && f.Invert && scannerOf(*p.Regex) != nil:
		return scan(scannerOf(*p.Regex)), nil
	case p.Regex != nil && linear(*p.Regex) != nil:
		return matches{find: linearly(linear(*p.Regex)), behavior: b, invert: f.Invert}, nil
	case p.Regex != nil:
		re, err := newPattern(where+".pattern", *p.Regex)
		return matches{find: re.stretches, pattern: re, behavior: b, invert: f.Invert}, err
	case p.String != nil && *p.String != "":
		return matches{find: literal(*p.String), behavior: b, invert: f.Invert}, nil
	}
	return nil, refuse(where+".pattern", "%v", errors.New("neither Regex nor String"))
}

// scan splits by a hand-written scanner.
type scan scanner

func (s scan) split(p piece, yield func(piece)) { scanAll(p, scanner(s), yield) }

// matches splits where a pattern matches.
type matches struct {
	find     func(string) []stretch
	pattern  *pattern // nil for a literal
	behavior behavior
	invert   bool
}

func (m matches) split(p piece, yield func(piece)) {
	list := m.find(p.text)
	if m.invert {
		for i := range list {
			list[i].match = !list[i].match
		}
	}
	m.behavior.arrange(p, list, yield)
}

func literal(text string) func(string) []stretch {
	return func(s string) []stretch {
		var list []stretch
		for at := 0; at < len(s); {
			i := strings.Index(s[at:], text)
			if i < 0 {
				return append(list, stretch{at, len(s), false})
			}
			if i > 0 {
				list = append(list, stretch{at, at + i, false})
			}
			list = append(list, stretch{at + i, at + i + len(text), true})
			at += i + len(text)
		}
		return list
	}
}

// patternsOf collects the patterns of a pre-tokenizer.
func patternsOf(p preTokenizer) []*pattern {
	switch step := p.(type) {
	case matches:
		if step.pattern != nil {
			return []*pattern{step.pattern}
		}
	case preTokenizers:
		var out []*pattern
		for _, s := range step {
			out = append(out, patternsOf(s)...)
		}
		return out
	}
	return nil
}
