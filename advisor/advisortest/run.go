// Package advisortest builds evidence for tests of whatever reads a recommendation:
// a Case is said in the words of a design review (which sizes, hours, losses) and
// becomes an evidence.Run.
package advisortest

import (
	"math"
	"time"

	"ftadvise/calibrate/evidence"
)

// GiB is a gibibyte.
const GiB = 1 << 30

// Now is the clock of tests.
func Now() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// Case is one situation. Zero fields take what New sets.
type Case struct {
	Params       int64
	GPU          string
	GPUGiB       float64
	Horizon      int
	Seen         int
	FullHours    float64 // to the horizon
	LoRAHours    float64
	FullGiB      float64
	LoRAGiB      float64
	FullLoss     float64 // expected at the horizon
	Gap, GapSD   float64 // LoRA's less full's
	BaseLoss     float64
	GeneralLoss  float64
	Narrowness   float64
	DemandBits   float64
	CapacityBits float64
	Ranks        []int // of the LoRA arms; the first was asked for
	RankStep     float64
	FullStatus   evidence.Status
	LoRAStatus   evidence.Status
	NoForecast   bool // leave Forecasts and Gaps out
	Forgetting   float64
	BestStep     int     // of full's best checkpoint; 0: its last
	BestGain     float64 // nats by which full is lower there than at the horizon
}

// New is a two-billion-parameter model on an A100: six hours of full against an hour
// and a half of LoRA, five thousand steps, a probe that saw a tenth of them.
func New() Case {
	return Case{Params: 2_000_000_000, GPU: "NVIDIA A100-SXM4-80GB", GPUGiB: 80, Horizon: 5000, Seen: 500,
		FullHours: 6, LoRAHours: 1.5, FullGiB: 36, LoRAGiB: 14, FullLoss: 1.2, GapSD: 0.03, BaseLoss: 2, GeneralLoss: 2.4,
		Narrowness: 0.3, Ranks: []int{8}}
}

// Run builds the evidence.
func (c Case) Run() *evidence.Run {
	run := &evidence.Run{
		Schema: evidence.SchemaVersion, ID: "01case", CreatedAt: Now(), State: evidence.Done, Version: "test", Seconds: 300,
		Setup: evidence.Setup{
			Model:  evidence.Model{Name: "acme/base", Architecture: "llama", Params: c.Params, Layers: 24, Hidden: 2048, Vocab: 32000},
			Device: "cuda:0", Precision: "bf16", SeqLength: 1024, MicroBatch: 4, Accumulation: 4, HorizonSteps: c.Horizon,
			BudgetSeconds: 300, LoRA: c.lora(c.Ranks[0])},
		Environment: evidence.Environment{OS: "linux", Cores: 16, MemoryBytes: 128 * GiB, GPU: c.GPU, GPUMemoryBytes: int64(c.GPUGiB * GiB)},
		Data:        evidence.Data{Name: "data.jsonl", Tokens: 20_000_000, EvalTokens: 50_000},
		Domain:      evidence.Domain{BaseLoss: &c.BaseLoss, BaseGeneralLoss: &c.GeneralLoss, Narrowness: &c.Narrowness},
	}
	if c.DemandBits > 0 {
		run.Domain.DemandBits, run.Domain.CapacityBits = &c.DemandBits, &c.CapacityBits
	}
	c.addFull(run)
	for i, r := range c.Ranks {
		c.addLoRA(run, i, r)
	}
	return run
}

func (c Case) lora(rank int) evidence.Method {
	return evidence.Method{Kind: evidence.LoRA, Rank: rank, Alpha: 2 * float64(rank), Targets: evidence.AllLinear}
}

func (c Case) addFull(run *evidence.Run) {
	full := evidence.Method{Kind: evidence.Full}
	if c.FullStatus != "" {
		run.Trials = append(run.Trials, failed("full", full, c.FullStatus))
		return
	}
	run.Trials = append(run.Trials, c.trial("full", full, c.FullHours, c.FullGiB, c.FullLoss, c.Params))
	if !c.NoForecast {
		f := c.forecast("full", full, c.FullLoss)
		if c.BestStep > 0 {
			f.BestStep, f.BestLoss = c.BestStep, Normal(c.FullLoss-c.BestGain, c.GapSD)
		}
		run.Forecasts = append(run.Forecasts, f)
	}
}

