package decision

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// Probe is the calibration that is replayed.
type Probe struct {
	Ranks []int   // LoRA's arms
	Share float64 // of one full run's cost
	// EachArm grants the share to every arm, instead of to all together.
	EachArm bool
	Rates   int // learning rates an arm in the search
	Horizon int
	// LoRAStep is what a LoRA step costs, in steps of full fine-tuning.
	LoRAStep float64
	// Margins are what full has to gain over LoRA to be chosen, in nats: what it costs
	// more, in a user's money. Each data set is asked about with each.
	Margins []float64
}

// forward is the cost of an evaluated row against a trained one: a forward pass of three.
const forward = 1.0 / 3

// budget is the calibration's time in steps of full fine-tuning, a second each.
func (p Probe) budget() time.Duration {
	steps := p.Share * float64(p.Horizon)
	if p.EachArm {
		steps *= float64(1 + len(p.Ranks))
	}
	return time.Duration(steps * float64(time.Second))
}

// Calibrate runs the calibration on the case's curves, with what a library knows, and
// returns the run as it would be stored.
func (c Case) Calibrate(p Probe, library *forecast.Library) (run *evidence.Run, err error) {
	dir, err := os.MkdirTemp("", "ftadvise-decision-")
	if err != nil {
		return nil, fmt.Errorf("replay %s: %w", c.Data, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	clock := enginetest.NewClock()
	engine := enginetest.New(c.script(p, clock))
	kept := &keeper{dir: dir, run: &evidence.Run{ID: c.Data, State: evidence.Running}}
	run, err = calibrate.RunAt(context.Background(), c.spec(p, library), engine, kept, nil, clock.Now)
	if err != nil {
		return nil, fmt.Errorf("replay %s: %w", c.Data, err)
	}
	return run, nil
}

// spec is what the command line would ask for, with its defaults. What a calibration
// measures itself, and the demand, which knows the end, are taken out of the facts.
func (c Case) spec(p Probe, library *forecast.Library) calibrate.Spec {
	f := c.Facts
	f.Domain.BaseLoss, f.Domain.BaseGeneralLoss, f.Domain.DemandBits, f.Domain.CapacityBits = nil, nil, nil, nil
	s := calibrate.Spec{
		ModelDir: "suite", PackPath: "suite", Model: f.Model, Data: f.Data, Domain: f.Domain, Device: "cpu", Precision: "fp32",
		SeqLength: c.stepTokens(p.Horizon), MicroBatch: 1, Accumulation: 1,
		Full: true, SearchRates: p.Rates, HorizonSteps: p.Horizon, Budget: p.budget(),
		WarmupSteps: min(100, p.Horizon*3/100), Seeds: 1, Seed: 1, Library: library,
	}
	adapter := evidence.Method{Kind: evidence.LoRA}
	for _, rank := range p.Ranks {
		if a, ok := c.course(evidence.Method{Kind: evidence.LoRA, Rank: rank}); ok {
			s.LoRA = append(s.LoRA, a.method)
			adapter.Rank, adapter.Alpha = rank, float64(2*rank) // the product's default, and the suite's
		}
	}
	s.RateFull, s.RateLoRA = calibrate.PriorRates(0, 0, adapter, f.Model.Hidden)
	return s
}

// stepRows is the rows of a step, by the same token.
func (c Case) stepRows(horizon int) float64 {
	return math.Max(1, c.arms[0].curves[0].Facts.Epochs*float64(c.Facts.Data.TrainRows)/float64(horizon))
}

// stepTokens is the tokens of a step, from the epochs that the horizon makes of the data.
func (c Case) stepTokens(horizon int) int {
	epochs := c.arms[0].curves[0].Facts.Epochs
	return max(1, int(math.Round(epochs*float64(c.Facts.Data.Tokens)/float64(horizon))))
}

// script follows the curves.
func (c Case) script(p Probe, clock *enginetest.Clock) enginetest.Script {
	loss := func(t evidence.Trial, step int) float64 {
		a, _ := c.course(t.Method)
		return a.at(t.LearningRate, step)
	}
	return enginetest.Script{
		Loss:        loss,
		Diverges:    func(t evidence.Trial, step int) bool { return math.IsNaN(loss(t, step)) },
		EvalSeconds: forward * float64(c.Facts.Data.EvalRows) / c.stepRows(p.Horizon),
		StepSeconds: func(m evidence.Method, _, _ int) float64 {
			if m.Kind == evidence.LoRA {
				return p.LoRAStep
			}
			return 1
		},
		General:   c.general,
		Trainable: c.trainable,
		Pass:      clock.Pass,
	}
}

// trainable is how many parameters a method trains.
func (c Case) trainable(m evidence.Method) int64 {
	a, ok := c.course(m)
	if !ok {
		return 0
	}
	return a.curves[0].Facts.Trainable
}

// general is the base's loss on general text; what became of it no curve file says at
// every step, and no decision asks.
func (c Case) general(evidence.Trial, int) float64 {
	if g := c.Facts.Domain.BaseGeneralLoss; g != nil {
		return *g
	}
	return 0
}

// keeper keeps one run in memory.
type keeper struct {
	dir string
	run *evidence.Run
}

func (k *keeper) Load() (*evidence.Run, error) { return k.run, nil }
func (k *keeper) Save(run *evidence.Run) error { k.run = run; return nil }
func (k *keeper) AppendEvent([]byte) error     { return nil }
func (k *keeper) Path() string                 { return k.dir }
