package reports_test

import (
	"fmt"
	"math"
	"time"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
	"ftadvise/reports"
)

// The fixtures are made here, not measured: they show every part of a report.

func moment() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func options() reports.Options { return reports.Options{Now: moment(), Version: "test"} }

func full() evidence.Method { return evidence.Method{Kind: evidence.Full} }

func lora(rank int) evidence.Method {
	return evidence.Method{Kind: evidence.LoRA, Rank: rank, Alpha: 16, Targets: evidence.AllLinear}
}

// curve falls from start to floor by a power law, with a little deterministic noise.
func curve(start, floor, decay float64, steps, every int) []evidence.Point {
	var out []evidence.Point
	for s := 0; s <= steps; s += every {
		noise := 0.004 * math.Sin(float64(s)*1.7)
		out = append(out, evidence.Point{Step: s, Loss: floor + (start-floor)*math.Pow(1+float64(s)/40, -decay) + noise})
	}
	return out
}

func normal(mean, sd float64) evidence.Distribution {
	return evidence.Distribution{Mean: mean, SD: sd, P10: mean - 1.2816*sd, P50: mean, P90: mean + 1.2816*sd}
}

func probe(id string, m evidence.Method, rate float64, points []evidence.Point, stepSeconds float64, peak, trainable int64) evidence.TrialResult {
	last := points[len(points)-1].Step
	var train, norms []evidence.Point
	for _, p := range points[1:] {
		train = append(train, evidence.Point{Step: p.Step, Loss: p.Loss - 0.05})
		norms = append(norms, evidence.Point{Step: p.Step, Loss: 1 + 1/float64(p.Step)})
	}
	return evidence.TrialResult{
		Trial: evidence.Trial{ID: id, Stage: evidence.StageProbe, Method: m, LearningRate: rate, Steps: last,
			Schedule: evidence.Schedule{Shape: evidence.Constant, WarmupSteps: 20}},
		Outcome: evidence.Outcome{Status: evidence.Completed, Steps: last, TrainLoss: train, EvalLoss: points, GradNorm: norms,
			GeneralLoss: []evidence.Point{{Step: 0, Loss: 2.9}, {Step: last, Loss: 2.9 + 2*rate*100}},
			StepSeconds: evidence.Summary{N: last - 5, Median: stepSeconds, P10: stepSeconds * 0.96, P90: stepSeconds * 1.11}, TokensPerSecond: 4096 / stepSeconds,
			PeakAllocatedBytes: peak, PeakReservedBytes: peak + peak/12, TrainableParams: trainable, TotalParams: 1_235_814_400 + trainable%1_235_814_400,
			MicroBatch: 4, Accumulation: 2, Seconds: stepSeconds * float64(last) * 1.2},
	}
}

func searchTrials(m evidence.Method, prefix string, centre, start float64) []evidence.TrialResult {
	var out []evidence.TrialResult
	for i, factor := range []float64{0.3, 1, 3, 10} {
		loss := start - 0.5 + 0.09*math.Pow(math.Log10(factor)-0.15, 2)
		t := evidence.TrialResult{
			Trial:   evidence.Trial{ID: fmt.Sprintf("%s.search-%d", prefix, i), Stage: evidence.StageSearch, Method: m, LearningRate: centre * factor, Steps: 30},
			Outcome: evidence.Outcome{Status: evidence.Dropped, Steps: 30, EvalLoss: []evidence.Point{{Step: 0, Loss: start}, {Step: 30, Loss: loss}}, Seconds: 12},
		}
		if i == 1 {
			t.Outcome.Status = evidence.Completed
		}
		out = append(out, t)
	}
	return out
}

func ptr(v float64) *float64 { return &v }