func (c Case) addLoRA(run *evidence.Run, i, rank int) {
	m := c.lora(rank)
	id := "lora-r" + string(rune('a'+i))
	if c.LoRAStatus != "" {
		run.Trials = append(run.Trials, failed(id, m, c.LoRAStatus))
		return
	}
	gap := c.Gap - float64(i)*c.RankStep
	trainable := int64(24 * 2048 * 20 * rank)
	run.Trials = append(run.Trials, c.trial(id, m, c.LoRAHours*(1+0.02*float64(i)), c.LoRAGiB+float64(i), c.FullLoss+gap, trainable))
	if c.NoForecast {
		return
	}
	run.Forecasts = append(run.Forecasts, c.forecast(id, m, c.FullLoss+gap))
	if c.FullStatus == "" {
		run.Gaps = append(run.Gaps, evidence.Gap{Full: "full", LoRA: id, LoRAMethod: m,
			AtHorizon: Normal(gap, c.GapSD), AtBest: Normal(gap+c.BestGain, c.GapSD), Regime: c.regime(gap)})
	}
}

func failed(id string, m evidence.Method, s evidence.Status) evidence.TrialResult {
	return evidence.TrialResult{Trial: evidence.Trial{ID: id, Stage: evidence.StageFit, Method: m},
		Outcome: evidence.Outcome{Status: s, Reason: "allocation of 2 GiB failed at micro-batch 1"}}
}

// trial gives a curve that falls from the base loss towards what is expected.
func (c Case) trial(id string, m evidence.Method, hours, gib, loss float64, trainable int64) evidence.TrialResult {
	step := hours * 3600 / float64(c.Horizon)
	o := evidence.Outcome{Status: evidence.Completed, Steps: c.Seen, TrainableParams: trainable, TotalParams: c.Params,
		StepSeconds:        evidence.Summary{N: c.Seen, Median: step, P10: step * 0.98, P90: step * 1.03},
		PeakAllocatedBytes: int64(gib * GiB), PeakReservedBytes: int64(gib * 1.1 * GiB), MicroBatch: 4, Accumulation: 4}
	for _, share := range []float64{0, 0.25, 0.5, 0.75, 1} {
		s := int(share * float64(c.Seen))
		fallen := math.Log1p(float64(s)) / math.Log1p(float64(c.Horizon))
		o.EvalLoss = append(o.EvalLoss, evidence.Point{Step: s, Loss: c.BaseLoss + (loss-c.BaseLoss)*fallen})
	}
	o.GeneralLoss = []evidence.Point{{Step: 0, Loss: c.GeneralLoss}, {Step: c.Seen, Loss: c.GeneralLoss + c.Forgetting}}
	return evidence.TrialResult{Trial: evidence.Trial{ID: id, Stage: evidence.StageProbe, Method: m, LearningRate: 1e-4, Steps: c.Seen}, Outcome: o}
}

func (c Case) forecast(id string, m evidence.Method, loss float64) evidence.Forecast {
	return evidence.Forecast{Trial: id, Method: m, LearningRate: 1e-4, HorizonSteps: c.Horizon, SeenSteps: c.Seen,
		Loss: Normal(loss, c.GapSD), BestLoss: Normal(loss, c.GapSD), BestStep: c.Horizon}
}

// p90Sigmas is the standard normal's quantile of 0.9.
const p90Sigmas = 1.2815515655446004

// Normal is the distribution N(mean, sd).
func Normal(mean, sd float64) evidence.Distribution {
	return evidence.Distribution{Mean: mean, SD: sd, P10: mean - p90Sigmas*sd, P50: mean, P90: mean + p90Sigmas*sd}
}

// regime is as the forecast has it of a lead that stays.
func (c Case) regime(gap float64) evidence.Regime {
	if math.Abs(gap) >= p90Sigmas*c.GapSD {
		return evidence.Decided
	}
	return evidence.NeedsMore
}
