package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// behavior says what becomes of what a split pattern matches.
type behavior int

const (
	removed behavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

func parseBehavior(where, name string, byDefault behavior) (behavior, error) {
	known := map[string]behavior{
		"": byDefault, "Removed": removed, "Isolated": isolated, "Contiguous": contiguous,
		"MergedWithPrevious": mergedWithPrevious, "MergedWithNext": mergedWithNext,
	}
	b, ok := known[name]
	if !ok {
		return 0, unknownPart(where+".behavior", name)
	}
	return b, nil
}

// stretch is a part of a text that a pattern matches, or that lies between matches.
type stretch struct {
	start, end int
	match      bool
}

// arrange joins stretches as b says and hands each result to yield.
func (b behavior) arrange(p piece, list []stretch, yield func(piece)) {
	open := stretch{}
	flush := func() {
		if open.end > open.start {
			yield(p.part(open.start, open.end))
		}
		open = stretch{start: open.end, end: open.end}
	}
	for i, s := range list {
		if b == removed && s.match {
			flush()
			open = stretch{start: s.end, end: s.end}
			continue
		}
		if i > 0 && !b.joins(list[i-1], s) {
			flush()
		}
		open.end = s.end
	}
	flush()
}

// joins reports whether next goes into the same piece as last.
func (b behavior) joins(last, next stretch) bool {
	switch b {
	case mergedWithPrevious:
		return !last.match && next.match
	case mergedWithNext:
		return last.match && !next.match
	case contiguous:
		return last.match == next.match
	default:
		return false
	}
}

// chars splits at single characters.
type chars struct {
	match    func(rune) bool
	behavior behavior
}

func (c chars) split(p piece, yield func(piece)) {
	var list []stretch
	plain := 0
	for i, r := range p.text {
		if !c.match(r) {
			continue
		}
		end := i + utf8.RuneLen(r)
		if plain < i {
			list = append(list, stretch{plain, i, false})
		}
		list = append(list, stretch{i, end, true})
		plain = end
	}
	if plain < len(p.text) {
		list = append(list, stretch{plain, len(p.text), false})
	}
	c.behavior.arrange(p, list, yield)
}

// The kinds of characters that the Whitespace pre-tokenizer tells apart.
const (
	spaceRune = iota
	wordRune
	symbolRune
)

func wordOrSymbol(r rune) int {
	switch {
	case isWord(r):
		return wordRune
	case unicode.IsSpace(r):
		return spaceRune
	}
	return symbolRune
}

// runs splits where the kind of character changes, and drops one kind.
type runs struct {
	kindOfRune func(rune) int
	drop       int
}

func (s runs) split(p piece, yield func(piece)) {
	start, kind := 0, s.drop
	for i, r := range p.text {
		k := s.kindOfRune(r)
		if k == kind {
			continue
		}
		if kind != s.drop {
			yield(p.part(start, i))
		}
		start, kind = i, k
	}
	if kind != s.drop && start < len(p.text) {
		yield(p.part(start, len(p.text)))
	}
}
