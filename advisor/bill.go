package advisor

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// The names of the lines of a bill. A policy's weights multiply them.
const (
	Calibration = "calibration" // spent already, the same for every option
	Training    = "training"    // to the horizon, with retries and sweeps, all tasks
	Retraining  = "retraining"  // each time the base model is replaced
	Serving     = "serving"     // memory held and requests computed
	Storage     = "storage"     // of the trained weights
	Accuracy    = "accuracy"    // loss above the best option's
	Forgetting  = "forgetting"  // loss on general text
	Risk        = "risk"        // what an averse user adds for the spread
)

// CostNames lists the lines in the order of a bill.
func CostNames() []string {
	return []string{Calibration, Training, Retraining, Serving, Storage, Accuracy, Forgetting, Risk}
}

// costLine is the place of a line in a bill.
type costLine int

const (
	lineCalibration costLine = iota
	lineTraining
	lineRetraining
	lineServing
	lineStorage
	lineAccuracy
	lineForgetting
	lineRisk
	lineCount
)

// money is an amount with its standard deviation, in dollars.
type money struct{ mean, sd float64 }

// bill is what an arm costs over all the months. It holds numbers only: it is made
// thousands of times while inputs are varied, and its words once (basis.go).
type bill struct {
	lines      [lineCount]money
	total, sd  float64
	trainHours float64 // one training
	gpuHours   float64 // trainings and re-trainings of all tasks
	peak       float64
	trainable  float64
	steps      int
	step       float64 // seconds
}

// besides is the total without accuracy and the charge for risk.
func (b *bill) besides() float64 {
	return b.total - b.lines[lineAccuracy].mean - b.lines[lineRisk].mean
}

// cashier writes bills: everything that all arms share.
type cashier struct {
	f       findings
	s       Stakes
	price   Price
	worth   worth
	size    scale
	horizon int
	lowest  float64 // loss of the best arm
	token   float64 // device seconds of one served token
}

func (c *cashier) bill(i int) bill {
	a := &c.f.arms[i]
	b := bill{steps: c.horizon, peak: c.size.peak(*a, c.f.run.Setup.Precision), trainable: c.size.trainable(*a)}
	if a.stop > 0 && a.stop < b.steps {
		b.steps = a.stop
	}
	b.lines[lineCalibration].mean = c.f.spentInAll() / 3600 * c.price.USDPerHour
	c.train(a, &b)
	v := c.service(a, &b)
	b.lines[lineServing].mean = v.cheapest(a.method.Kind).usd
	b.lines[lineStorage].mean, _ = v.storage(a.method.Kind)
	b.lines[lineAccuracy] = c.accuracy(i)
	b.lines[lineForgetting] = c.forgetting(a)
	b.close(c.s.RiskAversion)
	return b
}

func (b *bill) close(aversion float64) {
	variance := 0.0
	for _, l := range b.lines {
		b.total += l.mean
		variance += l.sd * l.sd
	}
	b.sd = math.Sqrt(variance)
	b.lines[lineRisk].mean = aversion * b.sd
	b.total += b.lines[lineRisk].mean
}

// train prices training and re-training. An adapter fits one base model only, so each
// new base means a new training; a fully tuned model stands on its own weights and
// goes on serving. Changes come as a Poisson process: its variance is its mean.
func (c *cashier) train(a *arm, b *bill) {
	mean, sd := c.size.stepSeconds(a.step)
	b.step = mean
	b.trainHours = mean * float64(b.steps) / 3600
	b.gpuHours = b.trainHours * c.runs()
	cost := b.gpuHours * c.price.USDPerHour
	if mean > 0 {
		retry := c.s.RetryShare / (1 + c.s.RetryShare + c.s.SweepRuns)
		b.lines[lineTraining] = money{cost, cost * math.Sqrt(sd*sd/(mean*mean)+retry*retry)}
	}
	if a.method.Kind == evidence.LoRA {
		changes, each := c.changes(), cost+c.s.USDPerRetrain
		b.gpuHours *= 1 + changes
		b.lines[lineRetraining] = money{changes * each, math.Sqrt(changes) * each}
	}
}

// runs is how many full-length trainings are expected in all.
func (c *cashier) runs() float64 { return (1 + c.s.RetryShare + c.s.SweepRuns) * c.s.Tasks }

// changes is how often the base model is expected to be replaced.
func (c *cashier) changes() float64 { return c.s.BaseChangesPerYear * c.s.Months / 12 }

func (c *cashier) service(a *arm, b *bill) service {
	v := service{stakes: &c.s, price: c.price, weights: c.size.params * servedBytes, token: c.token}
	if a.method.Kind == evidence.LoRA {
		v.adapter = b.trainable * servedBytes
	}
	return v
}

func (c *cashier) accuracy(i int) money {
	level, sd := c.f.level(i)
	if !finite(level) {
		return money{}
	}
	above := c.size.gap(contrast{mean: level - c.lowest, sd: sd})
	return money{above.mean * c.worth.usdPerNat, above.sd * c.worth.usdPerNat}
}

func (c *cashier) forgetting(a *arm) money {
	if !finite(a.general) || c.s.USDPerBaseNat == 0 {
		return money{}
	}
	v := a.general * c.s.USDPerBaseNat
	return money{v, math.Abs(v) / 2}
}
