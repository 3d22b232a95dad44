package dataset

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate/evidence"
)

// words is plain text of so many lines, the same for the same name.
func words(name string, lines int) string {
	var b strings.Builder
	for i := range lines {
		b.WriteString(name + " line " + strings.Repeat("word ", i%7) + string(rune('a'+i%26)) + ".\n")
	}
	return b.String()
}

// held is as many pairs as pairsJSONL has, of other numbers.
func held(t *testing.T) string {
	t.Helper()
	prompts, completions := pairs(60)
	return asJSONL([]string{"prompt", "completion"}, prompts[40:], completions[40:])
}

// TestValidation packs held-out data of the user's own in every format: everything of the
// data trains, and the held-out rows are those of the other file.
func TestValidation(t *testing.T) {
	parquet, err := os.ReadFile(filepath.Join("testdata", "flat-zstd-v2.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	table := strings.ReplaceAll(pairsTable(20, ","), "What", "How")
	for _, c := range []struct{ name, file, data string }{
		{"jsonl", "v.jsonl", held(t)}, {"gz", "v.jsonl.gz", gz(t, held(t))}, {"zst", "v.jsonl.zst", zst(t, held(t))},
		{"json", "v.json", "[" + strings.ReplaceAll(strings.TrimSpace(held(t)), "\n", ",") + "]"},
		{"csv", "v.csv", table}, {"parquet", "v.parquet", string(parquet)},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := saved(t, "x.jsonl", pairsJSONL(40))
			o := Options{Path: data, Validation: saved(t, c.file, c.data), Seed: 1}
			got, alone := pack(t, o), pack(t, Options{Path: data, Seed: 1})
			if got.train.Predicted() <= alone.train.Predicted() || got.Data.Tokens <= alone.Data.Tokens {
				t.Errorf("%d labels train of %d tokens, as if some were held out", got.train.Predicted(), got.Data.Tokens)
			}
			if got.Data.Validation != o.Validation || got.Data.Records != 40 {
				t.Errorf("%+v", got.Data)
			}
			if want := c.name == "parquet"; (got.Data.LeakShare == 1) != want {
				t.Errorf("%g of the held-out records are put down as leaked", got.Data.LeakShare)
			}
			text := small(t).DecodePlain(got.eval.IDs)
			if c.name == "csv" && !strings.Contains(text, "How is 3 plus 6?") || c.name == "jsonl" && !strings.Contains(text, "What is 59 plus 62?") {
				t.Errorf("held out: %s", text)
			}
			print, err := Fingerprint(context.Background(), o)
			if err != nil || print != got.Data.Fingerprint || print == alone.Data.Fingerprint {
				t.Errorf("fingerprint %s, packed %s: %v", print, got.Data.Fingerprint, err)
			}
		})
	}
}

func TestValidationOfText(t *testing.T) {
	o := Options{Path: saved(t, "x.txt", words("train", 400)), Validation: saved(t, "v.txt", words("held", 3000)), EvalRows: 5}
	p := pack(t, o)
	text := small(t).DecodePlain(p.eval.IDs)
	if p.eval.N != 5 || strings.Contains(text, "train line") || !strings.Contains(text, "held line") {
		t.Errorf("%d rows held out: %s", p.eval.N, text)
	}
	if strings.Contains(small(t).DecodePlain(p.train.IDs), "held line") {
		t.Error("held-out text trains")
	}
}

// TestValidationIsSampled: of more than --eval-rows holds, the same rows in any order.
func TestValidationIsSampled(t *testing.T) {
	lines := strings.SplitAfter(strings.TrimSuffix(pairsJSONL(300), "\n"), "\n")
	slices.Reverse(lines)
	data := saved(t, "x.jsonl", held(t))
	a := pack(t, Options{Path: data, Validation: saved(t, "v.jsonl", pairsJSONL(300)), EvalRows: 3})
	b := pack(t, Options{Path: data, Validation: saved(t, "v.jsonl", strings.Join(lines, "\n")+"\n"), EvalRows: 3})
	if a.eval.N != 3 || !slices.Equal(a.eval.IDs, b.eval.IDs) {
		t.Errorf("%d rows, and of the reversed file others", a.eval.N)
	}
}

func TestBadValidation(t *testing.T) {
	data := saved(t, "x.jsonl", pairsJSONL(40))
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"missing":       {Options{Path: data, Validation: "nosuch.jsonl"}, "nosuch.jsonl: no such file or folder"},
		"empty":         {Options{Path: data, Validation: saved(t, "v.jsonl", "")}, "v.jsonl: the file is empty"},
		"another shape": {Options{Path: data, Validation: saved(t, "v.jsonl", rows(`{"text":"a b c d"}`))}, "v.jsonl: the held-out data are of the shape text, the others prompt-completion"},
		"stdin twice":   {Options{Path: "-", Validation: "-", Stdin: strings.NewReader("x")}, "standard input cannot be both"},
		"bad record":    {Options{Path: data, Validation: saved(t, "v.jsonl", held(t)+"{")}, "v.jsonl:21: not valid JSON"},
		"nothing to predict": {Options{Path: data, Validation: saved(t, "v.jsonl", `{"prompt":"`+strings.Repeat("word ", 300)+`","completion":"x"}`)},
			"v.jsonl: no token to measure on: 904 tokens in 1 records"},
	} {
		_, err := tryPack(t, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	skipped := pack(t, Options{Path: data, Validation: saved(t, "v.jsonl", held(t)+"{"), SkipBad: true})
	if !slices.ContainsFunc(skipped.Warnings, func(w evidence.Warning) bool { return w.Code == "bad-held-out-records" }) {
		t.Errorf("%+v", skipped.Warnings)
	}
}
