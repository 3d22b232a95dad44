package hf

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"ftadvise/calibrate/evidence"
)

// Targets returns the modules that a LoRA method adapts, with PEFT's reading of
// target_modules:
//
//   - all-linear: every linear layer but the head
//   - a comma-separated list: a module whose name is an entry or ends in "." and an entry
//   - a regular expression, if it holds one of \^$*+?()[]{}|: it must match the whole name
//   - nothing: the family's DefaultTargets
//
// One thing is stricter than in PEFT: each entry of a list must match something, since
// an entry that does not is a slip of the pen.
func (c Config) Targets(m evidence.Method) ([]Module, error) {
	matches, err := c.matcher(m.Targets)
	if err != nil {
		return nil, err
	}
	var found []Module
	for _, module := range c.Modules() {
		if matches(module) {
			found = append(found, module)
		}
	}
	if len(found) == 0 {
		return nil, c.noTarget(m.Targets)
	}
	return found, nil
}

// regexMarks are the characters that no module name holds.
const regexMarks = `\^$*+?()[]{}|`

func (c Config) matcher(targets string) (func(Module) bool, error) {
	if targets == "" {
		family, _ := familyOf(c.ModelType)
		targets = family.DefaultTargets
	}
	if targets == evidence.AllLinear {
		return func(m Module) bool { return !m.Head }, nil
	}
	if strings.ContainsAny(targets, regexMarks) {
		pattern, err := regexp.Compile(`\A(?:` + targets + `)\z`)
		if err != nil {
			return nil, refuse("target modules", "use all-linear or a comma-separated list of names", "%q is no regular expression that Go knows: %v", targets, err)
		}
		return func(m Module) bool { return pattern.MatchString(m.Name) }, nil
	}
	return c.listMatcher(strings.Split(targets, ","))
}

func (c Config) listMatcher(entries []string) (func(Module) bool, error) {
	for i, entry := range entries {
		entries[i] = strings.TrimSpace(entry)
		if !c.anyNamed(entries[i]) {
			return nil, c.noTarget(entries[i])
		}
	}
	return func(m Module) bool {
		for _, entry := range entries {
			if m.named(entry) {
				return true
			}
		}
		return false
	}, nil
}

// named reports whether entry is the module's name or whole last parts of it.
func (m Module) named(entry string) bool {
	return entry != "" && (m.Name == entry || strings.HasSuffix(m.Name, "."+entry))
}

func (c Config) anyNamed(entry string) bool {
	for _, m := range c.Modules() {
		if m.named(entry) {
			return true
		}
	}
	return false
}

func (c Config) noTarget(targets string) error {
	var names []string
	for _, m := range c.layerModules(0) {
		names = append(names, lastPart(m.Name))
	}
	names = append(names, headName)
	return refuse("target modules", fmt.Sprintf("%s has %s, or use %s", c.ModelType, strings.Join(unique(names), ", "), evidence.AllLinear),
		"%q is not found in the model", targets)
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func unique(names []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, name := range names {
		if !seen[name] {
			out = append(out, name)
		}
		seen[name] = true
	}
	return out
}

// checkRank refuses a LoRA method's settings that no model could take. PEFT lets a rank
// above the layer's size pass; that is no low rank and costs more than full does.
func (c Config) checkRank(m evidence.Method, targets []Module) error {
	if m.Rank < 1 {
		return refuse("rank", "take 8 or 16", "%d is not a LoRA rank", m.Rank)
	}
	for _, t := range targets {
		if limit := min(t.In, t.Out); m.Rank > limit {
			return refuse(t.Name, fmt.Sprintf("take a rank of at most %d, or leave the module out of the targets", limit),
				"rank %d is larger than the layer, %d by %d", m.Rank, t.Out, t.In)
		}
	}
	return nil
}

// checkSettings refuses settings that are not about the rank.
func checkSettings(m evidence.Method) error {
	switch {
	case math.IsNaN(m.Alpha) || math.IsInf(m.Alpha, 0) || m.Alpha < 0:
		return refuse("alpha", "take the rank or twice the rank", "%g is no LoRA alpha", m.Alpha)
	case !(m.Dropout >= 0 && m.Dropout < 1):
		return refuse("dropout", "take 0 to 0.1", "%g is no dropout share", m.Dropout)
	case m.Variant != "" && m.Variant != evidence.RsLoRA && m.Variant != evidence.DoRA:
		return refuse("variant", "supported are "+evidence.RsLoRA+" and "+evidence.DoRA, "%q is not known", m.Variant)
	case !(m.RateRatioBA >= 0 && m.RateRatioBA <= 1e6):
		return refuse("rate ratio", "LoRA+ advises 16", "%g is no ratio of learning rates", m.RateRatioBA)
	}
	return nil
}

// RankMost is the highest rank that every module of a LoRA method has; 0 where the
// method names none.
func (c Config) RankMost(m evidence.Method) int {
	targets, err := c.Targets(m)
	if err != nil || len(targets) == 0 {
		return 0
	}
	most := min(targets[0].In, targets[0].Out)
	for _, t := range targets {
		most = min(most, t.In, t.Out)
	}
	return most
}

// CheckTrained refuses what PEFT adapts and no engine here trains: LoRA on the head.
func (c Config) CheckTrained(m evidence.Method) error {
	if m.Kind != evidence.LoRA {
		return nil
	}
	targets, err := c.Targets(m)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if t.Head {
			return refuse("target modules", "leave it out, or train it whole: --lora-modules-to-save "+t.Name, "%s is among them, and LoRA on the head is not trained here", t.Name)
		}
	}
	return nil
}

// TrainableParams counts the parameters that a method trains: all of them, or for LoRA
// r·(in+out) for each target, out more for DoRA's magnitudes, and the modules trained whole.
func (c Config) TrainableParams(m evidence.Method) (int64, error) {
	if m.Kind == evidence.Full {
		return c.Params(), nil
	}
	targets, err := c.Targets(m)
	if err != nil {
		return 0, err
	}
	if err := c.checkRank(m, targets); err != nil {
		return 0, err
	}
	whole, err := c.WholeModules(m)
	if err != nil {
		return 0, err
	}
	var total int64
	for _, p := range whole {
		total += p.Elements()
	}
	for _, t := range targets {
		total += int64(m.Rank) * int64(t.In+t.Out)
		if m.Variant == evidence.DoRA {
			total += int64(t.Out)
		}
	}
	return total, checkSettings(m)
}