// baseRun is a calibration of a 1.2 B model on an H200 with both arms at 400 of 2,000 steps.
func baseRun() *evidence.Run {
	f := probe("full.probe", full(), 2e-5, curve(2.61, 1.742, 0.8, 400, 20), 0.412, 24<<30, 1_235_814_400)
	l := probe("lora-r8.probe", lora(8), 2e-4, curve(2.61, 1.749, 0.82, 400, 20), 0.335, 9<<30, 5_636_096)
	run := &evidence.Run{
		Schema: 1, ID: "01JDC0FFEE", CreatedAt: moment().Add(-time.Hour), FinishedAt: moment().Add(-50 * time.Minute), Seconds: 571, State: evidence.Done, Version: "test",
		Setup: evidence.Setup{
			Model: evidence.Model{Name: "example/base-1b@0a1b2c3", Revision: "0a1b2c3", Architecture: "llama", Params: 1_235_814_400, Layers: 16,
				Hidden: 2048, Vocab: 128256, MaxPositions: 8192, Fingerprint: "sha256:6f1e6c1e0a66d4bd3a51"},
			Device: "cuda:0", Precision: "bf16", SeqLength: 512, MicroBatch: 4, Accumulation: 2, HorizonSteps: 2000, BudgetSeconds: 600, Seed: 7, EvalRows: 128, LoRA: lora(8),
			Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01, ClipNorm: 1},
		},
		Environment: evidence.Environment{Host: "gpu-box", OS: "linux/amd64", CPU: "some CPU", Cores: 16, MemoryBytes: 128 << 30, Engine: "ftadvise-engine test",
			Libtorch: "2.11.0", Threads: 16, GPU: "NVIDIA H200", GPUMemoryBytes: 139 << 30, GPUFreeBytes: 138 << 30, Driver: "580.1", ComputeCapacity: "9.0"},
		Data: evidence.Data{Name: "support/tickets.jsonl", Format: "jsonl", Shape: "prompt-completion", Fingerprint: "sha256:aa55aa55bb66", Records: 48210, Bytes: 61 << 20,
			Tokens: 14_100_000, TrainRows: 27_539, EvalRows: 128, EvalTokens: 61_004, LabelledShare: 0.62, TruncatedShare: 0.011, DuplicateShare: 0.024, NearDupShare: 0.05,
			LeakShare: 0.0021, Samples: []evidence.Sample{{Prompt: "Customer: my parcel is late.\nAgent: ", Completion: "I am sorry. It arrives on Tuesday."}}},
		Domain: evidence.Domain{BaseLoss: ptr(2.61), BaseGeneralLoss: ptr(2.9), UniformLoss: ptr(11.76), DemandBits: ptr(1.75e7), CapacityBits: ptr(1.127e7),
			TypeTokenRatio: ptr(0.021), TokenDivergence: ptr(0.31), TokenEntropy: ptr(8.4), Narrowness: ptr(0.44), EmbeddingGradShare: ptr(0.19)},
		Trials: append(append(searchTrials(full(), "full", 2e-5, 2.61), searchTrials(lora(8), "lora-r8", 2e-4, 2.61)...), f, l),
	}
	for i := range 16 {
		for _, part := range []string{"self_attn.q_proj", "mlp.down_proj"} {
			run.Domain.Layers = append(run.Domain.Layers, evidence.LayerSpectrum{Name: fmt.Sprintf("model.layers.%d.%s", i, part),
				EffectiveRank: 20 + 9*math.Sin(float64(i)), TopRankShare: 0.61 - 0.01*float64(i), EnergyShare: 0.02,
				UpdateStableRank: 7 + float64(i)/3, UpdateTopShare: 0.4 + 0.01*float64(i), UpdateNorm: 2})
		}
	}
	describe(&run.Domain)
	setForecasts(run, 1.806, 1.811, 0.012)
	return run
}

// describe adds what an engine measures of gradient, update and tokens.
func describe(d *evidence.Domain) {
	d.TokenLoss = &evidence.TokenLosses{Tokens: 61_004, Mean: 2.61, P10: 0.08, P50: 1.9, P90: 6.4, P99: 11.8, AboveUniform: 0.011, WorstTenth: 0.34}
	d.GeneralTokenLoss = &evidence.TokenLosses{Tokens: 16_384, Mean: 2.9, P10: 0.11, P50: 2.2, P90: 7, P99: 12.4, AboveUniform: 0.014, WorstTenth: 0.31}
	d.BeyondGeneral, d.VectorGradShare, d.GradientTokens, d.LayersOf = ptr(0.081), ptr(0.02), 8192, 112
	d.GradientRank, d.UpdateRank, d.UpdateStep = ptr(21.5), ptr(9.2), 400
	for i := range 9 {
		d.GradientTop = append(d.GradientTop, evidence.RankShare{Rank: 1 << i, Share: math.Pow(2, float64(i-8)/4)})
		d.UpdateTop = append(d.UpdateTop, evidence.RankShare{Rank: 1 << i, Share: math.Pow(2, float64(i-8)/2)})
	}
}

