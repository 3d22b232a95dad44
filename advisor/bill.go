package advisor

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
)

// The names of the lines of a bill. A policy's weights multiply them.
const (
	Calibration = "calibration"
	Training    = "training"
	Retraining  = "retraining"
	Serving     = "serving"
	Storage     = "storage"
	Accuracy    = "accuracy"
	Forgetting  = "forgetting"
	Risk        = "risk"
)

// CostNames lists the lines in the order of a bill.
func CostNames() []string {
	return []string{Calibration, Training, Retraining, Serving, Storage, Accuracy, Forgetting, Risk}
}

// bill is what an arm costs over all the months.
type bill struct {
	lines      []Cost
	total, sd  float64
	trainHours float64 // one training
	gpuHours   float64 // trainings and re-trainings of all tasks
	peak       float64
	trainable  float64
	steps      int
	step       float64
	layout     string
}

func (b bill) line(name string) (mean, sd float64) {
	for _, l := range b.lines {
		if l.Name == name {
			return l.USD.Mean, l.USD.SD
		}
	}
	return 0, 0
}

// besides is the total without accuracy and the charge for risk.
func (b bill) besides() float64 {
	acc, _ := b.line(Accuracy)
	risk, _ := b.line(Risk)
	return b.total - acc - risk
}

// cashier writes bills: everything that all arms share.
type cashier struct {
	f      findings
	s      Stakes
	price  Price
	worth  worth
	size   scale
	lowest float64
	token  float64
}

func (c cashier) bill(i int) bill {
	a := c.f.arms[i]
	var b bill
	b.steps = c.f.horizon()
	if a.stop > 0 && a.stop < b.steps {
		b.steps = a.stop
	}
	b.peak, b.trainable = c.size.peak(a, c.f.run.Setup.Precision), c.size.trainable(a)
	b.lines = append(b.lines, c.calibration())
	training := c.training(a, &b)
	b.lines = append(b.lines, training, c.retraining(a, &b, training))
	b.lines = append(b.lines, c.serving(a, &b)...)
	b.lines = append(b.lines, c.accuracy(i), c.forgetting(a))
	b.close(c.s.RiskAversion)
	return b
}

func (b *bill) close(aversion float64) {
	for _, l := range b.lines {
		b.total += l.USD.Mean
		b.sd = math.Hypot(b.sd, l.USD.SD)
	}
	risk := aversion * b.sd
	b.lines = append(b.lines, Cost{Name: Risk, USD: normal(risk, 0),
		Basis: fmt.Sprintf("%g x the bill's standard deviation of %s", aversion, usd(b.sd))})
	b.total += risk
}

func (c cashier) calibration() Cost {
	return Cost{Name: Calibration, USD: normal(c.f.run.Seconds/3600*c.price.USDPerHour, 0),
		Basis: seconds(c.f.run.Seconds) + " spent already, the same for every option"}
}

func (c cashier) training(a arm, b *bill) Cost {
	mean, sd := c.size.stepSeconds(a.step)
	b.step = mean
	b.trainHours = mean * float64(b.steps) / 3600
	runs := (1 + c.s.RetryShare + c.s.SweepRuns) * c.s.Tasks
	b.gpuHours = b.trainHours * runs
	cost := b.gpuHours * c.price.USDPerHour
	relative := 0.0
	if mean > 0 {
		relative = math.Hypot(sd/mean, c.s.RetryShare/(1+c.s.RetryShare+c.s.SweepRuns))
	}
	return Cost{Name: Training, USD: normal(cost, cost*relative), Basis: fmt.Sprintf(
		"%d steps x %s = %s, x %.3g runs at %s/h", b.steps, seconds(mean), seconds(b.trainHours*3600), runs, usd(c.price.USDPerHour))}
}

// retraining: an adapter fits one base model only, so each new base means a new
// training. A fully tuned model stands on its own weights and goes on serving.
func (c cashier) retraining(a arm, b *bill, training Cost) Cost {
	if a.method.Kind == evidence.Full {
		return Cost{Name: Retraining, Basis: "its own weights go on serving when the base model is replaced"}
	}
	changes := c.s.BaseChangesPerYear * c.s.Months / 12
	each := training.USD.Mean + c.s.USDPerRetrain
	b.gpuHours *= 1 + changes
	// Changes come as a Poisson process: its variance is its mean.
	return Cost{Name: Retraining, USD: normal(changes*each, math.Sqrt(changes)*each), Basis: fmt.Sprintf(
		"an adapter is tied to its base: %.3g new bases x (%s training + %s work)", changes, usd(training.USD.Mean), usd(c.s.USDPerRetrain))}
}

func (c cashier) serving(a arm, b *bill) []Cost {
	v := service{stakes: c.s, price: c.price, weights: c.size.params * servedBytes, token: c.token}
	if a.method.Kind == evidence.LoRA {
		v.adapter = b.trainable * servedBytes
	}
	l := v.cheapest(a.method.Kind)
	b.layout = l.name
	disk, bytes := v.storage(a.method.Kind)
	return []Cost{
		{Name: Serving, USD: normal(l.usd, 0), Basis: l.basis + c.volume()},
		{Name: Storage, USD: normal(disk, 0), Basis: fmt.Sprintf("%s for %g months", bytesText(bytes), c.s.Months)},
	}
}

func (c cashier) volume() string {
	if c.s.RequestsPerMonth == 0 {
		return "; requests not priced, since their number was not said"
	}
	return fmt.Sprintf("; %g requests a month and task", c.s.RequestsPerMonth)
}

func (c cashier) accuracy(i int) Cost {
	level, sd := c.f.level(i)
	if !finite(level) {
		return Cost{Name: Accuracy, Basis: "not measured"}
	}
	above := level - c.lowest
	if w := c.size.gap(contrast{mean: above, sd: sd}); c.size.stretched() {
		sd = w.sd
	}
	return Cost{Name: Accuracy, USD: normal(above*c.worth.usdPerNat, sd*c.worth.usdPerNat), Basis: fmt.Sprintf(
		"%s above the best x %s a nat", nats(above), usd(c.worth.usdPerNat))}
}

func (c cashier) forgetting(a arm) Cost {
	switch {
	case !finite(a.general):
		return Cost{Name: Forgetting, Basis: "not measured"}
	case c.s.USDPerBaseNat == 0:
		return Cost{Name: Forgetting, Basis: fmt.Sprintf("%s lost on general text, not priced (usd_per_base_nat)", nats(a.general))}
	}
	v := a.general * c.s.USDPerBaseNat
	return Cost{Name: Forgetting, USD: normal(v, math.Abs(v)/2),
		Basis: fmt.Sprintf("%s lost on general text x %s a nat", nats(a.general), usd(c.s.USDPerBaseNat))}
}
