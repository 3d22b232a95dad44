package advisor

import (
	"strconv"
	"strings"

	"ftadvise/calibrate/evidence"
)

// Arguments are the flags that ask for the calibration of a run again, but for its budget
// and device: what decides which question it answers.
func Arguments(run *evidence.Run) []string {
	s, m := run.Setup, run.Setup.LoRA
	args := []string{"--model", s.Model.Name, "--data", run.Data.Name}
	add := func(flag, value string, said bool) {
		if said {
			args = append(args, flag, value)
		}
	}
	whole := func(flag string, v int) { add(flag, strconv.Itoa(v), v > 0) }
	decimal := func(flag string, v float64) { add(flag, strconv.FormatFloat(v, 'f', -1, 64), v != 0) }
	add("--validation", run.Data.Validation, run.Data.Validation != "" && run.Data.Validation != run.Data.Name)
	whole("--horizon", s.HorizonSteps)
	whole("--batch", s.MicroBatch*s.Accumulation)
	whole("--seq-length", s.SeqLength)
	if s.Seed != 1 {
		whole("--seed", int(s.Seed))
	}
	if m.Kind != evidence.LoRA {
		return args
	}
	whole("--lora-rank", m.Rank)
	if m.Alpha != 2*float64(m.Rank) {
		decimal("--lora-alpha", m.Alpha)
	}
	decimal("--lora-dropout", m.Dropout)
	add("--lora-targets", m.Targets, m.Targets != evidence.AllLinear)
	add("--lora-variant", m.Variant, m.Variant != "")
	decimal("--lora-plus-ratio", m.RateRatioBA)
	add("--lora-modules-to-save", m.ModulesToSave, m.ModulesToSave != "")
	if run.Plan != nil && len(run.Plan.LeftOut) == 0 && adapters(run) == 1 {
		args = append(args, "--lora-spares=false")
	}
	return args
}

// adapters counts the LoRA methods that were tried.
func adapters(run *evidence.Run) int {
	tried := map[evidence.Method]bool{}
	for _, t := range run.Trials {
		if t.Method.Kind == evidence.LoRA {
			tried[t.Method] = true
		}
	}
	return len(tried)
}

// ShellWords joins a command's words, quoted for a POSIX shell where that is needed.
func ShellWords(words ...string) string {
	out := make([]string, len(words))
	for i, a := range words {
		out[i] = word(a)
	}
	return strings.Join(out, " ")
}

// word quotes a name for a shell where that is needed.
func word(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
