package advisor

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// Features are the flat, dimensioned facts from which a policy decides; each has a
// unit in its name or in Vocabulary. Truth values are 0 and 1. A fact that was not
// measured is absent: Features never hold NaN or infinity, and a rule that needs an
// absent fact does not match.
type Features map[string]float64

// FeaturesOf derives the facts of a run under the stakes and the list prices.
func FeaturesOf(run *evidence.Run, stakes Stakes) (Features, error) {
	prices, err := ListPrices()
	if err != nil {
		return nil, err
	}
	return FeaturesAt(run, stakes, prices)
}

// FeaturesAt is FeaturesOf with a price table of one's own, or with one that was read
// before, for whoever asks many times.
func FeaturesAt(run *evidence.Run, stakes Stakes, prices PriceTable) (Features, error) {
	if err := stakes.Validate(); err != nil {
		return nil, err
	}
	return accountOf(study(run), stakes, prices.market(stakes, run.Environment)).features(), nil
}

func (f Features) set(name string, v float64) {
	if finite(v) {
		f[name] = v
	}
}

// limit sets a fact whose zero means that there is none.
func (f Features) limit(name string, v float64) {
	if v > 0 {
		f.set(name, v)
	}
}

func (f Features) flag(name string, v bool) {
	f[name] = 0
	if v {
		f[name] = 1
	}
}

func (f Features) optional(name string, v *float64) {
	if v != nil {
		f.set(name, *v)
	}
}

func (a *account) features() Features {
	f := make(Features, 128)
	a.modelFeatures(f)
	a.evidenceFeatures(f)
	a.stakeFeatures(f)
	if a.f.full >= 0 {
		a.armFeatures(f, "full_", a.f.full)
	}
	if i := a.spokesman(); i >= 0 {
		a.armFeatures(f, "lora_", i)
		f.set("lora_rank", float64(a.f.arms[i].method.Rank))
		if a.f.full >= 0 {
			a.ratioFeatures(f, a.f.full, i)
		}
	}
	if a.compares() {
		a.gapFeatures(f)
		a.moneyFeatures(f)
		a.moreFeatures(f)
	}
	return f
}

// spokesman is the LoRA arm that the lora_ facts are about: the cheapest usable one,
// else the first tried.
func (a *account) spokesman() int {
	if a.lora >= 0 {
		return a.lora
	}
	for i := range a.f.arms {
		if i != a.f.full {
			return i
		}
	}
	return -1
}

func (a *account) modelFeatures(f Features) {
	run, d := a.f.run, a.f.run.Domain
	f.limit("model_params", float64(run.Setup.Model.Params))
	f.limit("target_params", a.size.params)
	f.optional("narrowness", d.Narrowness)
	f.optional("base_loss_nats", baseLoss(a.f))
	f.optional("general_loss_nats", d.BaseGeneralLoss)
	f.optional("uniform_loss_nats", uniformLoss(run))
	f.optional("demand_bits", d.DemandBits)
	f.optional("capacity_bits", d.CapacityBits)
	f.optional("embedding_grad_share", d.EmbeddingGradShare)
	f.optional("token_divergence_bits", d.TokenDivergence)
	f.optional("gradient_rank", d.GradientRank)
	f.optional("gradient_top_share", evidence.TopAt(d.GradientTop, run.Setup.LoRA.Rank))
	f.optional("update_rank", d.UpdateRank)
	f.optional("update_top_share", evidence.TopAt(d.UpdateTop, run.Setup.LoRA.Rank))
	f.optional("beyond_general_share", d.BeyondGeneral)
	f.limit("train_tokens", float64(run.Data.Tokens))
	f.set("duplicate_share", run.Data.DuplicateShare)
	f.limit("requested_rank", float64(run.Setup.LoRA.Rank))
	if r, ok := capacityRatio(run); ok {
		f.set("capacity_ratio", r)
		if rank, ok := rankNeeded(run, r); ok {
			f.set("rank_needed", rank)
		}
	}
}

// capacityRatio is demand over the requested adapter's capacity.
func capacityRatio(run *evidence.Run) (float64, bool) {
	d, c := run.Domain.DemandBits, run.Domain.CapacityBits
	if d == nil || c == nil || *c <= 0 || !finite(*d, *c) {
		return 0, false
	}
	return *d / *c, true
}

// rankNeeded is the smallest power of two, from the requested rank on, at which the
// adapter's capacity meets the demand, or the highest rank that there is where that is
// the smaller; false where none holds it, which speaks for full.
func rankNeeded(run *evidence.Run, ratio float64) (float64, bool) {
	d, rank := run.Domain, math.Max(1, float64(run.Setup.LoRA.Rank))
	need := rank * math.Max(1, ratio)
	if d.RankMost > 0 {
		need = math.Max(rank, float64(d.RankNeeded))
	}
	power := math.Max(rank, math.Pow(2, math.Ceil(math.Log2(need)-1e-9)))
	if d.RankMost == 0 {
		return power, true
	}
	return math.Max(rank, math.Min(power, float64(d.RankMost))), d.RankNeeded > 0
}