// setForecasts gives both arms a forecast and a gap.
func setForecasts(run *evidence.Run, fullLoss, loraLoss, sd float64) {
	make := func(id string, m evidence.Method, rate, seen, loss float64) evidence.Forecast {
		f := evidence.Forecast{Trial: id, Method: m, LearningRate: rate, HorizonSteps: run.Setup.HorizonSteps, SeenSteps: 400,
			Loss: normal(loss, sd), BestLoss: normal(loss-0.002, sd), BestStep: run.Setup.HorizonSteps, Weight: map[string]float64{"power": 0.7, "last": 0.3}}
		for s := 400; s <= run.Setup.HorizonSteps; s += 160 {
			share := float64(s-400) / float64(run.Setup.HorizonSteps-400)
			mid := seen + (loss-seen)*math.Sqrt(share)
			f.Curve = append(f.Curve, evidence.FanPoint{Step: s, P10: mid - 1.2816*sd*math.Sqrt(share), P50: mid, P90: mid + 1.2816*sd*math.Sqrt(share)})
		}
		return f
	}
	run.Forecasts = []evidence.Forecast{make("full.probe", full(), 2e-5, lastLoss(run, "full.probe"), fullLoss), make("lora-r8.probe", lora(8), 2e-4, lastLoss(run, "lora-r8.probe"), loraLoss)}
	diff := loraLoss - fullLoss
	spread := 0.4 * sd
	run.Gaps = []evidence.Gap{{Full: "full.probe", LoRA: "lora-r8.probe", LoRAMethod: lora(8), AtHorizon: normal(diff, spread), AtBest: normal(diff+0.001, spread),
		PFullBetter: 0.5 * math.Erfc(-diff/spread/math.Sqrt2), Regime: evidence.Decided}}
}

func lastLoss(run *evidence.Run, trial string) float64 {
	for _, t := range run.Trials {
		if p, ok := t.Outcome.LastEval(); ok && t.ID == trial {
			return p.Loss
		}
	}
	return 2
}

func bill(training, serving, accuracy, sd float64) ([]advisor.Cost, evidence.Distribution) {
	costs := []advisor.Cost{
		{Name: "training", USD: normal(training, training/12), Basis: "2,000 steps at the measured step time, $3.50 a GPU hour"},
		{Name: "serving", USD: normal(serving, serving/20), Basis: "12 months, one task, memory held at $0.03 a GiB and month"},
		{Name: "retraining", USD: normal(training*0.6+250, 40), Basis: "the base model changes once a year"},
		{Name: "accuracy", USD: normal(accuracy, sd), Basis: "loss above the best arm's × $10,000 a nat"},
		{Name: "forgetting", USD: normal(accuracy/9, sd/9), Basis: "rise of the general loss × $0 a nat"},
	}
	var mean float64
	for _, c := range costs {
		mean += c.USD.Mean
	}
	return costs, normal(mean, sd+training/12)
}

func option(m evidence.Method, rate float64, loss evidence.Distribution, training, serving, accuracy, sd, regret float64) advisor.Option {
	costs, total := bill(training, serving, accuracy, sd)
	return advisor.Option{Name: m.String(), Method: m, LearningRate: rate, Loss: &loss, BestLoss: &loss, Costs: costs, Total: total, RegretUSD: regret,
		StepSeconds: 0.4, PeakBytes: 9 << 30, Trainable: 5_636_096, TrainHours: 0.3}
}

