package enginetest

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// Curve is a learning curve by a formula: from Base towards Floor as a power law in
// steps, slower and higher the further the learning rate is from the best.
type Curve struct {
	Base     float64 // nats before the first step
	Floor    float64 // nats after infinitely many
	Tau      float64 // steps until the power law begins
	Power    float64
	BestRate float64
	Decay    float64 // nats gained when the rate has decayed to zero
}

// At returns the held-out loss of a trial after step.
func (c Curve) At(t evidence.Trial, step int) float64 {
	off := math.Log10(t.LearningRate / c.BestRate)
	progress := float64(step) * math.Exp(-2*off*off) / c.Tau
	loss := c.Floor + (c.Base-c.Floor)*math.Pow(1+progress, -c.Power)
	return loss + 0.1*off*off*(1-math.Exp(-progress)) - c.annealed(t.Schedule, step)
}

// annealed is what the decay of the schedule has gained by step. The warm-up, whose
// rate is low as well, gains nothing.
func (c Curve) annealed(s evidence.Schedule, step int) float64 {
	if step <= s.WarmupSteps || step == 0 {
		return 0
	}
	return c.Decay * (1 - s.Factor(step+1))
}

// Trap is the case for which ftadvise exists: at step 30 LoRA leads and is cheaper,
// by step 2000 it has long reached its plateau and full is better by 0.3 nats.
func Trap() Script {
	full := Curve{Base: 5, Floor: 2.0, Tau: 60, Power: 0.7, BestRate: 1e-4, Decay: 0.05}
	lora := Curve{Base: 5, Floor: 2.6, Tau: 25, Power: 1.0, BestRate: 1e-3, Decay: 0.03}
	return Of(full, lora)
}

// Tie is the case in which both methods end alike and LoRA is cheaper.
func Tie() Script {
	full := Curve{Base: 4, Floor: 2.4, Tau: 40, Power: 0.8, BestRate: 1e-4, Decay: 0.04}
	lora := Curve{Base: 4, Floor: 2.4, Tau: 40, Power: 0.8, BestRate: 1e-3, Decay: 0.04}
	return Of(full, lora)
}

// Ranks is the case in which a low rank cannot hold what there is to learn: LoRA of rank
// 4 ends 0.4 nats above full, of rank 16 a little below it.
func Ranks() Script {
	full := Curve{Base: 5, Floor: 2.0, Tau: 60, Power: 0.7, BestRate: 1e-4, Decay: 0.04}
	lora := full
	lora.BestRate, lora.Floor = 1e-3, 1.95
	out := Of(full, lora)
	out.Loss = func(t evidence.Trial, step int) float64 {
		if t.Method.Kind != evidence.LoRA {
			return full.At(t, step)
		}
		c := lora
		c.BestRate *= 2 / math.Sqrt(float64(t.Method.Rank)) // alpha grows with the rank
		short := 0.2 * math.Max(0, 4-math.Log2(float64(t.Method.Rank)))
		return c.At(t, step) + short*(1-math.Exp(-float64(step)/100))
	}
	return out
}

// Targets is the case in which adapters on few modules cannot learn what there is: they
// end 0.4 nats above full, those on all linear layers a little below it.
func Targets() Script {
	full := Curve{Base: 5, Floor: 2.0, Tau: 60, Power: 0.7, BestRate: 1e-4, Decay: 0.04}
	lora := full
	lora.BestRate, lora.Floor = 1e-3, 1.95
	out := Of(full, lora)
	everywhere := out.Loss
	out.Loss = func(t evidence.Trial, step int) float64 {
		short := 0.0
		if t.Method.Kind == evidence.LoRA && t.Method.Targets != evidence.AllLinear {
			short = 0.45 * (1 - math.Exp(-float64(step)/100))
		}
		return everywhere(t, step) + short
	}
	return out
}

// Lost is the case of a model that knows less than nothing of any text, as when its
// weights are damaged.
func Lost() Script {
	c := Curve{Base: 9, Floor: 7, Tau: 60, Power: 0.7, BestRate: 1e-4}
	out := Of(c, c)
	out.General = func(evidence.Trial, int) float64 { return 9 }
	return out
}

// Turning is a curve that falls from Base to Best at step At and rises again, as a
// square of the logarithm of the steps: held-out loss on little data, often repeated.
type Turning struct {
	Base, Best float64
	At         int
	Rise       float64 // nats an e-fold of steps squared, beyond At
	BestRate   float64
}

// Loss returns the held-out loss of a trial after step.
func (c Turning) Loss(t evidence.Trial, step int) float64 {
	off := math.Log10(t.LearningRate / c.BestRate)
	turn := math.Log(float64(c.At + 1))
	away := math.Log(float64(step+1)) - turn
	if away < 0 {
		return c.Best + (c.Base-c.Best)*away*away/(turn*turn) + 0.1*off*off*(1+away/turn)
	}
	return c.Best + c.Rise*away*away + 0.1*off*off
}

// Overfit is the case of a small, duplicated set: full is best at step 60, at 1.89
// nats, and ends at 2.84 after 1,500 steps; LoRA of a low rank is best at step 140, at
// 2.40, and ends at 2.64.
func Overfit() Script {
	full := Turning{Base: 3.45, Best: 1.89, At: 60, Rise: 0.0926, BestRate: 1e-4}
	lora := Turning{Base: 3.45, Best: 2.40, At: 140, Rise: 0.043, BestRate: 1e-3}
	out := Of(Curve{BestRate: full.BestRate}, Curve{BestRate: lora.BestRate})
	out.Loss = func(t evidence.Trial, step int) float64 {
		if t.Method.Kind == evidence.LoRA {
			return lora.Loss(t, step)
		}
		return full.Loss(t, step)
	}
	return out
}

// Of is a script in which full follows one curve and every LoRA arm the other. A
// rate of more than 30 times the best diverges. A step takes 0.1 s for full and
// 0.07 s for LoRA, an evaluation 0.2 s.
func Of(full, lora Curve) Script {
	curve := func(t evidence.Trial) Curve {
		if t.Method.Kind == evidence.LoRA {
			return lora
		}
		return full
	}
	return Script{
		Loss:     func(t evidence.Trial, step int) float64 { return curve(t).At(t, step) },
		Diverges: func(t evidence.Trial, step int) bool { return step >= 3 && t.LearningRate > 30*curve(t).BestRate },
		StepSeconds: func(m evidence.Method, _, _ int) float64 {
			if m.Kind == evidence.LoRA {
				return 0.07
			}
			return 0.1
		},
		EvalSeconds: 0.2,
	}
}
