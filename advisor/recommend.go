package advisor

import (
	"fmt"
	"time"

	"ftadvise/calibrate/evidence"
)

// Recommend turns a run into a recommendation under the stakes. origins says where
// each stake was set, by its key (flag, config.yaml:12); a missing one means the
// default. The run may lack forecasts and gaps: the last held-out losses then stand in
// with a wide interval. The same input always gives the same output. An error means
// that stakes or policy cannot be used; doubt is a warning, and evidence unfit to
// decide from is an answer.
func Recommend(run *evidence.Run, stakes Stakes, origins map[string]string, d Decider, now time.Time) (*Recommendation, error) {
	if run == nil {
		return nil, &InputError{Where: "run", What: "there is none", Fix: "calibrate first"}
	}
	prices, err := ListPrices()
	if err != nil {
		return nil, err
	}
	return RecommendAt(run, stakes, origins, prices, d, now)
}

// RecommendAt is Recommend with a price table of one's own.
func RecommendAt(run *evidence.Run, stakes Stakes, origins map[string]string, prices PriceTable, d Decider, now time.Time) (*Recommendation, error) {
	if err := stakes.Validate(); err != nil {
		return nil, err
	}
	f := study(run)
	a := accountOf(f, stakes, prices.market(stakes, run.Environment))
	features := a.features()
	v, guarded := a.guard()
	if !guarded {
		var err error
		if v, err = d.Decide(features); err != nil {
			return nil, fmt.Errorf("decide: %w", err)
		}
	}
	chosen, err := a.name(&v)
	if err != nil {
		return nil, err
	}
	rec := a.recommendation(v, chosen, features, now)
	rec.Assumptions = a.assumptions(origins)
	rec.Warnings = append(rec.Warnings, a.otherCard(prices)...)
	if a.compares() {
		rec.Tornado = a.tornado()
		if !guarded {
			rec.Flips = a.flips(v.Answer, d)
		}
	}
	rec.Headline, rec.Next = a.headline(rec), a.next(rec)
	return rec, nil
}

func (a *account) recommendation(v Verdict, chosen int, features Features, now time.Time) *Recommendation {
	rec := &Recommendation{
		Schema: SchemaVersion, Run: a.f.run.ID, CreatedAt: now, Version: a.f.run.Version,
		Verdict: v, Confidence: v.Confidence, Regime: evidence.BudgetTooSmall,
		Options: a.options(chosen), Stakes: a.s, Features: features,
		Warnings: append(append([]evidence.Warning{}, a.market.warnings...), a.doubts()...),
	}
	rec.Rank, rec.Targets = a.rankReasons(v), a.targetReasons(v)
	if !a.compares() {
		return rec
	}
	g := a.gap()
	d := normal(g.mean, g.sd)
	rec.Gap, rec.Regime = &d, g.regime
	rec.PFullBetter = pointer(ProbabilityPositive(g.mean, g.sd))
	rec.PFullCheaper = pointer(a.fullCheaper())
	if b, ok := a.breakEven(); ok {
		rec.BreakEven = &b
	}
	rec.Ratios = a.ratios()
	rec.More = a.moreAdvice()
	return rec
}

func pointer(v float64) *float64 { return &v }

func (a *account) ratios() *Ratios {
	full, lora := a.bills[a.f.full], a.bills[a.lora]
	if full.step == 0 || lora.step == 0 || full.peak == 0 || lora.peak == 0 || lora.trainable == 0 {
		return nil
	}
	return &Ratios{StepTime: full.step / lora.step, PeakBytes: full.peak / lora.peak, Trainable: full.trainable / lora.trainable}
}

// name completes a verdict's method from the arms: the decider knows features only.
// It returns the chosen arm, or -1, and refuses a method that cannot be had. LoRA of a
// higher rank than was asked for is the answer "raise the rank".
func (a *account) name(v *Verdict) (int, error) {
	var chosen int
	switch v.Answer {
	case UseFull:
		chosen = a.f.full
	case UseLoRA, RaiseRank:
		chosen = a.lora
	default:
		return -1, nil
	}
	if !a.open(chosen) {
		return -1, fmt.Errorf("policy %s: rule %s answers %q, which did not train or does not fit", v.Policy, v.Rule, v.Answer)
	}
	v.Method = a.f.arms[chosen].method
	asked := a.f.run.Setup.LoRA.Rank
	switch {
	case v.Answer == RaiseRank:
		if ratio, ok := capacityRatio(a.f.run); ok {
			if rank, ok := rankNeeded(a.f.run, ratio); ok {
				v.Method.Rank = max(v.Method.Rank, int(rank))
			}
		}
	case v.Answer == UseLoRA && asked > 0 && v.Method.Rank > asked && a.triedRank(asked) && !a.retargeted(*v):
		v.Answer = RaiseRank
	}
	return chosen, nil
}

func (a *account) triedRank(rank int) bool {
	for i, m := range a.f.arms {
		if i != a.f.full && m.method.Rank == rank && m.usable {
			return true
		}
	}
	return false
}

// options lists every arm with its bill, the chosen one first, then by total.
func (a *account) options(chosen int) []Option {
	out := make([]Option, 0, len(a.f.arms))
	for i := range a.f.arms {
		out = append(out, a.option(i, i == chosen))
	}
	sortOptions(out)
	return out
}

func (a *account) option(i int, chosen bool) Option {
	m, b := &a.f.arms[i], &a.bills[i]
	o := Option{Name: m.method.String(), Method: m.method, LearningRate: m.rate, Chosen: chosen, StepSeconds: b.step,
		Costs: []Cost{}, PeakBytes: int64(b.peak), Trainable: int64(b.trainable), TrainHours: b.trainHours, Accuracy: m.right, Serving: a.service(m, b).cheapest(m.method.Kind).name}
	if m.stop > 0 && m.stop < a.f.horizon() {
		o.StopStep = m.stop
	}
	if m.forecast {
		loss, best := m.loss, m.best
		o.Loss, o.BestLoss, o.Stop = &loss, &best, m.early
	}
	if m.usable {
		o.Costs, o.Total, o.RegretUSD = a.costs(i, b), normal(b.total, b.sd), a.regret(i)
	}
	o.Dominated = a.fallen(i)
	return o
}

// fallen says why an option is out: it does not fit, did not train, or another one is
// at least as good in loss, in cost, in time and in memory.
func (a *account) fallen(i int) string {
	m, b := &a.f.arms[i], &a.bills[i]
	switch {
	case !m.fits:
		return m.reason
	case !a.fits(i):
		return fmt.Sprintf("needs %s, and %s is allowed", bytesText(b.peak), bytesText(a.market.limit))
	case !m.usable:
		return m.reason
	}
	mine, _ := a.f.level(i)
	for j := range a.bills {
		other := &a.bills[j]
		if j == i || !a.open(j) {
			continue
		}
		theirs, _ := a.f.level(j)
		if theirs <= mine && other.besides() < b.besides() && other.trainHours <= b.trainHours && other.peak <= b.peak {
			return fmt.Sprintf("%s is expected to be no worse in loss, and is cheaper, no slower and no larger", a.f.arms[j].method)
		}
	}
	return ""
}
