package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// preTokenizer splits a piece into words, which it hands to yield in order.
type preTokenizer interface {
	split(p piece, yield func(piece))
}

type preTokenizerFile struct {
	Type             string            `json:"type"`
	PreTokenizers    []json.RawMessage `json:"pretokenizers"`
	AddPrefixSpace   *bool             `json:"add_prefix_space"`
	UseRegex         *bool             `json:"use_regex"`
	Pattern          json.RawMessage   `json:"pattern"`
	Behavior         string            `json:"behavior"`
	Invert           bool              `json:"invert"`
	Replacement      string            `json:"replacement"`
	PrependScheme    string            `json:"prepend_scheme"`
	Split            *bool             `json:"split"`
	IndividualDigits bool              `json:"individual_digits"`
	Delimiter        string            `json:"delimiter"`
	Length           int               `json:"length"`
}

// parsePreTokenizer returns nil if there is none.
func parsePreTokenizer(where string, raw json.RawMessage) (preTokenizer, error) {
	if absent(raw) {
		return nil, nil
	}
	var f preTokenizerFile
	if err := fields(where, raw, &f); err != nil {
		return nil, err
	}
	switch f.Type {
	case "Sequence":
		return parsePreTokenizers(where, f.PreTokenizers)
	case "ByteLevel":
		return byteLevel{space: orTrue(f.AddPrefixSpace), regex: orTrue(f.UseRegex)}, nil
	case "Split":
		return parseSplit(where, f)
	case "Metaspace":
		return parseMetaspace(where, f)
	case "Whitespace":
		return runs{wordOrSymbol, spaceRune}, nil
	case "WhitespaceSplit":
		return chars{unicode.IsSpace, removed}, nil
	case "BertPreTokenizer":
		return preTokenizers{chars{unicode.IsSpace, removed}, chars{isPunctuation, isolated}}, nil
	case "Punctuation":
		b, err := parseBehavior(where, f.Behavior, isolated)
		return chars{isPunctuation, b}, err
	case "Digits":
		if f.IndividualDigits {
			return chars{unicode.IsNumber, isolated}, nil
		}
		return chars{unicode.IsNumber, contiguous}, nil
	case "CharDelimiterSplit":
		delimiter := []rune(f.Delimiter)
		if len(delimiter) != 1 {
			return nil, refuse(where, "the delimiter %q is not one character", f.Delimiter)
		}
		return chars{func(r rune) bool { return r == delimiter[0] }, removed}, nil
	case "FixedLength":
		return fixedLength(max(1, f.Length)), nil
	}
	return nil, unknownPart(where, f.Type)
}

func orTrue(b *bool) bool { return b == nil || *b }

type preTokenizers []preTokenizer

func parsePreTokenizers(where string, list []json.RawMessage) (preTokenizer, error) {
	var out preTokenizers
	for i, raw := range list {
		p, err := parsePreTokenizer(fmt.Sprintf("%s[%d]", where, i), raw)
		if err != nil {
			return nil, err
		}
		if p != nil {
			out = append(out, p)
		}
	}
	return out, nil
}

func (list preTokenizers) split(p piece, yield func(piece)) {
	if len(list) == 0 {
		yield(p)
		return
	}
	list[0].split(p, func(q piece) {
		if q.text != "" {
			list[1:].split(q, yield)
		}
	})
}

// byteLevel splits by GPT-2's pattern, and has the words written in bytes.
type byteLevel struct {
	space, regex bool
	// deferred leaves the writing to the encoder, which does it once a word.
	deferred bool
}

func (b byteLevel) split(p piece, yield func(piece)) {
	if b.space && !strings.HasPrefix(p.text, " ") {
		p.text = " " + p.text
	}
	emit := yield
	if !b.deferred {
		emit = func(q piece) { q.text = toByteLevel(q.text); yield(q) }
	}
	if !b.regex {
		emit(p)
		return
	}
	scanAll(p, scanGPT2, emit)
}

// deferByteLevel reports whether the last step writes bytes, and if so returns the
// steps with that put off.
func deferByteLevel(p preTokenizer) (preTokenizer, bool) {
	switch step := p.(type) {
	case byteLevel:
		step.deferred = true
		if !step.space && !step.regex {
			return nil, true
		}
		return step, true
	case preTokenizers:
		if len(step) == 0 {
			return p, false
		}
		last, ok := deferByteLevel(step[len(step)-1])
		if !ok {
			return p, false
		}
		rest := append(preTokenizers(nil), step[:len(step)-1]...)
		if last != nil {
			rest = append(rest, last)
		}
		if len(rest) == 1 {
			return rest[0], true
		}
		return rest, true
	}
	return p, false
}

func isPunctuation(r rune) bool {
	if r < 0x80 {
		return r >= '!' && r <= '/' || r >= ':' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
	}
	return unicode.IsPunct(r)
}

// metaspace writes spaces as a visible character and may put one first.
type metaspace struct {
	mark   string
	scheme string // always, first, never
	words  bool
}

func parseMetaspace(where string, f preTokenizerFile) (preTokenizer, error) {
	scheme := f.PrependScheme
	if scheme == "" {
		scheme = "always"
		if f.AddPrefixSpace != nil && !*f.AddPrefixSpace {
			scheme = "never"
		}
	}
	if scheme != "always" && scheme != "first" && scheme != "never" {
		return nil, unknownPart(where+".prepend_scheme", scheme)
	}
	if len([]rune(f.Replacement)) != 1 {
		return nil, refuse(where, "the replacement %q is not one character", f.Replacement)
	}
	return metaspace{f.Replacement, scheme, orTrue(f.Split)}, nil
}

func (m metaspace) split(p piece, yield func(piece)) {
	p.text = strings.ReplaceAll(p.text, " ", m.mark)
	if (m.scheme == "always" || m.scheme == "first" && p.first) && !strings.HasPrefix(p.text, m.mark) {
		p.text = m.mark + p.text
	}
	if !m.words {
		yield(p)
		return
	}
	mark := []rune(m.mark)[0]
	chars{func(r rune) bool { return r == mark }, mergedWithNext}.split(p, yield)
}

type fixedLength int

func (n fixedLength) split(p piece, yield func(piece)) {
	start, count := 0, 0
	for i := range p.text {
		if count == int(n) {
			yield(p.part(start, i))
			start, count = i, 0
		}
		count++
	}
	yield(p.part(start, len(p.text)))
}
