package tokenizer

import (
	"slices"
	"testing"
)

// linearPatterns are split patterns as files have them: CLIP's, StarCoder's, digits in
// groups, words and what is not one, and some with every operator that is left in.
func linearPatterns() []string {
	return []string{
		`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
		`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
		`[0-9]{1,3}|\p{L}+|\s|.`, `\s+|\S+`, `[\s\p{P}]+?|[^\s\p{P}]{2,5}`, `\r\n|\n|\t| +`, `(?:\p{Lu}\p{Ll}*|\p{Ll}+)(?: |\p{P})?`, `abcdef|ab|a|\.|\[x\]`, `-+|[a\-z]`,
	}
}

func TestLinearIsRefused(t *testing.T) {
	for _, source := range []string{
		patternGPT2, patternLlama3, patternQwen2, `a++`, `a*+b`, `x{2}+`, `^a`, `a$`, `\bword\b`, `\w+`, `\d`, `(?i)a`, `(?<=a)b`, `(a)\1`, `[[:alpha:]]`, `[a-z&&[^b]]`, `a*`, `a|`, `[\S]`, `[]a]`, `\`, `(`, `\p{IsGreek}`, `\pL`,
	} {
		if linear(source) != nil {
			t.Errorf("%s is taken", source)
		}
	}
}

func checkLinear(t *testing.T, source, text string) {
	t.Helper()
	re := linear(source)
	if re == nil {
		t.Fatalf("%s is not taken", source)
	}
	slow, err := newPattern("test", source)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := linearly(re)(text), slow.stretches(text); !slices.Equal(got, want) {
		t.Errorf("%s on %q:\n%v\n%v", source, text, got, want)
	}
}

// TestLinearAsBacktracking holds the two to each other on texts with every kind of space,
// letter, digit and mark.
func TestLinearAsBacktracking(t *testing.T) {
	texts := []string{"", "a", " ", "I'll re-read the 1234 books, don't you?  They've\tgone\r\n", "é世👍\u200d\u00a0\u2003\u0085\u3000x\v\fy\x1cz\u180e", "٣٤Ⅷ½²ǅʰ\u0301\u200b", "<|endoftext|><|start", "ABCdefAbcdef.[x]--a-z", "\x00\u2028\u2029\ufeff"}
	for _, source := range linearPatterns() {
		for _, text := range texts {
			checkLinear(t, source, text)
		}
	}
}

func FuzzLinear(f *testing.F) {
	f.Add(0, "I'll re-read the 1234 books")
	f.Add(3, "é世👍\u200d\u00a0\u2003")
	f.Fuzz(func(t *testing.T, n int, text string) {
		patterns := linearPatterns()
		checkLinear(t, patterns[uint(n)%uint(len(patterns))], string([]rune(text)))
	})
}
