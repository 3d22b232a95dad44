package torch

import (
	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// answers tells the right segments of a set from the wrong ones, for each arm. A segment
// is right where each of its labels had the largest logit: greedy decoding would have
// written the label and ended there. The label with the lowest loss among all labels was
// not chosen for it: that takes a pass for each label, and serving decodes.
type answers struct {
	of    []int    // of each predicted token, its segment
	seen  int      // tokens
	wrong [][]bool // [arm][segment]
}

func newAnswers(rows packfile.Rows, arms int) *answers {
	of, n := rows.Answers()
	x := &answers{of: of, wrong: make([][]bool, arms)}
	for arm := range x.wrong {
		x.wrong[arm] = make([]bool, n)
	}
	return x
}

// add takes the next rows' hits, [arms*labelled].
func (x *answers) add(a *shim.Arena, loss decoder.Loss, labelled int) {
	if x == nil {
		return
	}
	hits := make([]byte, len(x.wrong)*labelled)
	a.Bytes(loss.Hit, hits)
	for i, h := range hits {
		if h == 0 {
			x.wrong[i/labelled][x.of[x.seen+i%labelled]] = true
		}
	}
	x.seen += labelled
}

// accuracy is an arm's share of right segments; nil where nobody asked for it.
func (x *answers) accuracy(arm int) *float64 {
	if x == nil || len(x.wrong[arm]) == 0 {
		return nil
	}
	right := 0
	for _, wrong := range x.wrong[arm] {
		if !wrong {
			right++
		}
	}
	share := float64(right) / float64(len(x.wrong[arm]))
	return &share
}