func (a *account) evidenceFeatures(f Features) {
	f.limit("horizon_steps", float64(a.f.horizon()))
	f.flag("full_tried", a.f.hasFull())
	f.flag("lora_tried", a.lora >= 0 || a.anyLoRA())
	f.flag("full_fits", a.f.full < 0 || a.fits(a.f.full))
	f.flag("lora_fits", a.lora >= 0 || !a.noLoRAFits())
}

func (a *account) anyLoRA() bool {
	for i, m := range a.f.arms {
		if i != a.f.full && m.usable {
			return true
		}
	}
	return false
}

// noLoRAFits reports that LoRA was tried and that no arm of it fits.
func (a *account) noLoRAFits() bool {
	tried := false
	for i := range a.f.arms {
		if i == a.f.full {
			continue
		}
		if tried = true; a.fits(i) {
			return false
		}
	}
	return tried
}

func (a *account) armFeatures(f Features, prefix string, i int) {
	arm, b := &a.f.arms[i], &a.bills[i]
	f.limit(prefix+"step_seconds", b.step)
	f.limit(prefix+"peak_bytes", b.peak)
	f.limit(prefix+"trainable_params", b.trainable)
	if arm.step.Median > 0 {
		f.set(prefix+"train_hours", b.trainHours)
	}
	f.set(prefix+"forgetting_nats", arm.general)
	if level, _ := a.f.level(i); finite(level) {
		f.set(prefix+"loss_nats", level)
	}
	if !a.open(i) {
		return
	}
	for n, name := range CostNames() {
		f.set(prefix+name+"_usd", b.lines[n].mean)
	}
	f.set(prefix+"total_usd", b.total)
}

func (a *account) ratioFeatures(f Features, full, lora int) {
	x, y := &a.bills[full], &a.bills[lora]
	for name, pair := range map[string][2]float64{
		"step_time_ratio": {x.step, y.step}, "peak_ratio": {x.peak, y.peak}, "trainable_ratio": {x.trainable, y.trainable}} {
		if pair[0] > 0 && pair[1] > 0 {
			f.set(name, pair[0]/pair[1])
		}
	}
}

func (a *account) gapFeatures(f Features) {
	g := a.gap()
	d := normal(g.mean, g.sd)
	f.set("gap_nats", g.mean)
	f.set("gap_sd_nats", g.sd)
	f.set("gap_p10_nats", d.P10)
	f.set("gap_p90_nats", d.P90)
	f.set("p_full_better", ProbabilityPositive(g.mean, g.sd))
	if last, _, ok := a.lastGap(); ok {
		f.set("last_gap_nats", last)
	}
	f.set("p_tie", ProbabilityWithin(a.s.TieNats, g.mean, g.sd))
	f.set("seen_steps", float64(a.seen()))
	f.set("seen_share", float64(a.seen())/math.Max(1, float64(a.f.horizon())))
	f.flag("measured", g.regime == evidence.Measured)
	f.flag("decided", g.regime == evidence.Measured || g.regime == evidence.Decided)
	f.flag("too_early", g.early)
	f.flag("budget_too_small", g.regime == evidence.BudgetTooSmall)
}

func (a *account) moneyFeatures(f Features) {
	full, lora, g := &a.bills[a.f.full], &a.bills[a.lora], a.gap()
	for n, name := range CostNames() {
		f.set(name+"_diff_sd_usd", math.Hypot(full.lines[n].sd, lora.lines[n].sd))
	}
	f.set("accuracy_diff_sd_usd", g.sd*a.worth.usdPerNat)
	f.set("saving_usd", a.saving())
	f.set("saving_usd_per_month", a.saving()/a.s.Months)
	f.set("gap_usd", g.mean*a.worth.usdPerNat)
	f.set("p_full_cheaper", a.fullCheaper())
	f.flag("lead_fades", g.trend.Fades(a.saving()/a.worth.usdPerNat))
	f.set("full_regret_usd", a.regret(a.f.full))
	f.set("lora_regret_usd", a.regret(a.lora))
	if v, ok := a.breakEven(); ok {
		f.set("break_even_usd_per_nat", v)
	}
}

func (a *account) moreFeatures(f Features) {
	m, ok := a.moreEvidence()
	f.flag("more_pays", ok && m.pays())
	if ok {
		f.set("more_steps", float64(m.steps))
		f.set("more_cost_usd", m.cost)
		f.set("more_worth_usd", m.worth)
	}
}

func (a *account) stakeFeatures(f Features) {
	s := a.s
	f.set("usd_per_gpu_hour", a.price.USDPerHour)
	f.set("usd_per_nat", a.worth.usdPerNat)
	f.set("months", s.Months)
	f.limit("requests_per_month", s.RequestsPerMonth)
	f.set("tasks", s.Tasks)
	f.set("base_changes_per_year", s.BaseChangesPerYear)
	f.set("at_risk_usd", s.AtRiskUSD)
	f.set("tie_nats", s.TieNats)
	f.set("risk_aversion", s.RiskAversion)
	f.limit("deadline_hours", s.DeadlineHours)
	f.limit("memory_bytes", a.market.limit)
	f.limit("budget_usd", s.BudgetUSD)
	f.flag("quality_is_hard", s.QualityIsHard)
	f.flag("speed_is_hard", s.SpeedIsHard)
	f.flag("adapter_serving_only", s.AdapterServingOnly)
}
