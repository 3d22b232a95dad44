package suite

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate/evidence"
)

// drawn is a file of which each seed ends with a loss of full and of LoRA.
func drawn(data, family string, ends ...[2]float64) file {
	f := file{Runs: map[string]Curve{}}
	for seed, end := range ends {
		for i, method := range []string{"full", "lora-r8"} {
			c := Curve{Method: method, Data: data, Family: family, Eval: []evidence.Point{{Loss: 5}, {Step: 100, Loss: end[i]}}}
			if seed > 0 {
				c.Seed = int64(seed + 1)
			}
			f.Runs[method+string(rune('1'+seed))] = c
		}
	}
	f.part()
	return f
}

func TestRepeats(t *testing.T) {
	all := repeats([]file{
		drawn("b/near", "x", [2]float64{2, 2.052}, [2]float64{2, 2.048}, [2]float64{2.03, 2.05}),
		drawn("b/far", "x", [2]float64{2, 3}, [2]float64{2.1, 3}),
		drawn("b/once", "y", [2]float64{2, 3}),
	})
	if len(all) != 2 || len(all[0].draws) != 3 || math.Abs(all[0].draws[2].gap()-0.02) > 1e-9 {
		t.Fatalf("got %+v", all)
	}
	if got := all[1].spread(draw.gap); math.Abs(got-0.1/math.Sqrt2) > 1e-9 {
		t.Errorf("two gaps .1 apart spread by %g", got)
	}
	if got := spreads("x", all[1:]); got != "| x | 1 | 2 | 0.0707, 0.0707 | 0.0000, 0.0000 | 0.0707, 0.0707 |\n" {
		t.Error(got)
	}
	// Near's three gaps lie on both sides of .05, and on one of every other margin.
	told := changes(all)
	if !strings.Contains(told, "| 0.05 | 1 | b/near +0.052, +0.048, +0.020 |\n") || strings.Count(told, "| 0 |") != 4 {
		t.Error(told)
	}
	if got := distances(all); !strings.Contains(got, "| 0 to 0.005 | 2 | 2 |\n") || !strings.Contains(got, "| 0.1 to more | 9 | 0 |\n") {
		t.Error(got)
	}
}

func TestQuantile(t *testing.T) {
	for share, want := range map[float64]float64{0: 1, 0.5: 2.5, 0.9: 3.7, 1: 4} {
		if got := quantile([]float64{4, 1, 3, 2}, share); math.Abs(got-want) > 1e-12 {
			t.Errorf("%g: %g, want %g", share, got, want)
		}
	}
}

// TestDocumentTellsOfSeeds holds the text beside the tables to the curves.
func TestDocumentTellsOfSeeds(t *testing.T) {
	files, err := readFiles("curves")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/decision-quality.md")
	if err != nil {
		t.Fatal(err)
	}
	all, middle, same := repeats(files), map[string]string{}, 0
	for _, m := range measures() {
		var spreads []float64
		for _, r := range all {
			spreads = append(spreads, r.spread(m.of))
		}
		middle[m.name] = strings.TrimPrefix(fmt.Sprintf("%.3f", quantile(spreads, 0.5)), "0")
	}
	for _, r := range all {
		if !slices.ContainsFunc(r.draws, func(d draw) bool { return answer{d.gap()}.String() != answer{r.draws[0].gap()}.String() }) {
			same++
		}
	}
	for _, want := range []string{
		fmt.Sprintf("is the same with every seed on all %d data sets", same),
		fmt.Sprintf("moves by %s nats between seeds in the middle, as the best LoRA's loss does (%s) and more than full's (%s)", middle["LoRA less full"], middle["best LoRA's loss"], middle["full's loss"]),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/decision-quality.md does not say: %s", want)
		}
	}
}
