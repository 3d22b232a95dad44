package audit

import (
	"fmt"
	"math"
	"strings"

	"ftadvise/advisor"
)

// Bins is the number of bins of a PIT histogram.
const Bins = 10

// Summary is how advice has done so far. Rates are NaN-free: a nil pointer means that
// there is nothing yet to reckon it from.
type Summary struct {
	Records  int `json:"records"`
	Decided  int `json:"decided"` // named a method
	Judged   int `json:"judged"`  // of these, two methods were trained to the end
	Hits     int `json:"hits"`    // the advised one cost least in hindsight, or within a tie of it
	Forecast int `json:"forecast_losses"`
	// HitRate is Hits / Judged, RegretUSD the mean over the judged.
	HitRate   *float64 `json:"hit_rate,omitempty"`
	RegretUSD *float64 `json:"mean_regret_usd,omitempty"`
	// Coverage is the share of final losses within the forecast's 80 % interval.
	Coverage *float64 `json:"coverage_80,omitempty"`
	// PIT counts final losses by where they fell in their forecast's distribution; a
	// calibrated forecast fills the bins evenly.
	PIT [Bins]int `json:"pit"`
	// Brier is the mean squared error of the probability that full is better.
	Brier *float64 `json:"brier_p_full_better,omitempty"`
	// Errors are mean absolute relative errors, reality over prediction less one.
	MemoryError *float64 `json:"memory_error,omitempty"`
	MemoryN     int      `json:"memory_n"`
	TimeError   *float64 `json:"time_error,omitempty"`
	TimeN       int      `json:"time_n"`
}

// mean gathers a mean.
type mean struct {
	sum float64
	n   int
}

func (m *mean) add(v float64) { m.sum, m.n = m.sum+v, m.n+1 }

func (m *mean) value() *float64 {
	if m.n == 0 {
		return nil
	}
	v := m.sum / float64(m.n)
	return &v
}

// Summarise reckons up records; their order does not matter.
func Summarise(records []Record) Summary {
	var s Summary
	var hit, regret, covered, brier, memory, time mean
	for _, r := range records {
		s.Records++
		if r.Option != "" {
			s.Decided++
		}
		if usd, ok := r.regret(); ok {
			s.Judged++
			right := usd <= r.TieNats*r.USDPerNat
			hit.add(count(right))
			regret.add(usd)
			if right {
				s.Hits++
			}
		}
		if full, lora, ok := r.pair(); ok && r.PFullBetter != nil {
			brier.add(math.Pow(*r.PFullBetter-count(full < lora), 2))
		}
		for _, f := range r.Finals {
			e, _ := r.expected(f.Option)
			s.judgeLoss(e, f, &covered)
			relative(&memory, float64(f.PeakBytes), float64(e.PeakBytes))
			relative(&time, f.Hours, e.Hours)
		}
	}
	s.HitRate, s.RegretUSD, s.Coverage, s.Brier = hit.value(), regret.value(), covered.value(), brier.value()
	s.MemoryError, s.MemoryN, s.TimeError, s.TimeN = memory.value(), memory.n, time.value(), time.n
	return s
}

func count(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func relative(m *mean, was, predicted float64) {
	if was > 0 && predicted > 0 {
		m.add(math.Abs(was/predicted - 1))
	}
}

// judgeLoss counts one final loss against its forecast.
func (s *Summary) judgeLoss(e Expectation, f Final, covered *mean) {
	if !e.HasLoss || !(e.Loss.SD > 0) {
		return
	}
	s.Forecast++
	covered.add(count(f.Loss >= e.Loss.P10 && f.Loss <= e.Loss.P90))
	p := advisor.ProbabilityPositive(f.Loss-e.Loss.Mean, e.Loss.SD)
	s.PIT[min(Bins-1, int(p*Bins))]++
}

// pair is full's final loss and the best LoRA's, where both are known.
func (r Record) pair() (full, lora float64, ok bool) {
	full, lora = math.NaN(), math.NaN()
	for _, f := range r.Finals {
		if f.Option == "full" {
			full = f.Loss
		} else if !(f.Loss >= lora) {
			lora = f.Loss
		}
	}
	return full, lora, !math.IsNaN(full) && !math.IsNaN(lora)
}

// Lines prints the summary for people.
func (s Summary) Lines() []string {
	lines := []string{fmt.Sprintf("outcomes recorded: %d, of which %d of advice that named a method", s.Records, s.Decided)}
	if s.HitRate == nil {
		lines = append(lines, "hit rate and regret: none of them has final losses of two methods yet")
	} else {
		lines = append(lines, fmt.Sprintf("right in %d of %d (%.0f%%), mean regret $%.2f", s.Hits, s.Judged, 100**s.HitRate, *s.RegretUSD))
	}
	if s.Coverage != nil {
		lines = append(lines, fmt.Sprintf("80%% intervals held %.0f%% of %d final losses", 100**s.Coverage, s.Forecast),
			"PIT histogram (even is calibrated): "+strings.Trim(fmt.Sprint(s.PIT), "[]"))
	}
	if s.Brier != nil {
		lines = append(lines, fmt.Sprintf("Brier score of P(full better): %.3f", *s.Brier))
	}
	if s.MemoryError != nil {
		lines = append(lines, fmt.Sprintf("peak memory off by %.1f%% on average (%d)", 100**s.MemoryError, s.MemoryN))
	}
	if s.TimeError != nil {
		lines = append(lines, fmt.Sprintf("training time off by %.1f%% on average (%d)", 100**s.TimeError, s.TimeN))
	}
	return lines
}
