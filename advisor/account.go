package advisor

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// market is what a device costs and how much it holds, looked up once.
type market struct {
	price    Price
	limit    float64 // bytes of memory allowed; 0 if not known
	warnings []evidence.Warning
}

func (t PriceTable) market(s Stakes, env evidence.Environment) market {
	m := market{limit: memoryLimit(s, t, env)}
	m.price, m.warnings = t.priceFor(s, env)
	return m
}

func memoryLimit(s Stakes, prices PriceTable, env evidence.Environment) float64 {
	if s.MemoryBytes > 0 {
		return s.MemoryBytes
	}
	if p, ok := prices.Lookup(s.GPU); ok && s.GPU != "" {
		return p.MemoryGiB * gib
	}
	return deviceBytes(env)
}

// account is the evidence priced by the stakes: a bill an arm, and how the arms
// compare in money.
type account struct {
	cashier
	market market
	bills  []bill
	lora   int // the LoRA arm that stands for the method; -1 if none is usable
}

// accountOf prices the findings.
func accountOf(f findings, s Stakes, m market) *account {
	a := &account{market: m, lora: -1}
	size := scaleOf(s, f.run.Setup.Model)
	lowest := f.lowest()
	a.cashier = cashier{f: f, s: s, price: m.price, size: size, lowest: lowest, horizon: f.horizon(),
		worth: worthOf(s, lowest, f.pointsPerNat()), token: tokenSeconds(f, size)}
	a.bills = make([]bill, len(f.arms))
	for i := range f.arms {
		a.bills[i] = a.bill(i)
	}
	a.lora = a.bestLoRA()
	return a
}

// bestLoRA is the LoRA arm with the lowest expected total, unless the one that was asked
// for costs no more than a tie is worth beyond it: a difference that does not matter is no
// reason to change what the user has in mind.
func (a *account) bestLoRA() int {
	best := -1
	for i := range a.bills {
		if i != a.f.full && a.open(i) && (best < 0 || a.bills[i].total < a.bills[best].total) {
			best = i
		}
	}
	asked := a.f.asked()
	if best >= 0 && a.open(asked) && a.bills[asked].total-a.bills[best].total <= a.s.TieNats*a.worth.usdPerNat {
		return asked
	}
	return best
}

// tokenSeconds is the device time of one served token: the forward third of full's
// training step, or half of LoRA's, which has no weight gradients to make.
func tokenSeconds(f findings, size scale) float64 {
	tokens := float64(f.run.Setup.StepTokens())
	if tokens == 0 {
		return 0
	}
	for i := range f.arms {
		if a := &f.arms[i]; a.step.Median > 0 {
			share := 0.5
			if i == f.full {
				share = 1.0 / 3
			}
			return a.step.Median * size.ratio * share / tokens
		}
	}
	return 0
}

// fits reports whether an arm's training fits into the memory that is allowed.
func (a *account) fits(i int) bool {
	return a.f.arms[i].fits && (a.market.limit == 0 || a.bills[i].peak <= a.market.limit)
}

// open reports whether an arm can be recommended at all: it trained, and it fits.
func (a *account) open(i int) bool { return i >= 0 && a.f.arms[i].usable && a.fits(i) }

// compares reports whether full can be weighed against LoRA.
func (a *account) compares() bool {
	return a.lora >= 0 && a.open(a.f.full) && a.f.contrasts[a.lora].ok
}

// gap is the best LoRA arm's loss less full's, for the target's size.
func (a *account) gap() contrast { return a.size.gap(a.f.contrasts[a.lora]) }

// difference is arm i's total less arm j's in dollars. What a nat is worth and what a
// device costs is the same for both, so that only the measured differences spread.
func (a *account) difference(i, j int) (mean, sd float64) {
	c := a.size.gap(a.f.between(i, j))
	accuracy := c.sd * a.worth.usdPerNat
	variance := accuracy * accuracy
	for n := range lineCount {
		if n != lineAccuracy {
			x, y := a.bills[i].lines[n].sd, a.bills[j].lines[n].sd
			variance += x*x + y*y
		}
	}
	return a.bills[i].total - a.bills[j].total, math.Sqrt(variance)
}

// regret is the expected regret of choosing arm i: against the alternative that it
// may lose most to.
func (a *account) regret(i int) float64 {
	worst := 0.0
	for j := range a.bills {
		if j == i || !a.open(j) || !a.open(i) {
			continue
		}
		worst = math.Max(worst, ExpectedRegret(a.difference(i, j)))
	}
	return worst
}

// fullCheaper is the probability that full's total is below the best LoRA's.
func (a *account) fullCheaper() float64 { return ProbabilityPositive(a.difference(a.lora, a.f.full)) }

// saving is what LoRA saves in everything but accuracy and the charge for risk.
func (a *account) saving() float64 {
	return a.bills[a.f.full].besides() - a.bills[a.lora].besides()
}

// breakEven is the price of a nat at which full and LoRA cost the same; false where
// no price makes them equal, because one is both better and cheaper.
func (a *account) breakEven() (float64, bool) {
	g := a.gap().mean
	v := a.saving() / g
	return v, g != 0 && v > 0 && finite(v)
}
