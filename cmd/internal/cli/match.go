package cli

import (
	"maps"
	"os"
	"slices"
	"strings"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/store"
	"ftadvise/cmd/internal/config"
)

// newestMatch finds the newest finished run that answers for this model, these data,
// this device and whatever settings the user gave; nil where there is none.
func newestMatch(s *store.Store, c *config.Loaded, model, data string) (*store.Folder, error) {
	runs, _, err := s.List()
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		if !answersFor(run, model, data) || !sameDevice(run, c.Calibration.Device) || !sameSettings(run, c) {
			continue
		}
		f, err := s.Folder(run.ID)
		if err != nil {
			return nil, err
		}
		if sameSpec(f, c) {
			return f, nil
		}
	}
	return nil, nil
}

// answersFor reports whether a run is finished evidence about a model and data.
func answersFor(run *evidence.Run, model, data string) bool {
	return run.State == evidence.Done && run.Setup.Preset == "" && !run.Setup.Model.RandomWeights &&
		run.Setup.Model.Fingerprint == model && run.Data.Fingerprint == data
}

// sameDevice reports whether a run was made on this machine, on the kind of device
// that is asked for. It asks no engine: that would take longer than to decide.
func sameDevice(run *evidence.Run, asked string) bool {
	host, err := os.Hostname()
	if err != nil || run.Environment.Host != "" && run.Environment.Host != host {
		return false
	}
	kind, _, _ := strings.Cut(asked, ":")
	return asked == "auto" || strings.HasPrefix(run.Setup.Device, kind)
}

// sameSettings reports whether a run was made with the settings that the user gave,
// and with no less time, unless it needed none.
// What nobody gave may be anything, and so may the horizon: curves are extrapolated
// to another one without training.
func sameSettings(run *evidence.Run, c *config.Loaded) bool {
	for path, same := range madeWith(run, c) {
		if c.Set(path) && !same {
			return false
		}
	}
	return true
}

// madeWith says of each setting that a run tells whether the run has it.
func madeWith(run *evidence.Run, c *config.Loaded) map[string]bool {
	k, s := c.Calibration, run.Setup
	return map[string]bool{
		"calibration.budget":     s.BudgetSeconds >= k.Budget.Seconds() || measured(run),
		"calibration.precision":  s.Precision == k.Precision,
		"calibration.seq_length": s.SeqLength == k.SeqLength,
		"calibration.batch":      s.MicroBatch*s.Accumulation == k.Batch,
		"calibration.seed":       s.Seed == k.Seed,
		"lora.rank":              s.LoRA.Rank == c.LoRA.Rank,
		"lora.alpha":             s.LoRA.Alpha == c.LoRA.Method().Alpha,
		"lora.dropout":           s.LoRA.Dropout == c.LoRA.Dropout,
		"lora.targets":           s.LoRA.Targets == c.LoRA.Targets,
		"lora.variant":           s.LoRA.Variant == c.LoRA.Variant,
		"lora.plus_ratio":        s.LoRA.RateRatioBA == c.LoRA.Method().RateRatioBA,
		"lora.modules_to_save":   s.LoRA.ModulesToSave == c.LoRA.Method().ModulesToSave,
		"calibration.methods":    triedMethods(run, c),
		"lora.other_ranks":       triedMethods(run, c),
		"lora.spares":            !c.LoRA.Spares || weighedSpares(run),
	}
}

// sameSpec reports whether a calibration was asked for with what the user gave and the run
// itself does not tell, since a plan may have cut it short. A spec that cannot be read
// tells nothing, so that the run does not answer.
func sameSpec(f *store.Folder, c *config.Loaded) bool {
	var given []string
	for _, path := range specPaths() {
		if c.Set(path) {
			given = append(given, path)
		}
	}
	if len(given) == 0 {
		return true
	}
	data, err := f.ReadFile(calibrate.SpecFile)
	if err != nil {
		return false
	}
	spec, err := calibrate.DecodeSpec(data)
	if err != nil {
		return false
	}
	asked := askedOf(spec, c.Config)
	return !slices.ContainsFunc(given, func(path string) bool { return !asked[path] })
}

// specPaths lists the settings that a spec holds as they were asked for.
func specPaths() []string {
	return slices.Sorted(maps.Keys(askedOf(calibrate.Spec{}, config.Default())))
}

// askedOf says of each setting whether a spec has it; 0 asks for what is derived.
func askedOf(spec calibrate.Spec, c config.Config) map[string]bool {
	k := c.Calibration
	return map[string]bool{
		"calibration.micro_batch":   k.MicroBatch == 0 || spec.MicroBatch == k.MicroBatch,
		"calibration.checkpointing": spec.Checkpointing == k.Checkpointing,
		"calibration.warmup_steps":  k.WarmupSteps == 0 || spec.WarmupSteps == k.WarmupSteps,
		"calibration.search_rates":  spec.SearchRates == k.SearchRates,
		"calibration.rate_full":     k.RateFull == 0 || spec.RateFull == k.RateFull,
		"calibration.rate_lora":     k.RateLoRA == 0 || spec.RateLoRA == k.RateLoRA,
		"calibration.seeds":         spec.Seeds == k.Seeds,
		"optimizer.beta1":           spec.Optimizer.Beta1 == c.Optimizer.Beta1,
		"optimizer.beta2":           spec.Optimizer.Beta2 == c.Optimizer.Beta2,
		"optimizer.epsilon":         spec.Optimizer.Epsilon == c.Optimizer.Epsilon,
		"optimizer.weight_decay":    spec.Optimizer.WeightDecay == c.Optimizer.WeightDecay,
		"optimizer.clip_norm":       spec.Optimizer.ClipNorm == c.Optimizer.ClipNorm,
	}
}

// measured reports whether the probes reached the horizon, so that more time would
// tell nothing new.
func measured(run *evidence.Run) bool {
	for _, g := range run.Gaps {
		if g.Regime != evidence.Measured {
			return false
		}
	}
	return len(run.Gaps) > 0
}

// triedMethods reports whether the run tried every method that is asked for.
func triedMethods(run *evidence.Run, c *config.Loaded) bool {
	tried := map[evidence.Method]bool{}
	for _, t := range run.Trials {
		tried[t.Method] = true
	}
	for _, m := range methods(c.Config) {
		if m.Kind == evidence.Full && !tried[m] || m.Kind == evidence.LoRA && len(c.LoRA.OtherRanks) > 0 && !tried[m] {
			return false
		}
	}
	return true
}

// weighedSpares reports whether a run tried more adapters than one, or had no time to.
func weighedSpares(run *evidence.Run) bool {
	tried := map[evidence.Method]bool{}
	for _, t := range run.Trials {
		tried[t.Method] = t.Method.Kind == evidence.LoRA
	}
	delete(tried, evidence.Method{Kind: evidence.Full})
	return len(tried) > 1 || run.Plan != nil && len(run.Plan.LeftOut) > 0
}
