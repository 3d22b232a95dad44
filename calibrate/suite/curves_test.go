package suite

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate/decision"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/history"
)

// TestCommittedCurves holds the files in curves to what they promise: every data set has
// all arms to the horizon, its facts, and a family; together they stay small.
func TestCommittedCurves(t *testing.T) {
	files, err := filepath.Glob("curves/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no curves: %v", err)
	}
	records, _, err := history.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	s := Default()
	cases := decision.Cases(history.Curves(records), nil, s.HorizonSteps)
	if len(cases) != len(files) {
		t.Errorf("%d data sets in %d files", len(cases), len(files))
	}
	families := map[string]string{}
	for _, d := range domains() {
		families[d.Name] = d.Family
	}
	for _, c := range cases {
		if got := c.Ranks(); len(got) != len(s.Ranks) {
			t.Errorf("%s: ranks %v", c.Data, got)
		}
		domain := strings.Split(c.Data, "/")[1]
		if c.Family != families[domain] {
			t.Errorf("%s: family %q", c.Data, c.Family)
		}
	}
	total := int64(0)
	decays, err := filepath.Glob("curves/decay/*.json")
	if err != nil || len(decays) != len(files) {
		t.Errorf("%d files of decays beside %d, %v", len(decays), len(files), err)
	}
	wholes, err := filepath.Glob("curves/whole/*.json")
	if err != nil || len(wholes) == 0 {
		t.Errorf("no tables were trained whole: %v", err)
	}
	for _, file := range slices.Concat(files, decays, wholes) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 3_900_000 {
		t.Errorf("the curves take %d bytes", total)
	}
}

func TestCommittedFacts(t *testing.T) {
	files, err := filepath.Glob("curves/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			About About
			Runs  map[string]Curve
		}
		if err := json.Unmarshal(text, &f); err != nil {
			t.Fatal(err)
		}
		d := f.About.Domain
		if d.BaseLoss == nil || d.BaseGeneralLoss == nil || d.DemandBits == nil || d.CapacityBits == nil || d.TokenDivergence == nil || f.About.Data.Tokens == 0 || f.About.Engine == "" {
			t.Errorf("%s: facts are missing: %+v", file, f.About)
		}
		for name, c := range f.Runs {
			if c.Trainable == 0 || c.LearningRate <= 0 || len(c.Eval) == 0 || c.Eval[0].Step != 0 || c.Schedule.Shape != evidence.Constant {
				t.Errorf("%s: %s: %+v", file, name, c)
			}
		}
	}
}

// TestCommittedSeeds: but for those that came last, every data set has at least two seeds
// of each method, which begin alike.
func TestCommittedSeeds(t *testing.T) {
	files, err := readFiles("curves")
	if err != nil {
		t.Fatal(err)
	}
	once := []string{"3m/html", "3m/json", "3m/labels", "3m/orders", "3m/permuted"}
	if all := repeats(files); len(all)+len(once) != len(files) {
		t.Errorf("%d of %d data sets have further seeds", len(all), len(files))
	}
	for _, f := range files {
		if slices.Contains(once, f.data()) != (len(f.others) == 0) {
			t.Errorf("%s has %d further seeds", f.data(), len(f.others))
		}
		for seed, runs := range f.others {
			if len(runs) != 1+len(Default().Ranks) {
				t.Errorf("%s: seed %d has %d runs", f.data(), seed, len(runs))
			}
			for name, c := range runs {
				if math.Abs(c.Eval[0].Loss-*f.About.Domain.BaseLoss) > 0.002 {
					t.Errorf("%s: begins at %g, the base at %g", name, c.Eval[0].Loss, *f.About.Domain.BaseLoss)
				}
			}
		}
	}
}

// TestAllAnswersAppear: a suite that one method wins throughout could not tell a decider
// from who always names that method. Where what is to be learned has rank 1, LoRA wins;
// where it has full rank, full does.
func TestAllAnswersAppear(t *testing.T) {
	files, err := readFiles("curves")
	if err != nil {
		t.Fatal(err)
	}
	count, gaps := map[string]int{}, map[string]float64{}
	for _, f := range files {
		a := f.answer()
		count[a.String()]++
		gaps[f.data()] = a.gap
	}
	if count["full"] == 0 || count["LoRA"] == 0 || count["either"] == 0 {
		t.Errorf("got %v", count)
	}
	if low, high, full := gaps["1m/taught-r1-80k"], gaps["1m/taught-r8-80k"], gaps["1m/taught-full-80k"]; low > high || high > full {
		t.Errorf("rank 1, 8 and full: %+.3f, %+.3f, %+.3f", low, high, full)
	}
}
