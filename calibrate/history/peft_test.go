package history

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

const peftCurves = "../../../shared/data/peft-metamathqa-curves.json"

// The public curves, forecast as the command line does it, method families left out
// of what the library teaches. The bounds are what docs/decision-quality.md reports,
// with a little room; a change that falls below them has made the advice worse.
func TestForecastOfPublicCurves(t *testing.T) {
	if _, err := os.Stat(filepath.FromSlash(peftCurves)); err != nil {
		t.Skip("../shared/data not found: the public curves are not here")
	}
	records, _, err := Read([]string{peftCurves})
	if err != nil {
		t.Fatal(err)
	}
	truth := map[string]float64{}
	for _, r := range records {
		var sum float64
		for _, p := range r.Train[16:] {
			sum += p.Loss / 4
		}
		truth[r.Name] = sum
	}
	tests := []struct{ seen, accuracy, brier, selective, selectiveShare, coverage float64 }{
		{0.2, 0.92, 0.060, 0.965, 0.78, 0.75},
		{0.3, 0.92, 0.055, 0.965, 0.85, 0.75},
		{0.5, 0.96, 0.030, 0.985, 0.88, 0.75},
	}
	for _, test := range tests {
		out, err := Forecast([]string{peftCurves}, test.seen, 5000)
		if err != nil {
			t.Fatal(err)
		}
		inside := 0.0
		for _, r := range out.Runs {
			if f := r.Forecast; truth[r.Name] >= f.P10 && truth[r.Name] <= f.P90 {
				inside++
			}
		}
		var pairs, right, brier, sure, sureRight float64
		for _, p := range out.Pairs {
			a, b := truth[p.A], truth[p.B]
			if a >= 0.72 || b >= 0.72 {
				continue
			}
			pairs++
			good := (p.PABetter > 0.5) == (a < b)
			miss := p.PABetter
			if a < b {
				miss = 1 - p.PABetter
			}
			brier += miss * miss
			if good {
				right++
			}
			if math.Abs(p.PABetter-0.5) >= 0.3 {
				sure++
				if good {
					sureRight++
				}
			}
		}
		t.Logf("seen %.0f %%: %v pairs, right %.3f, Brier %.3f, at confidence 0.8 right %.3f on %.3f, 80 %% interval covers %.3f of %d curves",
			100*test.seen, pairs, right/pairs, brier/pairs, sureRight/sure, sure/pairs, inside/float64(len(out.Runs)), len(out.Runs))
		if pairs != 666 || right/pairs < test.accuracy || brier/pairs > test.brier || sureRight/sure < test.selective ||
			sure/pairs < test.selectiveShare || inside/float64(len(out.Runs)) < test.coverage {
			t.Errorf("seen %v: worse than %+v", test.seen, test)
		}
	}
}