func advice(run *evidence.Run) *advisor.Recommendation {
	p, even := run.Gaps[0].PFullBetter, 91_800.0
	return &advisor.Recommendation{
		Schema: 1, Run: run.ID, CreatedAt: moment(), Version: "test",
		Verdict: advisor.Verdict{Answer: advisor.UseLoRA, Method: lora(8), Policy: "balanced@3f9a1c22", Rule: "cheaper-in-expectation",
			Because: "LoRA's expected total is lower by $310 and no constraint speaks against it",
			Trace: []advisor.RuleTrace{
				{Rule: "nothing-fits", When: "full_fits == 0 && lora_fits == 0", Values: map[string]float64{"full_fits": 1, "lora_fits": 1}},
				{Rule: "cheaper-in-expectation", When: "saving_usd > 0", Matched: true, Values: map[string]float64{"saving_usd": 310}},
			}},
		Headline:    "LoRA of rank 8 is expected to cost $310 less over 12 months and to lose 0.005 nats a token, less than what matters.",
		PFullBetter: &p, Confidence: 0.94, Regime: evidence.Decided,
		Options:   []advisor.Option{option(full(), 2e-5, run.Forecasts[0].Loss, 480, 420, 8, 40, 322), option(lora(8), 2e-4, run.Forecasts[1].Loss, 290, 260, 58, 90, 12)},
		Ratios:    &advisor.Ratios{StepTime: 1.23, PeakBytes: 2.67, Trainable: 219},
		Flips:     []advisor.Flip{{Fact: "usd_per_nat", Now: 10_000, At: 91_800, Unit: "$/nat", Answer: advisor.UseFull, Text: "Full wins above $91,800 a nat; a nat is now worth $10,000."}, {Fact: "gap_nats", Now: 0.005, At: 0.046, Unit: "nats", Answer: advisor.UseFull, Text: "Full wins once LoRA falls behind by 0.046 nats; the forecast is 0.005."}},
		Tornado:   []advisor.Swing{{Fact: "worth of a nat", Unit: "$", Low: 1000, High: 120_000, LowUSD: -360, HighUSD: 150, Flips: true}, {Fact: "price of a GPU hour", Unit: "$", Low: 1.5, High: 6, LowUSD: -210, HighUSD: -520}, {Fact: "difference of the losses", Unit: "nats", Low: -0.001, High: 0.011, LowUSD: -370, HighUSD: -250}, {Fact: "months", Unit: "months", Low: 3, High: 36, LowUSD: -280, HighUSD: -390}},
		BreakEven: &even, More: &advisor.MoreEvidence{Steps: 400, Seconds: 300, CostUSD: 0.29, WorthUSD: 0.11, Command: "ftadvise calibrate --resume 01JDC0FFEE --budget 10m"},
		Stakes: stakes(),
		Assumptions: []advisor.Assumption{{Name: "worth of a nat", Value: "$10,000", Origin: "default"}, {Name: "months", Value: "12", Origin: "default"},
			{Name: "price of a GPU hour", Value: "$3.50", Origin: "config.yaml:12"}, {Name: "peak memory", Value: "9 GiB", Origin: "measured"}},
		Features: map[string]float64{"usd_per_nat": 10_000, "narrowness": 0.44, "target_params": 1_235_814_400, "gap_nats": 0.005, "saving_usd": 310},
		Next:     []string{"ftadvise report 01JDC0FFEE --output html"},
	}
}

// scenario is one golden report.
type scenario struct {
	run  *evidence.Run
	rec  *advisor.Recommendation
	opts reports.Options
}

func scenarios() map[string]scenario {
	redacted := options()
	redacted.Redact = true
	lora := baseRun()
	return map[string]scenario{
		"lora-wins":        {lora, advice(lora), options()},
		"full-wins":        fullWins(),
		"does-not-fit":     doesNotFit(),
		"budget-too-small": budgetTooSmall(),
		"diverged":         diverged(),
		"imported":         imported(),
		"redacted":         {lora, advice(lora), redacted},
	}
}

func fullWins() scenario {
	run := baseRun()
	run.ID = "01JDFULL"
	setForecasts(run, 1.702, 1.834, 0.02)
	rec := advice(run)
	rec.Verdict = advisor.Verdict{Answer: advisor.UseFull, Method: full(), Policy: "balanced@3f9a1c22", Rule: "cheaper-in-expectation",
		Because: "LoRA's lag of 0.132 nats costs more than its smaller bills save"}
	rec.Headline, rec.Confidence = "Full fine-tuning is expected to reach a loss lower by 0.132 nats, worth $1,320; LoRA would save $420 in bills.", 0.97
	rec.Options = []advisor.Option{option(full(), 2e-5, run.Forecasts[0].Loss, 480, 420, 8, 40, 9), option(lora(8), 2e-4, run.Forecasts[1].Loss, 290, 260, 1328, 90, 870)}
	even := 3_480.0
	rec.BreakEven, rec.More = &even, nil
	rec.Flips = []advisor.Flip{{Fact: "usd_per_nat", Now: 10_000, At: 3_480, Unit: "$/nat", Answer: advisor.UseLoRA, Text: "LoRA wins below $3,480 a nat; a nat is now worth $10,000."}}
	return scenario{run, rec, options()}
}

