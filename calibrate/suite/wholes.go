package suite

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"ftadvise/calibrate/evidence"
)

// wholes tells what LoRA gains where tables of the base are trained whole beside it: every
// method at its best rate, by the parameters it trains, and how much of the distance from
// full that LoRA of the same rank leaves is gone.
func wholes(dir string) (string, error) {
	plain, err := readFiles(dir)
	if err != nil {
		return "", err
	}
	whole, err := readFiles(filepath.Join(dir, "whole"))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	out.WriteString("| data set | method | trained parameters | best rate | loss at the horizon | behind full | of its rank's distance gone | loss on general text |\n")
	out.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, f := range whole {
		i := slices.IndexFunc(plain, func(g file) bool { return g.data() == f.data() })
		if i < 0 {
			return "", fmt.Errorf("%s has no curves of full fine-tuning", f.data())
		}
		maps.DeleteFunc(f.Runs, func(_ string, c Curve) bool { return c.Schedule.Shape != evidence.Constant })
		maps.Copy(f.Runs, plain[i].Runs)
		out.WriteString(f.leaders())
	}
	return out.String(), nil
}

// leaders are rows of each method at its best rate, most trained parameters first and, of as
// many, the lowest loss.
func (f file) leaders() string {
	best := map[string]Curve{}
	for _, c := range f.Runs {
		if known, ok := best[c.Method]; c.last().Step == f.last() && (!ok || c.last().Loss < known.last().Loss) {
			best[c.Method] = c
		}
	}
	full := best["full"].last().Loss
	order := slices.SortedFunc(maps.Values(best), func(a, b Curve) int {
		return cmp.Or(cmp.Compare(b.Trainable, a.Trainable), cmp.Compare(a.last().Loss, b.last().Loss))
	})
	out := ""
	for _, c := range order {
		gone := "-"
		if rank, _, whole := strings.Cut(c.Method, "+"); whole {
			gone = fmt.Sprintf("%.0f %%", 100*(1-(c.last().Loss-full)/(best[rank].last().Loss-full)))
		}
		out += fmt.Sprintf("| %s | %s | %s | %.2g | %.3f | %+.3f | %s | %.3f |\n", c.Data, strings.ReplaceAll(c.Method, "+", " + "),
			thousands(c.Trainable), c.LearningRate, c.last().Loss, c.last().Loss-full, gone, c.General[len(c.General)-1].Loss)
	}
	return out
}
