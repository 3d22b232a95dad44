package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// The patterns of GPT-4o and of Mistral's Tekken tell upper case from lower.
const (
	upperClass    = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	lowerClass    = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	wordPrefix    = `[^\r\n\p{L}\p{N}]?`
	endings       = `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
	caseRest      = `| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternGPT4o  = wordPrefix + upperClass + `*` + lowerClass + `+` + endings + `|` + wordPrefix + upperClass + `+` + lowerClass + `*` + endings + `|\p{N}{1,3}` + caseRest
	patternTekken = wordPrefix + upperClass + `*` + lowerClass + `+|` + wordPrefix + upperClass + `+` + lowerClass + `*|\p{N}` + caseRest
)

// scanCase follows patternGPT4o, and patternTekken with one digit and no endings.
func scanCase(s string, digits int, withEndings bool) int {
	end := casedWord(s)
	if end > 0 {
		if withEndings {
			end += contraction(s[end:], true)
		}
		return end
	}
	k, n := classAt(s, 0)
	switch k {
	case number:
		return atMost(s, digits)
	case mark:
		return symbolsAndSlashes(s, 0)
	default:
	}
	if s[0] == ' ' && n < len(s) {
		if next, _ := classAt(s, n); next == mark {
			return symbolsAndSlashes(s, n)
		}
	}
	all, afterLine := spaces(s)
	if afterLine > 0 {
		return afterLine
	}
	return leaveLast(s, all)
}

// symbolsAndSlashes takes the symbols from i on, and the line ends and slashes after.
func symbolsAndSlashes(s string, i int) int {
	i = run(s, i, mark)
	for i < len(s) && (s[i] == '\r' || s[i] == '\n' || s[i] == '/') {
		i++
	}
	return i
}

// casedWord returns where a word of the first two branches ends, or 0. Each branch
// is tried with a character before the word, then without.
func casedWord(s string) int {
	starts := [2]int{-1, 0}
	if k, n := classAt(s, 0); k == blank || k == mark {
		starts[0] = n
	}
	for _, branch := range []func(string, int) int{upperThenLower, upperMaybeLower} {
		for _, start := range starts {
			if start < 0 {
				continue
			}
			if end := branch(s, start); end > 0 {
				return end
			}
		}
	}
	return 0
}

// upperThenLower matches upper* lower+. Characters that are both go to upper first;
// where no lower one follows, the last of them is given back.
func upperThenLower(s string, start int) int {
	shared := 0 // end of the last character so far that is both
	i := start
	for i < len(s) {
		upper, lower, n := caseAt(s, i)
		if !upper {
			break
		}
		i += n
		if lower {
			shared = i
		}
	}
	if end := runLower(s, i); end > i {
		return end
	}
	return shared
}

// upperMaybeLower matches upper+ lower*.
func upperMaybeLower(s string, start int) int {
	i := start
	for i < len(s) {
		upper, _, n := caseAt(s, i)
		if !upper {
			break
		}
		i += n
	}
	if i == start {
		return 0
	}
	return runLower(s, i)
}

func runLower(s string, i int) int {
	for i < len(s) {
		_, lower, n := caseAt(s, i)
		if !lower {
			break
		}
		i += n
	}
	return i
}

// caseAt says to which of the two classes the character at i belongs.
func caseAt(s string, i int) (upper, lower bool, n int) {
	if c := s[i]; c < utf8.RuneSelf {
		return c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	switch {
	case unicode.Is(unicode.Ll, r):
		return false, true, n
	case unicode.In(r, unicode.Lu, unicode.Lt):
		return true, false, n
	case unicode.In(r, unicode.Lm, unicode.Lo, unicode.M):
		return true, true, n
	}
	return false, false, n
}
