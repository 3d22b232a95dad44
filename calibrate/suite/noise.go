package suite

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// draw is what one seed of a data set ends with: full's loss and the best LoRA's.
type draw struct{ full, lora float64 }

func (d draw) gap() float64 { return d.lora - d.full }

// repeated is a data set with several seeds, the first one first.
type repeated struct {
	data, family string
	draws        []draw
}

// repeats are the data sets with further seeds in which both methods reached the horizon.
func repeats(files []file) []repeated {
	var out []repeated
	for _, f := range files {
		r := repeated{data: f.data(), family: f.family()}
		for _, one := range f.seeds() {
			full := one.end("full")
			if d := (draw{full, full + one.answer().gap}); !math.IsInf(d.full, 0) && !math.IsInf(d.lora, 0) {
				r.draws = append(r.draws, d)
			}
		}
		if len(r.draws) > 1 {
			out = append(out, r)
		}
	}
	return out
}

// spread is the standard deviation between seeds, in nats.
func (r repeated) spread(of func(draw) float64) float64 {
	var sum, squares float64
	for _, d := range r.draws {
		sum += of(d)
	}
	mean := sum / float64(len(r.draws))
	for _, d := range r.draws {
		squares += (of(d) - mean) * (of(d) - mean)
	}
	return math.Sqrt(squares / float64(len(r.draws)-1))
}

// margins are those that make decision-bench asks about.
func margins() []float64 { return []float64{0, 0.05, 0.1, 0.2, 0.4} }

// noise tells how far seeds lie apart, by family, and how often they change an answer.
func noise(dir string) (string, error) {
	files, err := readFiles(dir)
	if err != nil {
		return "", err
	}
	all := repeats(files)
	var out strings.Builder
	out.WriteString("| family | data sets | seeds | full's loss: median, 90th percentile | best LoRA's loss | LoRA less full |\n| --- | --- | --- | --- | --- | --- |\n")
	families := map[string][]repeated{}
	for _, r := range all {
		families[r.family] = append(families[r.family], r)
	}
	for _, family := range slices.Sorted(maps.Keys(families)) {
		out.WriteString(spreads(family, families[family]))
	}
	out.WriteString(spreads("all", all))
	out.WriteString("\n" + shifts(all) + "\n" + changes(all) + "\n" + distances(all) + "\n" + summary(all))
	return out.String(), nil
}

// measure is what is compared between seeds, by its column.
type measure struct {
	name string
	of   func(draw) float64
}

func measures() []measure {
	return []measure{
		{"full's loss", func(d draw) float64 { return d.full }},
		{"best LoRA's loss", func(d draw) float64 { return d.lora }},
		{"LoRA less full", draw.gap},
	}
}

func spreads(name string, of []repeated) string {
	seeds := 0
	for _, r := range of {
		seeds += len(r.draws)
	}
	row := fmt.Sprintf("| %s | %d | %d |", name, len(of), seeds)
	for _, m := range measures() {
		var values []float64
		for _, r := range of {
			values = append(values, r.spread(m.of))
		}
		row += fmt.Sprintf(" %.4f, %.4f |", quantile(values, 0.5), quantile(values, 0.9))
	}
	return row + "\n"
}

// shifts tells how much higher further seeds end than the first, which chose the rates.
func shifts(all []repeated) string {
	out := "| further seeds less the first, nats | median | mean |\n| --- | --- | --- |\n"
	for _, m := range measures() {
		var values []float64
		var sum float64
		for _, r := range all {
			for _, d := range r.draws[1:] {
				values = append(values, m.of(d)-m.of(r.draws[0]))
				sum += values[len(values)-1]
			}
		}
		out += fmt.Sprintf("| %s | %+.4f | %+.4f |\n", m.name, quantile(values, 0.5), sum/float64(len(values)))
	}
	return out
}

// summary counts what the tables before it list.
func summary(all []repeated) string {
	renamed, disagree, near, nearOther, far, farOther := 0, 0, 0, 0, 0, 0
	for _, r := range all {
		if slices.ContainsFunc(r.draws, func(d draw) bool { return answer{d.gap()}.String() != answer{r.draws[0].gap()}.String() }) {
			renamed++
		}
		for _, margin := range margins() {
			if r.otherwise(margin) > 0 {
				disagree++
			}
			asked, other := &far, &farOther
			if math.Abs(r.draws[0].gap()-margin) <= TieNats {
				asked, other = &near, &nearOther
			}
			*asked += len(r.draws) - 1
			*other += r.otherwise(margin)
		}
	}
	return fmt.Sprintf("%s. Full, LoRA or either is the answer of all seeds on %d of them. Over the margins, seeds disagree on %d of %d questions. "+
		"Where the first seed's gap is within %g nats of the margin, %d of %d further seeds answer otherwise; where it is not, %d of %d.\n",
		seedCounts(all), len(all)-renamed, disagree, len(all)*len(margins()), TieNats, nearOther, near, farOther, far)
}

// seedCounts tells how many data sets have how many seeds.
func seedCounts(all []repeated) string {
	sets := map[int]int{}
	for _, r := range all {
		sets[len(r.draws)]++
	}
	var told []string
	for _, seeds := range slices.Sorted(maps.Keys(sets)) {
		told = append(told, fmt.Sprintf("%d data sets have %d seeds", sets[seeds], seeds))
	}
	return strings.Join(told, ", ")
}

// otherwise counts the further seeds that differ from the first in whether full is better
// by more than a margin.
func (r repeated) otherwise(margin float64) int {
	n := 0
	for _, d := range r.draws[1:] {
		if (d.gap() > margin) != (r.draws[0].gap() > margin) {
			n++
		}
	}
	return n
}

// quantile interpolates between the two values next to a share of them.
func quantile(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := share * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// changes names the data sets whose answer differs between seeds, for each margin.
func changes(all []repeated) string {
	var out strings.Builder
	out.WriteString("| margin | data sets whose seeds disagree | their gaps, first seed first |\n| --- | --- | --- |\n")
	for _, margin := range margins() {
		var told []string
		for _, r := range all {
			if r.otherwise(margin) > 0 {
				gaps := make([]string, len(r.draws))
				for i, d := range r.draws {
					gaps[i] = fmt.Sprintf("%+.3f", d.gap())
				}
				told = append(told, r.data+" "+strings.Join(gaps, ", "))
			}
		}
		fmt.Fprintf(&out, "| %g | %d | %s |\n", margin, len(told), strings.Join(told, "; "))
	}
	return out.String()
}

// distances tells how often a further seed answers otherwise, by how far the first seed's
// gap is from the margin.
func distances(all []repeated) string {
	bounds := []float64{0, 0.005, 0.01, 0.02, 0.05, 0.1}
	asked, other := make([]int, len(bounds)), make([]int, len(bounds))
	for _, margin := range margins() {
		for _, r := range all {
			at, found := slices.BinarySearchFunc(bounds, math.Abs(r.draws[0].gap()-margin), cmp.Compare[float64])
			if !found {
				at--
			}
			asked[at] += len(r.draws) - 1
			other[at] += r.otherwise(margin)
		}
	}
	out := "| first seed's gap from the margin, nats | asked of further seeds | answered otherwise |\n| --- | --- | --- |\n"
	for i, from := range bounds {
		to := "more"
		if i+1 < len(bounds) {
			to = fmt.Sprint(bounds[i+1])
		}
		out += fmt.Sprintf("| %g to %s | %d | %d |\n", from, to, asked[i], other[i])
	}
	return out
}
