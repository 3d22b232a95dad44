package cli

import (
	"fmt"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/cmd/internal/config"
)

// layEssay puts the preset's values under those that the user gave: rows of 128
// tokens, 4 a step, 30 steps, rank 8, alpha 16, dropout 0.1 on the attention layers
// that PEFT adapts by default (GPT-2: c_attn), and no other adapter. It takes as long as
// it takes.
func layEssay(c *config.Loaded, model hf.Config) {
	for path, lay := range map[string]func(*config.Config){
		"calibration.seq_length": func(c *config.Config) { c.Calibration.SeqLength = min(128, model.MaxPositions) },
		"calibration.batch":      func(c *config.Config) { c.Calibration.Batch = 4 },
		"calibration.budget":     func(c *config.Config) { c.Calibration.Budget = 0 },
		"calibration.horizon":    func(c *config.Config) { c.Calibration.Horizon = 30 },
		"lora.rank":              func(c *config.Config) { c.LoRA.Rank = 8 },
		"lora.alpha":             func(c *config.Config) { c.LoRA.Alpha = 16 },
		"lora.dropout":           func(c *config.Config) { c.LoRA.Dropout = 0.1 },
		"lora.targets":           func(c *config.Config) { c.LoRA.Targets = defaultTargets(model.ModelType) },
		"lora.spares":            func(c *config.Config) { c.LoRA.Spares = false },
	} {
		if !c.Set(path) {
			lay(&c.Config)
		}
	}
}

// defaultTargets are the modules that PEFT adapts where nobody names any.
func defaultTargets(modelType string) string {
	if targets, ok := hf.DefaultTargets(modelType); ok {
		return targets
	}
	return evidence.AllLinear
}

// printEssay prints the essay's table: both methods and full's overhead over LoRA's.
func (a *app) printEssay(run *evidence.Run, output string) error {
	if output == "json" {
		return a.writeJSON(run)
	}
	t := table{head: []string{"method", "total parameters", "trainable", "share", "time", "step time", "peak memory", "training loss"}}
	outcomes := map[evidence.Kind]evidence.Outcome{}
	for _, trial := range run.Trials {
		if trial.Stage != evidence.StageEssay {
			continue
		}
		o := trial.Outcome
		outcomes[trial.Method.Kind] = o
		t.add(trial.Method.String(), fmt.Sprint(o.TotalParams), fmt.Sprint(o.TrainableParams), share(o.TrainableParams, o.TotalParams),
			seconds(o.Seconds), seconds(o.StepSeconds.Median), gibibytes(o.PeakAllocatedBytes), lastLoss(o))
	}
	if err := a.writeTable(t, output); err != nil {
		return err
	}
	return a.printOverhead(outcomes[evidence.Full], outcomes[evidence.LoRA])
}

// printOverhead prints full over LoRA, where both were measured.
func (a *app) printOverhead(full, lora evidence.Outcome) error {
	if full.StepSeconds.Median == 0 || lora.StepSeconds.Median == 0 || lora.PeakAllocatedBytes == 0 || lora.TrainableParams == 0 {
		return nil
	}
	_, err := fmt.Fprintf(a.out, "\nfull over LoRA: time %.2f x, step time %.2f x, peak memory %.2f x, trainable parameters %.1f x\n",
		full.Seconds/lora.Seconds, full.StepSeconds.Median/lora.StepSeconds.Median,
		float64(full.PeakAllocatedBytes)/float64(lora.PeakAllocatedBytes), float64(full.TrainableParams)/float64(lora.TrainableParams))
	return err
}

func share(part, whole int64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f %%", 100*float64(part)/float64(whole))
}

func lastLoss(o evidence.Outcome) string {
	if len(o.TrainLoss) == 0 {
		return "-"
	}
	return nats(o.TrainLoss[len(o.TrainLoss)-1].Loss)
}
