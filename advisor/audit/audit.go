// Package audit compares advice with what came of it.
//
//  1. A recommendation goes in with the final losses of the trainings that followed:
//     a Record, one JSON file beside the run.
//  2. Summarise reads all records: how often the advice was right, what it cost when
//     it was wrong, whether intervals covered, whether probabilities meant what they
//     said, how far memory and time were off.
//  3. A Summary goes out, for people, for metrics and for the next reader who asks why
//     the tool should be trusted.
//
// The functions are pure; where records lie is the caller's business.
package audit

import (
	"fmt"
	"math"
	"sort"
	"time"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
)

// SchemaVersion is the version of the Record's JSON.
const SchemaVersion = 1

// Final is what one finished training came to.
type Final struct {
	Option    string  `json:"option"`                         // full, lora(r=8): as in the recommendation
	Loss      float64 `json:"loss"`                           // held-out, nats a token, at the checkpoint that is used
	PeakBytes int64   `json:"peak_allocated_bytes,omitempty"` // 0 if not known
	Hours     float64 `json:"train_hours,omitempty"`          // 0 if not known
}

// Expectation is what the advice said of one option.
type Expectation struct {
	Option    string                `json:"option"`
	Loss      evidence.Distribution `json:"loss"`
	HasLoss   bool                  `json:"has_loss"`
	PeakBytes int64                 `json:"peak_allocated_bytes"`
	Hours     float64               `json:"train_hours"`
	// BesidesUSD is the option's bill without accuracy and risk.
	BesidesUSD float64 `json:"besides_usd"`
}

// Record is one advice and what came of it.
type Record struct {
	Schema      int            `json:"schema"`
	Run         string         `json:"run"`
	RecordedAt  time.Time      `json:"recorded_at"`
	Answer      advisor.Answer `json:"answer"`
	Option      string         `json:"option,omitempty"` // that was advised
	Policy      string         `json:"policy,omitempty"`
	Confidence  float64        `json:"confidence"`
	PFullBetter *float64       `json:"p_full_better,omitempty"`
	USDPerNat   float64        `json:"usd_per_nat"`
	TieNats     float64        `json:"tie_nats"`
	Expected    []Expectation  `json:"expected"`
	Finals      []Final        `json:"finals"`
}

// New makes the record of an advice and the finals that are known. A final's option
// may be left out where the advice named a method: it is then that one.
func New(rec *advisor.Recommendation, finals []Final, now time.Time) (Record, error) {
	r := Record{Schema: SchemaVersion, Run: rec.Run, RecordedAt: now, Answer: rec.Verdict.Answer, Policy: rec.Verdict.Policy,
		Confidence: rec.Confidence, PFullBetter: rec.PFullBetter, USDPerNat: rec.Features["usd_per_nat"], TieNats: rec.Stakes.TieNats}
	for _, o := range rec.Options {
		r.Expected = append(r.Expected, expectation(o))
		if o.Chosen {
			r.Option = o.Name
		}
	}
	seen := map[string]bool{}
	for _, f := range finals {
		if f.Option == "" {
			f.Option = r.Option
		}
		if err := r.check(f, seen); err != nil {
			return Record{}, err
		}
		seen[f.Option] = true
		r.Finals = append(r.Finals, f)
	}
	sort.Slice(r.Finals, func(i, j int) bool { return r.Finals[i].Option < r.Finals[j].Option })
	return r, nil
}

func expectation(o advisor.Option) Expectation {
	e := Expectation{Option: o.Name, PeakBytes: o.PeakBytes, Hours: o.TrainHours}
	if o.BestLoss != nil {
		e.Loss, e.HasLoss = *o.BestLoss, true
	}
	for _, c := range o.Costs {
		if c.Name != advisor.Accuracy && c.Name != advisor.Risk {
			e.BesidesUSD += c.USD.Mean
		}
	}
	return e
}

func (r Record) check(f Final, seen map[string]bool) error {
	fail := func(what, fix string) error {
		return &advisor.InputError{Where: "outcome of " + r.Run, What: what, Fix: fix}
	}
	_, known := r.expected(f.Option)
	switch {
	case f.Option == "":
		return fail("the advice named no method, so the loss is nobody's", "say which method was trained")
	case !known:
		return fail(fmt.Sprintf("%q is no option of this advice", f.Option), "name one of "+r.options())
	case seen[f.Option]:
		return fail(fmt.Sprintf("%s is given twice", f.Option), "give one final loss an option")
	case math.IsNaN(f.Loss) || math.IsInf(f.Loss, 0) || f.Loss < 0:
		return fail(fmt.Sprintf("a final loss of %v", f.Loss), "give the held-out loss in nats a token")
	}
	return nil
}

func (r Record) options() string {
	text := ""
	for i, e := range r.Expected {
		if i > 0 {
			text += ", "
		}
		text += e.Option
	}
	return text
}

func (r Record) expected(option string) (Expectation, bool) {
	for _, e := range r.Expected {
		if e.Option == option {
			return e, true
		}
	}
	return Expectation{}, false
}

// bills are the options' costs in hindsight: what was reckoned besides accuracy, and
// the final loss at the stated value. Only options with a final loss are in it.
func (r Record) bills() map[string]float64 {
	out := map[string]float64{}
	for _, f := range r.Finals {
		if e, ok := r.expected(f.Option); ok {
			out[f.Option] = e.BesidesUSD + f.Loss*r.USDPerNat
		}
	}
	return out
}

// regret is what the advised option cost above the best one in hindsight; ok is false
// unless the advised one and another were both trained to the end.
func (r Record) regret() (usd float64, ok bool) {
	bills := r.bills()
	mine, advised := bills[r.Option]
	if !advised || len(bills) < 2 {
		return 0, false
	}
	best := mine
	for _, b := range bills {
		best = math.Min(best, b)
	}
	return mine - best, true
}
