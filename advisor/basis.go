package advisor

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
)

// costs says a bill in words: each line with how it was reckoned.
func (c *cashier) costs(i int, b *bill) []Cost {
	a := &c.f.arms[i]
	v := c.service(a, b)
	_, disk := v.storage(a.method.Kind)
	words := [lineCount]string{
		lineCalibration: seconds(c.f.spentInAll()) + " spent already" + c.rounds() + ", the same for every option",
		lineTraining: fmt.Sprintf("%d steps x %s = %s, x %.3g runs at %s/h",
			b.steps, seconds(b.step), seconds(b.trainHours*3600), c.runs(), usd(c.price.USDPerHour)),
		lineRetraining: c.retrainingBasis(a, b),
		lineServing:    v.words(v.cheapest(a.method.Kind)) + c.volume(),
		lineStorage:    fmt.Sprintf("%s for %g months", bytesText(disk), c.s.Months),
		lineAccuracy:   c.accuracyBasis(i),
		lineForgetting: c.forgettingBasis(a),
		lineRisk:       fmt.Sprintf("%g x the bill's standard deviation of %s", c.s.RiskAversion, usd(b.sd)),
	}
	out := make([]Cost, lineCount)
	for n, name := range CostNames() {
		out[n] = Cost{Name: name, USD: normal(b.lines[n].mean, b.lines[n].sd), Basis: words[n]}
	}
	return out
}

// rounds names the calibrations before this one, where there were any.
func (c *cashier) rounds() string {
	if c.f.spentInAll() > c.f.spent() {
		return ", the shorter rounds before it counted"
	}
	return ""
}

func (c *cashier) retrainingBasis(a *arm, b *bill) string {
	if a.method.Kind == evidence.Full {
		return "its own weights go on serving when the base model is replaced"
	}
	return fmt.Sprintf("an adapter is tied to its base: %.3g new bases x (%s training + %s work)",
		c.changes(), usd(b.lines[lineTraining].mean), usd(c.s.USDPerRetrain))
}

func (c *cashier) volume() string {
	if c.s.RequestsPerMonth == 0 {
		return "; requests not priced, since their number was not said"
	}
	return fmt.Sprintf("; %s requests a month and task", exact(c.s.RequestsPerMonth))
}

func (c *cashier) accuracyBasis(i int) string {
	level, _ := c.f.level(i)
	if !finite(level) {
		return "not measured"
	}
	return fmt.Sprintf("%s above the best x %s a nat", nats(level-c.lowest), usd(c.worth.usdPerNat))
}

func (c *cashier) forgettingBasis(a *arm) string {
	switch {
	case !finite(a.general):
		return "not measured"
	case c.s.USDPerBaseNat == 0:
		return fmt.Sprintf("%s lost on general text, not priced (usd_per_base_nat)", nats(a.general))
	}
	return fmt.Sprintf("%s lost on general text x %s a nat", nats(a.general), usd(c.s.USDPerBaseNat))
}

// words describes a layout.
func (v service) words(l layout) string {
	switch l.kind {
	case layoutSwapped:
		return fmt.Sprintf("%s: one held, %s a swap", l.name, seconds(v.swapSeconds()))
	case layoutAdapters:
		return fmt.Sprintf("%s: %s and %s x %s held, %.0f%% slower", l.name, bytesText(v.weights), exact(v.stakes.Tasks), bytesText(v.adapter), 100*v.stakes.AdapterSlow)
	default:
		return fmt.Sprintf("%s: %s x %s held", l.name, exact(v.stakes.Tasks), bytesText(v.weights))
	}
}

// parts says of what the value of a nat is made up.
func (w worth) words(s Stakes) []string {
	var out []string
	if s.USDPerNat > 0 {
		out = append(out, usd(s.USDPerNat)+" as stated")
	}
	if w.fromPoints > 0 {
		out = append(out, fmt.Sprintf("%s from %s a point x %.3g points a nat (%s)", usd(w.fromPoints), usd(s.USDPerPoint), w.points, w.pointsBasis()))
	}
	if w.fromErrors > 0 {
		out = append(out, fmt.Sprintf("%s from %s errors a month at %s for %g months, growing %.3g-fold a nat",
			usd(w.fromErrors), exact(s.ErrorsPerMonth), usd(s.USDPerError), s.Months, w.growth))
	}
	if w.fromRisk > 0 {
		out = append(out, fmt.Sprintf("%s from %s at risk over %g nats", usd(w.fromRisk), usd(s.AtRiskUSD), s.AtRiskNats))
	}
	if w.assumed {
		out = append(out, "assumed, since nothing was said of what accuracy is worth")
	}
	return out
}

func (w worth) pointsBasis() string {
	if w.measured {
		return "measured"
	}
	return "100 x exp(-loss)"
}

// otherCard prices the card on which full would fit, where it does not fit here: what
// its training would cost there, and how large a gap would pay for it.
func (a *account) otherCard(prices PriceTable) []evidence.Warning {
	if a.lora < 0 || a.f.full < 0 || a.fits(a.f.full) {
		return nil
	}
	need := math.Max(a.bills[a.f.full].peak, a.size.fullPeakFrom(a.f.arms[a.lora], a.f.run.Setup.Precision))
	cost := "what LoRA loses against full was not measured, since full does not fit"
	if g := a.f.contrasts[a.lora]; g.ok {
		g = a.size.gap(g)
		cost = fmt.Sprintf("LoRA is expected to end %s above full (%s), which does not fit", nats(g.mean), usd(g.mean*a.worth.usdPerNat))
	}
	card, ok := prices.smallest(need / gib)
	if !ok {
		return []evidence.Warning{{Code: "full-does-not-fit", Text: cost + fmt.Sprintf("; full needs about %s, more than any one card of the price table", bytesText(need))}}
	}
	// Full does 3 units of work where LoRA does 2: it also makes the weights' gradients.
	extra := 1.5*a.bills[a.lora].trainHours*a.runs()*card.USDPerHour - a.bills[a.lora].lines[lineTraining].mean
	return []evidence.Warning{{Code: "full-does-not-fit", Text: cost + fmt.Sprintf(
		"; full needs about %s: on a %s its training would cost about %s more, which pays if LoRA ends more than %s above full",
		bytesText(need), card.Name, usd(extra), nats(math.Max(0, extra)/a.worth.usdPerNat))}}
}
