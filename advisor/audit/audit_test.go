package audit_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/advisor/audit"
	"ftadvise/calibrate/evidence"
)

// fullAlways names full, as a policy would.
type fullAlways struct{}

func (fullAlways) Decide(advisor.Features) (advisor.Verdict, error) {
	return advisor.Verdict{Answer: advisor.UseFull, Policy: "p@1", Rule: "r", Confidence: 0.9}, nil
}

// advice recommends full with a loss of 1.2 and LoRA with 1.25, both give or take 0.02.
func advice(t testing.TB) *advisor.Recommendation {
	t.Helper()
	c := advisortest.New()
	c.Gap, c.GapSD = 0.05, 0.02
	rec, err := advisor.Recommend(c.Run(), advisor.DefaultStakes(), nil, fullAlways{}, advisortest.Now())
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func record(t testing.TB, finals ...audit.Final) audit.Record {
	t.Helper()
	r, err := audit.New(advice(t), finals, advisortest.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecord(t *testing.T) {
	r := record(t, audit.Final{Loss: 1.21})
	if r.Option != "full" || len(r.Finals) != 1 || r.Finals[0].Option != "full" || r.Policy != "p@1" || *r.PFullBetter < 0.99 {
		t.Errorf("%+v", r)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back audit.Record
	if err := json.Unmarshal(data, &back); err != nil || fmt.Sprint(back.Expected) != fmt.Sprint(r.Expected) {
		t.Errorf("read back %+v (%v)", back, err)
	}
}

func TestRecordRefuses(t *testing.T) {
	for want, finals := range map[string][]audit.Final{
		`outcome of 01case: "lora(r=9)" is no option of this advice`: {{Option: "lora(r=9)", Loss: 1}},
		"outcome of 01case: full is given twice":                     {{Loss: 1}, {Option: "full", Loss: 2}},
		"outcome of 01case: a final loss of NaN":                     {{Loss: math.NaN()}},
		"outcome of 01case: a final loss of -1":                      {{Loss: -1}},
	} {
		_, err := audit.New(advice(t), finals, advisortest.Now())
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	rec := advice(t)
	rec.Options = append([]advisor.Option{}, rec.Options...)
	for i := range rec.Options {
		rec.Options[i].Chosen = false
	}
	if _, err := audit.New(rec, []audit.Final{{Loss: 1}}, advisortest.Now()); err == nil || !strings.Contains(err.Error(), "named no method") {
		t.Errorf("error %v", err)
	}
}

func TestHitAndRegret(t *testing.T) {
	right := record(t, audit.Final{Option: "full", Loss: 1.2}, audit.Final{Option: "lora(r=8)", Loss: 1.3})
	wrong := record(t, audit.Final{Option: "full", Loss: 1.3}, audit.Final{Option: "lora(r=8)", Loss: 1.2})
	tie := record(t, audit.Final{Option: "full", Loss: 1.2}, audit.Final{Option: "lora(r=8)", Loss: 1.2})
	half := record(t, audit.Final{Loss: 1.2})
	s := audit.Summarise([]audit.Record{right, wrong, tie, half})
	if s.Records != 4 || s.Decided != 4 || s.Judged != 3 || s.Hits != 2 || math.Abs(*s.HitRate-2.0/3) > 1e-12 {
		t.Errorf("%+v", s)
	}
	one := audit.Summarise([]audit.Record{wrong})
	if *one.HitRate != 0 || math.Abs(*one.RegretUSD-1000) > 10 {
		t.Errorf("0.1 nats at $10,000 wrong: regret $%g, want about $1,000 and what LoRA would have saved", *one.RegretUSD)
	}
	if *one.Brier < 0.9 {
		t.Errorf("sure and wrong, yet a Brier score of %g", *one.Brier)
	}
	if none := audit.Summarise([]audit.Record{half}); none.HitRate != nil || none.RegretUSD != nil || none.Coverage == nil {
		t.Errorf("%+v", none)
	}
}

// Finals drawn from the forecasts themselves are covered as often as is said, and fill
// the PIT evenly.
func TestCalibratedForecastsLookCalibrated(t *testing.T) {
	var records []audit.Record
	rec := advice(t)
	for i := range 1000 {
		p := (float64(i) + 0.5) / 1000
		z := math.Sqrt2 * math.Erfinv(2*p-1)
		r, err := audit.New(rec, []audit.Final{{Loss: 1.2 + 0.02*z}}, advisortest.Now())
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	s := audit.Summarise(records)
	if math.Abs(*s.Coverage-0.8) > 0.002 || s.Forecast != 1000 {
		t.Errorf("coverage %g of %d", *s.Coverage, s.Forecast)
	}
	for i, n := range s.PIT {
		if n < 98 || n > 102 {
			t.Errorf("bin %d holds %d of 1000", i, n)
		}
	}
}

func TestMemoryAndTime(t *testing.T) {
	s := audit.Summarise([]audit.Record{record(t, audit.Final{Loss: 1.2, PeakBytes: 36 * advisortest.GiB * 11 / 10, Hours: 5.4})})
	if s.MemoryN != 1 || math.Abs(*s.MemoryError-0.1) > 1e-6 || math.Abs(*s.TimeError-0.1) > 1e-6 {
		t.Errorf("memory off by %g, time by %g", *s.MemoryError, *s.TimeError)
	}
	if lines := strings.Join(s.Lines(), "\n"); !strings.Contains(lines, "peak memory off by 10.0% on average (1)") ||
		!strings.Contains(lines, "none of them has final losses of two methods yet") {
		t.Error(lines)
	}
}

func TestNothingYet(t *testing.T) {
	s := audit.Summarise(nil)
	if s.Coverage != nil || s.HitRate != nil || len(s.Lines()) != 2 {
		t.Errorf("%+v", s)
	}
	if _, err := json.Marshal(s); err != nil {
		t.Error(err)
	}
}

// The order of records does not matter.
func TestOrderOfRecords(t *testing.T) {
	var all []audit.Record
	for i := range 6 {
		all = append(all, record(t, audit.Final{Option: "full", Loss: 1.1 + 0.04*float64(i)}, audit.Final{Option: "lora(r=8)", Loss: 1.25}))
	}
	want := audit.Summarise(all)
	rapid.Check(t, func(t *rapid.T) {
		got := audit.Summarise(rapid.Permutation(all).Draw(t, "records"))
		if got.Hits != want.Hits || math.Abs(*got.RegretUSD-*want.RegretUSD) > 1e-9 || got.PIT != want.PIT {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}

// Advice that named no method counts, but is not judged.
func TestUndecidedIsNotJudged(t *testing.T) {
	c := advisortest.New()
	c.FullStatus = evidence.Diverged
	rec, err := advisor.Recommend(c.Run(), advisor.DefaultStakes(), nil, fullAlways{}, advisortest.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.New(rec, []audit.Final{{Option: "lora(r=8)", Loss: 1.3}}, advisortest.Now())
	if err != nil {
		t.Fatal(err)
	}
	if s := audit.Summarise([]audit.Record{r}); s.Records != 1 || s.Decided != 0 || s.Judged != 0 {
		t.Errorf("%+v", s)
	}
}
