package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// scanner returns the length of the word at the start of s, which is not empty. Its
// patterns match every text without a gap.
type scanner func(s string) int

// The split patterns that are scanned by hand, as the files spell them.
const (
	patternGPT2   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternQwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// scannerOf returns the hand-written scanner of a known pattern, or nil.
func scannerOf(pattern string) scanner {
	switch pattern {
	case patternGPT2:
		return scanGPT2
	case patternLlama3:
		return func(s string) int { return scanLlama3(s, 3) }
	case patternQwen2:
		return func(s string) int { return scanLlama3(s, 1) }
	case patternGPT4o:
		return func(s string) int { return scanCase(s, 3, true) }
	case patternTekken:
		return func(s string) int { return scanCase(s, 1, false) }
	}
	return nil
}

func scanAll(p piece, next scanner, yield func(piece)) {
	for at := 0; at < len(p.text); {
		end := at + next(p.text[at:])
		yield(p.part(at, end))
		at = end
	}
}

// class is what the patterns ask of a character.
type class uint8

const (
	letter class = iota
	number
	blank // \s but for line ends
	lineEnd
	mark // everything else
)

func classOf(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case r == '\r' || r == '\n':
		return lineEnd
	case unicode.IsSpace(r):
		return blank
	}
	return mark
}

// asciiClass is classOf for the characters that most texts are made of.
func asciiClass(c byte) class {
	switch {
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return letter
	case c >= '0' && c <= '9':
		return number
	case c == '\r' || c == '\n':
		return lineEnd
	case c == ' ' || c >= '\t' && c <= '\f':
		return blank
	}
	return mark
}

// classAt returns the class and length of the character at i.
func classAt(s string, i int) (class, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return asciiClass(c), 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return classOf(r), n
}

// run returns where the characters of class c that begin at i end.
func run(s string, i int, c class) int {
	for i < len(s) {
		k, n := classAt(s, i)
		if k != c {
			break
		}
		i += n
	}
	return i
}

// scanGPT2 follows patternGPT2.
func scanGPT2(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	k, n := classAt(s, 0)
	if k != blank && k != lineEnd {
		return run(s, n, k)
	}
	if s[0] == ' ' && len(s) > 1 {
		if k, n := classAt(s, 1); k != blank && k != lineEnd {
			return run(s, 1+n, k)
		}
	}
	end, _ := spaces(s)
	return leaveLast(s, end)
}

// scanLlama3 follows patternLlama3, and patternQwen2 with one digit.
func scanLlama3(s string, digits int) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	k, n := classAt(s, 0)
	switch k {
	case letter:
		return run(s, n, letter)
	case number:
		return atMost(s, digits)
	default:
	}
	if k != lineEnd && n < len(s) {
		if next, m := classAt(s, n); next == letter {
			return run(s, n+m, letter)
		} else if s[0] == ' ' && next == mark {
			return symbols(s, n)
		}
	}
	if k == mark {
		return symbols(s, 0)
	}
	end, afterLine := spaces(s)
	if afterLine > 0 {
		return afterLine
	}
	return leaveLast(s, end)
}

func atMost(s string, digits int) int {
	end := 0
	for range digits {
		if end == len(s) {
			break
		}
		k, n := classAt(s, end)
		if k != number {
			break
		}
		end += n
	}
	return end
}

// symbols takes the symbols from i on, and the line ends after them.
func symbols(s string, i int) int { return run(s, run(s, i, mark), lineEnd) }

// spaces returns where the white space at the start ends, and where the last line
// end in it does.
func spaces(s string) (end, afterLine int) {
	for end < len(s) {
		k, n := classAt(s, end)
		if k != blank && k != lineEnd {
			break
		}
		end += n
		if k == lineEnd {
			afterLine = end
		}
	}
	return end, afterLine
}

// leaveLast leaves the last of several spaces to the word that follows.
func leaveLast(s string, end int) int {
	if end == len(s) {
		return end
	}
	if _, n := utf8.DecodeLastRuneInString(s[:end]); n < end {
		return end - n
	}
	return end
}

// contraction returns the length of an English ending such as 's or 're.
func contraction(s string, anyCase bool) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	switch fold(s[1], anyCase) {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if len(s) > 2 && fold(s[2], anyCase) == 'e' {
			return 3
		}
	case 'l':
		if len(s) > 2 && fold(s[2], anyCase) == 'l' {
			return 3
		}
	}
	// Case folding makes U+017F, the long s, equal to s.
	if anyCase && len(s) > 2 && s[1:3] == "ſ" {
		return 3
	}
	return 0
}

func fold(c byte, anyCase bool) byte {
	if anyCase && c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
