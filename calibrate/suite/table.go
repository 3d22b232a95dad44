package suite

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"ftadvise/calibrate/evidence"
)

// TieNats is the difference at the horizon below which neither method is better.
const TieNats = 0.01

// answers tells who is better, and how early comparisons would have erred.
func answers(dir string) (string, error) {
	constant, err := readFiles(dir)
	if err != nil {
		return "", err
	}
	decayed, err := readFiles(filepath.Join(dir, "decay"))
	if err != nil {
		return "", err
	}
	slices.SortFunc(constant, func(a, b file) int { return cmp.Compare(a.answer().gap, b.answer().gap) })
	var out strings.Builder
	out.WriteString("| data set | family | tokens, epochs | base | full | LoRA rank 2 | 8 | 32 | LoRA less full | answer | under decay | demand over capacity |\n")
	out.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, f := range constant {
		out.WriteString(f.row(decayed))
	}
	out.WriteString("\n| data set | step 30 | step 200 | horizon | best checkpoints | horizon, rates as best at step 200 |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, f := range constant {
		early, late := f.gapAt(30), f.gapAt(200)
		_, best := f.best(evidence.Full, math.MaxInt)
		_, lora := f.best(evidence.LoRA, math.MaxInt)
		fmt.Fprintf(&out, "| %s | %+.3f | %+.3f | %+.3f | %+.3f | %s |\n", f.data(), early, late, f.answer().gap, lora-best, f.keptGap(200))
	}
	return out.String(), nil
}

func (f file) data() string {
	for _, c := range f.Runs {
		return c.Data
	}
	return ""
}

func (f file) family() string {
	for _, c := range f.Runs {
		return c.Family
	}
	return ""
}

// last is the furthest step of any run.
func (f file) last() int {
	step := 0
	for _, c := range f.Runs {
		step = max(step, c.last().Step)
	}
	return step
}

// answer is who is better at the horizon, each method at its best rate there.
type answer struct {
	gap float64 // LoRA's loss less full's
}

func (a answer) String() string {
	switch {
	case a.gap > TieNats:
		return "full"
	case a.gap < -TieNats:
		return "LoRA"
	}
	return "either"
}

func (f file) answer() answer {
	full, lora := f.end("full"), math.Inf(1)
	for _, c := range f.Runs {
		if c.Method != "full" {
			lora = math.Min(lora, f.end(c.Method))
		}
	}
	return answer{lora - full}
}

// end is the lowest loss of a method's rates at the horizon.
func (f file) end(method string) float64 {
	lowest, horizon := math.Inf(1), f.last()
	for _, c := range f.Runs {
		if p := c.last(); c.Method == method && p.Step == horizon {
			lowest = math.Min(lowest, p.Loss)
		}
	}
	return lowest
}

// best is the lowest loss of a kind at any step up to one, and at the newest step there.
func (f file) best(kind evidence.Kind, step int) (newest, lowest float64) {
	newest, lowest = math.Inf(1), math.Inf(1)
	for _, c := range f.Runs {
		if strings.HasPrefix(c.Method, "lora") != (kind == evidence.LoRA) {
			continue
		}
		for i, p := range c.Eval {
			if p.Step > step {
				break
			}
			lowest = math.Min(lowest, p.Loss)
			if i+1 == len(c.Eval) || c.Eval[i+1].Step > step {
				newest = math.Min(newest, p.Loss)
			}
		}
	}
	return newest, lowest
}

// gapAt is LoRA's loss less full's after so many steps, each at its best rate so far: what
// a comparison that ends there would say.
func (f file) gapAt(step int) float64 {
	full, _ := f.best(evidence.Full, step)
	lora, _ := f.best(evidence.LoRA, step)
	return lora - full
}

// keptGap is the gap at the horizon where each method keeps the rate that led at a step; a
// dash where one of them was not trained to the horizon.
func (f file) keptGap(step int) string {
	full, okFull := f.keptEnd(evidence.Full, step)
	lora, okLoRA := f.keptEnd(evidence.LoRA, step)
	if !okFull || !okLoRA {
		return "-"
	}
	return fmt.Sprintf("%+.3f", lora-full)
}

func (f file) keptEnd(kind evidence.Kind, step int) (float64, bool) {
	var leader Curve
	lowest := math.Inf(1)
	for _, name := range slices.Sorted(maps.Keys(f.Runs)) {
		c := f.Runs[name]
		if strings.HasPrefix(c.Method, "lora") != (kind == evidence.LoRA) {
			continue
		}
		at := c.Eval[0].Loss
		for _, p := range c.Eval {
			if p.Step <= step {
				at = p.Loss
			}
		}
		if at < lowest {
			leader, lowest = c, at
		}
	}
	return leader.last().Loss, leader.last().Step == f.last()
}

func (f file) row(decayed []file) string {
	a, d := f.About, f.About.Domain
	under := "-"
	if i := slices.IndexFunc(decayed, func(g file) bool { return g.data() == f.data() }); i >= 0 {
		other := decayed[i].answer()
		under = fmt.Sprintf("%s, %+.3f", other, other.gap)
	}
	return fmt.Sprintf("| %s | %s | %s, %.1f | %.3f | %.3f | %.3f | %.3f | %.3f | %+.3f | %s | %s | %.1f |\n", f.data(), f.family(), thousands(a.Data.Tokens), a.Data.Epochs,
		*d.BaseLoss, f.end("full"), f.end("lora-r2"), f.end("lora-r8"), f.end("lora-r32"), f.answer().gap, f.answer(), under, *d.DemandBits / *d.CapacityBits)
}

func thousands(n int64) string { return fmt.Sprintf("%d k", (n+500)/1000) }