func doesNotFit() scenario {
	run := baseRun()
	run.ID, run.Forecasts, run.Gaps, run.Domain = "01JDNOFIT", nil, nil, evidence.Domain{}
	fail := func(id string, m evidence.Method) evidence.TrialResult {
		return evidence.TrialResult{Trial: evidence.Trial{ID: id, Stage: evidence.StageFit, Method: m, Steps: 3},
			Outcome: evidence.Outcome{Status: evidence.DoesNotFit, Reason: "out of memory at micro-batch 1 while allocating 2.1 GiB", MicroBatch: 1, Accumulation: 8}}
	}
	run.Trials = []evidence.TrialResult{fail("full.fit", full()), fail("lora-r8.fit", lora(8))}
	run.Warnings = []evidence.Warning{{Code: "nothing-fits", Text: "Neither method fits at micro-batch 1; recompute activations, shorten the rows or use a larger card."}}
	return scenario{run, &advisor.Recommendation{Schema: 1, Run: run.ID, CreatedAt: moment(), Headline: "Neither method fits into 139 GiB at micro-batch 1.",
		Verdict: advisor.Verdict{Answer: advisor.NothingFits, Policy: "balanced@3f9a1c22", Rule: "nothing-fits", Because: "No arm completed a step",
			Violations: []advisor.Violation{{Constraint: "memory", Message: "the peak exceeds 139 GiB"}}},
		Stakes: advisor.Stakes{Months: 12}, Next: []string{"ftadvise recommend --checkpointing"}}, options()}
}

func budgetTooSmall() scenario {
	run := baseRun()
	run.ID = "01JDSMALL"
	setForecasts(run, 1.81, 1.80, 0.2)
	run.Gaps[0].Regime, run.Gaps[0].MoreSteps = evidence.BudgetTooSmall, 900
	run.Warnings = []evidence.Warning{{Code: "short-probe", Text: "The probes saw a fifth of the horizon; give a larger budget."}}
	rec := advice(run)
	rec.Verdict = advisor.Verdict{Answer: advisor.BudgetTooSmall, Policy: "balanced@3f9a1c22", Rule: "cannot-tell", Because: "The interval of the difference spans what matters on both sides"}
	rec.Headline, rec.Confidence, rec.Regime, rec.Flips = "This budget cannot tell: 900 more steps an arm, about 11 minutes, would.", 0.55, evidence.BudgetTooSmall, nil
	rec.More = &advisor.MoreEvidence{Steps: 900, Seconds: 672, CostUSD: 0.65, WorthUSD: 122, Command: "ftadvise calibrate --resume 01JDSMALL --budget 22m"}
	return scenario{run, rec, options()}
}

func diverged() scenario {
	run := baseRun()
	run.ID = "01JDDIVERGE"
	f := &run.Trials[len(run.Trials)-2]
	f.Outcome.Status, f.Outcome.Reason, f.Outcome.Steps = evidence.Diverged, "step 61: the loss is NaN", 61
	f.Outcome.EvalLoss = append(f.Outcome.EvalLoss[:4:4], evidence.Point{Step: 60, Loss: math.Inf(1)}, evidence.Point{Step: 80, Loss: math.NaN()})
	run.Forecasts, run.Gaps = run.Forecasts[1:], nil
	rec := advice(baseRun())
	rec.Run, rec.PFullBetter, rec.BreakEven, rec.Tornado, rec.Flips = run.ID, nil, nil, nil, nil
	rec.Options = rec.Options[1:]
	rec.Features["gap_nats"] = math.NaN()
	rec.Headline = "LoRA of rank 8: full fine-tuning diverged at every learning rate that was tried."
	rec.Warnings = []evidence.Warning{{Code: "diverged", Text: "Full fine-tuning diverged at step 61; search lower rates before ruling it out."}}
	return scenario{run, rec, options()}
}

func imported() scenario {
	run := baseRun()
	run.ID, run.Domain, run.Data = "01JDIMPORT", evidence.Domain{}, evidence.Data{Name: "runs.csv"}
	run.Environment = evidence.Environment{}
	run.Trials = run.Trials[len(run.Trials)-2:]
	for i := range run.Trials {
		o := &run.Trials[i].Outcome
		run.Trials[i].Stage = evidence.StageImport
		*o = evidence.Outcome{Status: evidence.Completed, Steps: o.Steps, TrainLoss: o.TrainLoss, EvalLoss: o.EvalLoss}
	}
	run.Trials[1].Outcome.EvalLoss = nil
	rec := advice(run)
	rec.Warnings = []evidence.Warning{{Code: "imported", Text: "These runs were made by others; whether their batches agreed is not known."}}
	return scenario{run, rec, options()}
}

func stakes() advisor.Stakes {
	s := advisor.DefaultStakes()
	s.USDPerNat = 10_000
	return s
}
