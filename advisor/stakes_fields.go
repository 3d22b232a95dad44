package advisor

import (
	"fmt"
	"math"
)

// field is one stake: its key in files and flags, its unit, and where it lives.
type field struct {
	key, unit, text string
	number          func(*Stakes) *float64
	flag            func(*Stakes) *bool
	positive        bool    // zero is refused
	max             float64 // 0: 1e15
}

// stakeFields lists every stake but the GPU's name, in the order in which they are shown.
func stakeFields() []field {
	return []field{
		{key: "usd_per_nat", unit: "$/nat", text: "value of a nat of held-out loss", number: func(s *Stakes) *float64 { return &s.USDPerNat }},
		{key: "usd_per_point", unit: "$/point", text: "value of a point of accuracy", number: func(s *Stakes) *float64 { return &s.USDPerPoint }},
		{key: "errors_per_month", unit: "errors/month", text: "errors at today's quality", number: func(s *Stakes) *float64 { return &s.ErrorsPerMonth }},
		{key: "usd_per_error", unit: "$/error", text: "cost of an error", number: func(s *Stakes) *float64 { return &s.USDPerError }},
		{key: "at_risk_usd", unit: "$", text: "churn or penalty if quality turns out too low", number: func(s *Stakes) *float64 { return &s.AtRiskUSD }},
		{key: "at_risk_nats", unit: "nats", text: "loss worse by so much loses all that is at risk", number: func(s *Stakes) *float64 { return &s.AtRiskNats }, positive: true},
		{key: "usd_per_base_nat", unit: "$/nat", text: "value of a nat on general text (forgetting)", number: func(s *Stakes) *float64 { return &s.USDPerBaseNat }},
		{key: "months", unit: "months", text: "how long the model will serve", number: func(s *Stakes) *float64 { return &s.Months }, positive: true, max: 600},
		{key: "requests_per_month", unit: "requests/month", text: "requests to each task", number: func(s *Stakes) *float64 { return &s.RequestsPerMonth }},
		{key: "tokens_per_request", unit: "tokens", text: "prompt and answer together", number: func(s *Stakes) *float64 { return &s.TokensPerRequest }},
		{key: "tasks", unit: "tasks", text: "tasks or tenants sharing one base model", number: func(s *Stakes) *float64 { return &s.Tasks }, positive: true, max: 1e6},
		{key: "base_changes_per_year", unit: "a year", text: "how often the base model is replaced", number: func(s *Stakes) *float64 { return &s.BaseChangesPerYear }, max: 365},
		{key: "usd_per_gpu_hour", unit: "$/h", text: "price of the device", number: func(s *Stakes) *float64 { return &s.USDPerGPUHour }},
		{key: "usd_per_gib_month", unit: "$/GiB/month", text: "storage", number: func(s *Stakes) *float64 { return &s.USDPerGiBMonth }},
		{key: "usd_per_retrain", unit: "$", text: "people's work at each re-training", number: func(s *Stakes) *float64 { return &s.USDPerRetrain }},
		{key: "retry_share", text: "share of the training that is done twice", number: func(s *Stakes) *float64 { return &s.RetryShare }, max: 100},
		{key: "sweep_runs", unit: "runs", text: "full-length runs before the one that counts", number: func(s *Stakes) *float64 { return &s.SweepRuns }, max: 1e4},
		{key: "adapter_slowdown", text: "share of serving time that an unmerged adapter adds", number: func(s *Stakes) *float64 { return &s.AdapterSlow }, max: 100},
		{key: "load_gb_per_second", unit: "GB/s", text: "speed of loading weights at a swap", number: func(s *Stakes) *float64 { return &s.LoadGBPerSec }, positive: true},
		{key: "tie_nats", unit: "nats", text: "a smaller difference does not matter", number: func(s *Stakes) *float64 { return &s.TieNats }},
		{key: "risk_aversion", unit: "SDs", text: "added to each bill", number: func(s *Stakes) *float64 { return &s.RiskAversion }, max: 10},
		{key: "deadline_hours", unit: "h", text: "longest training allowed", number: func(s *Stakes) *float64 { return &s.DeadlineHours }},
		{key: "memory_bytes", unit: "bytes", text: "memory allowed", number: func(s *Stakes) *float64 { return &s.MemoryBytes }},
		{key: "budget_usd", unit: "$", text: "for training", number: func(s *Stakes) *float64 { return &s.BudgetUSD }},
		{key: "target_model_params", unit: "parameters", text: "size of the model that is meant", number: func(s *Stakes) *float64 { return &s.TargetModelParams }, max: 1e14},
		{key: "quality_is_hard", text: "quality is the hard constraint", flag: func(s *Stakes) *bool { return &s.QualityIsHard }},
		{key: "speed_is_hard", text: "speed is the hard constraint", flag: func(s *Stakes) *bool { return &s.SpeedIsHard }},
		{key: "adapter_serving_only", text: "only adapters can be served", flag: func(s *Stakes) *bool { return &s.AdapterServingOnly }},
	}
}

// InputError reports stakes or facts that cannot be used.
type InputError struct {
	Where string // key, or file:line:col
	What  string
	Fix   string
}

// Error implements error.
func (e *InputError) Error() string { return e.Where + ": " + e.What }

// Hint says what to do about it.
func (e *InputError) Hint() string { return e.Fix }

// Validate refuses stakes that are negative, not finite, or beyond their bounds.
func (s Stakes) Validate() error {
	for _, f := range stakeFields() {
		if f.number == nil {
			continue
		}
		if err := f.check(*f.number(&s)); err != nil {
			return err
		}
	}
	return nil
}

// most is the largest value taken, so that no product of stakes overflows.
func (f field) most() float64 {
	if f.max > 0 {
		return f.max
	}
	return 1e15
}

func (f field) check(v float64) error {
	fail := func(what, fix string) error { return &InputError{Where: f.key, What: what, Fix: fix} }
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fail(fmt.Sprintf("%v is not a number of %s", v, f.unit), "give a plain number")
	case v < 0:
		return fail(fmt.Sprintf("%g %s is negative", v, f.unit), "give a number from 0 on")
	case f.positive && v == 0:
		return fail("0 "+f.unit+" leaves nothing to reckon with", "give a number above 0, or leave the key out for the default")
	case v > f.most():
		return fail(fmt.Sprintf("%g %s is more than %g", v, f.unit, f.most()), "check the unit: "+f.unit)
	}
	return nil
}
