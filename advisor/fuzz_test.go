package advisor_test

import (
	"encoding/json"
	"testing"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
)

// Whatever a run holds, it is advised on without a panic, and what comes out is JSON:
// no NaN, no infinity.
func FuzzRecommend(f *testing.F) {
	plain, bare, oom, odd := advisortest.New(), advisortest.New(), advisortest.New(), advisortest.New()
	bare.NoForecast, oom.FullStatus, odd.FullHours, odd.Gap = true, evidence.DoesNotFit, 1e300, 1e300
	for _, c := range []advisortest.Case{plain, bare, oom, odd} {
		data, err := json.Marshal(c.Run())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, 1e4, 0.0)
		f.Add(data, 1e300, 7e10)
	}
	f.Fuzz(func(t *testing.T, data []byte, usdPerNat, target float64) {
		var run evidence.Run
		if json.Unmarshal(data, &run) != nil {
			return
		}
		s := advisor.DefaultStakes()
		s.USDPerNat, s.TargetModelParams = usdPerNat, target
		rec, err := advisor.Recommend(&run, s, nil, cheaper{}, advisortest.Now())
		if err != nil {
			return
		}
		if _, err := json.Marshal(rec); err != nil {
			t.Errorf("%s: %v", rec.Headline, err)
		}
		if len(rec.Explain()) == 0 || rec.Headline == "" {
			t.Error("nothing is said")
		}
	})
}
