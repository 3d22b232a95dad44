package inert_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"ftadvise/reports/inert"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		"two\nlines\tand\r":  "two lines and ",
		"\x1b[31mred":        "\uFFFD[31mred",
		"abc\u202Etxt.exe":   "abc\uFFFDtxt.exe",
		"bad\xff":            "bad\uFFFD",
		"<script>{{.}}":      "<script>{{.}}",
		"zero\x00byte\u0085": "zero\uFFFDbyte\uFFFD",
	} {
		if got := inert.Line(in, 128); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTextKeepsLines(t *testing.T) {
	if got := inert.Text("a\r\nb\tc\x07", 64); got != "a\nb\tc\uFFFD" {
		t.Errorf("Text = %q", got)
	}
}

func TestLongTextIsCutOnARune(t *testing.T) {
	got := inert.Line(strings.Repeat("é", 1<<20), 129)
	if len(got) > 129 || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
		t.Errorf("got %d bytes, valid %v", len(got), utf8.ValidString(got))
	}
}

func FuzzLine(f *testing.F) {
	for _, seed := range []string{"", "\x1b]0;x\a", "\u202e", "\xf0\x9f", "\u200f"} {
		f.Add(seed, 16)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = 4 + abs(limit)%512
		got := inert.Line(s, limit)
		if len(got) > limit || !utf8.ValidString(got) {
			t.Fatalf("Line(%q, %d) = %q", s, limit, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("Line(%q) kept %U", s, r)
			}
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}
