package config

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"ftadvise/advisor"
)

// rule is what a setting must meet for any run to make sense.
type rule struct {
	path string
	ok   bool
	must string
	hint string
}

// Validate refuses values that no run can use. Its errors are *calibrate.InputError
// whose Where is the value's origin. What depends on the model (a rank larger than a
// layer, unknown target modules) is refused where the model is known.
func (l *Loaded) Validate() error {
	for _, r := range slices.Concat(workRules(l.Config), trainingRules(l.Config), rateRules(l.Config)) {
		if !r.ok {
			return refuse(l.Origins[r.path], fmt.Sprintf("%s is %s, but must be %s", r.path, l.Text(r.path), r.must), r.hint)
		}
	}
	return l.validateStakes()
}

// Text is a value as one writes it in a file; "" where no such path exists.
func (l *Loaded) Text(path string) string {
	for _, f := range fields(&l.Config) {
		if f.path == path {
			return f.plain()
		}
	}
	return ""
}

func workRules(c Config) []rule {
	return []rule{
		{"output", slices.Contains([]string{"table", "json", "markdown"}, c.Output), "table, json or markdown", ""},
		{"dataset.train_rows", c.Dataset.TrainRows >= 0, "0 or more", ""},
		{"dataset.max_record_bytes", c.Dataset.MaxRecordBytes >= 1, "at least 1 byte", "16777216 (16 MiB) is the default"},
		{"dataset.eval_rows", c.Dataset.EvalRows >= 1, "at least 1", "about 64 rows give a steady held-out loss"},
	}
}

func trainingRules(c Config) []rule {
	k, a := c.Calibration, c.LoRA
	return []rule{
		{"calibration.budget", k.Budget > 0, "longer than nothing", "--budget 5m is the default"},
		{"calibration.precision", slices.Contains([]string{"auto", "fp32", "bf16", "bf16-pure"}, k.Precision), "auto, fp32, bf16 or bf16-pure", ""},
		{"calibration.threads", k.Threads >= 0, "0 or more", ""},
		{"calibration.methods", len(k.Methods) > 0 && methodsKnown(k.Methods), "one or both of full and lora", "with neither method there is nothing to try"},
		{"calibration.seq_length", k.SeqLength == 0 || k.SeqLength >= 2, "0 or at least 2", "one token has no next token to predict"},
		{"calibration.batch", k.Batch >= 1, "at least 1", ""},
		{"calibration.micro_batch", k.MicroBatch >= 0 && k.MicroBatch <= k.Batch, "between 0 and the batch", ""},
		{"calibration.horizon", k.Horizon >= 0, "0 or more steps", "0 takes calibration.epochs passes over the data"},
		{"calibration.horizon_tokens", k.HorizonTokens >= 0 && finite(k.HorizonTokens), "0 or more tokens", "0 takes calibration.epochs passes over the data"},
		{"calibration.epochs", k.Epochs > 0 && finite(k.Epochs), "more than 0", ""},
		{"calibration.warmup_steps", k.WarmupSteps >= 0, "0 or more", ""},
		{"calibration.search_rates", k.SearchRates >= 1, "at least 1", "1 takes the prior without a search"},
		{"calibration.seed", k.Seed >= 0, "0 or more", ""},
		{"calibration.seeds", k.Seeds >= 0, "0 or more", "0 repeats a probe where that may turn the answer"},
		{"calibration.stall", k.Stall > 0, "longer than nothing", ""},
		{"lora.rank", a.Rank >= 1, "at least 1", "8 and 16 are usual ranks"},
		{"lora.alpha", a.Alpha >= 0 && finite(a.Alpha), "a finite number, 0 or more", "0 takes twice the rank"},
		{"lora.dropout", a.Dropout >= 0 && a.Dropout < 1, "at least 0 and below 1", ""},
		{"lora.variant", slices.Contains([]string{"", "rslora", "dora"}, a.Variant), "empty, rslora or dora", ""},
		{"lora.plus_ratio", a.PlusRatio >= 0 && a.PlusRatio <= maxPlusRatio, "0, or a ratio of learning rates up to 1000", "LoRA+ advises 16"},
		{"lora.other_ranks", allPositive(a.OtherRanks), "ranks of at least 1", ""},
	}
}

// maxPlusRatio is beyond any ratio of B's learning rate to A's that was found useful.
const maxPlusRatio = 1000

// maxRate is beyond any learning rate that AdamW survives.
const maxRate = 10

func rateRules(c Config) []rule {
	k, o := c.Calibration, c.Optimizer
	rate := func(r float64) bool { return r >= 0 && r <= maxRate }
	share := func(b float64) bool { return b >= 0 && b < 1 }
	return []rule{
		{"calibration.rate_full", rate(k.RateFull), "between 0 and 10", "0 derives it from the model's width"},
		{"calibration.rate_lora", rate(k.RateLoRA), "between 0 and 10", "0 derives it from full's"},
		{"optimizer.beta1", share(o.Beta1), "at least 0 and below 1", ""},
		{"optimizer.beta2", share(o.Beta2), "at least 0 and below 1", ""},
		{"optimizer.epsilon", o.Epsilon > 0 && finite(o.Epsilon), "more than 0", ""},
		{"optimizer.weight_decay", o.WeightDecay >= 0 && finite(o.WeightDecay), "0 or more", ""},
		{"optimizer.clip_norm", o.ClipNorm >= 0 && finite(o.ClipNorm), "0 or more", ""},
	}
}

// validateStakes puts the origin before what the advisor refuses by its key.
func (l *Loaded) validateStakes() error {
	err := l.Stakes.Validate()
	var refused *advisor.InputError
	if !errors.As(err, &refused) {
		return err
	}
	where := l.Origins["stakes."+refused.Where]
	return refuse(where, "stakes."+refused.Where+": "+refused.What, refused.Fix)
}

func methodsKnown(methods []string) bool {
	for _, m := range methods {
		if m != "full" && m != "lora" {
			return false
		}
	}
	return true
}

func allPositive(ranks []int) bool {
	for _, r := range ranks {
		if r < 1 {
			return false
		}
	}
	return true
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
