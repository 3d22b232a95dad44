package cli

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"ftadvise/calibrate/evidence"
)

func TestWrap(t *testing.T) {
	got := wrap("the data are narrow, and the model will serve for 12 months", "  ", "    ", 24)
	want := "  the data are narrow,\n    and the model will\n    serve for 12 months"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := wrap("a  b", "  ", "", 0); got != "  a  b" {
		t.Errorf("off a terminal nothing is touched, got %q", got)
	}
}

// TestWrapLaws: no word is lost or parted, and only a word that is too long makes a line
// too long.
func TestWrapLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[a-z\-é]{1,30}`)).Draw(t, "words")
		width := rapid.IntRange(1, 60).Draw(t, "width")
		got := wrap(strings.Join(words, " "), "- ", "  ", width)
		if strings.Join(strings.Fields(strings.TrimPrefix(got, "- ")), " ") != strings.Join(words, " ") {
			t.Fatalf("%q became %q", words, got)
		}
		for line := range strings.Lines(got) {
			line = strings.TrimRight(line, "\n")
			if utf8.RuneCountInString(line) > width && len(strings.Fields(line[2:])) > 1 {
				t.Fatalf("%q is longer than %d", line, width)
			}
		}
	})
}

func TestWideTableIsTurned(t *testing.T) {
	wide := table{head: []string{"option", "rate", "80 % interval"}}
	wide.add("full", "0.0027", "0.8332 to 0.9654")
	wide.add("lora(r=16)", "0.0089", "1.0519 to 1.1228")
	var b strings.Builder
	if err := wide.within(30).aligned(&b); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != wideText {
		t.Errorf("too wide to be turned, so it stays:\n%s", got)
	}
	b.Reset()
	if err := wide.within(36).aligned(&b); err != nil || wide.width() != 36 {
		t.Fatal(err, wide.width())
	}
	if b.String() != wideText {
		t.Errorf("it fits:\n%s", b.String())
	}
	tall := table{head: wide.head}
	tall.add(wide.rows[0]...)
	b.Reset()
	if err := tall.within(31).aligned(&b); err != nil {
		t.Fatal(err)
	}
	if want := "OPTION         full\nRATE           0.0027\n80 % INTERVAL  0.8332 to 0.9654\n"; b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

const wideText = "OPTION      RATE    80 % INTERVAL\nfull        0.0027  0.8332 to 0.9654\nlora(r=16)  0.0089  1.0519 to 1.1228\n"

func TestLossIsNeverBelowZero(t *testing.T) {
	if got := lossInterval(evidence.Distribution{P10: -0.5, P90: 4.5}); got != "0.0000 to 4.5000" {
		t.Error(got)
	}
}
