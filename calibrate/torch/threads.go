package torch

import (
	"fmt"
	"math"
	"slices"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/torch/shim"
)

// Numbers of threads are compared by the better of two passes after one that warms up.
// Fewer threads must gain a tenth, so that noise does not decide: another number sums in
// another order, and losses differ in their last digits. Above so many operations a pass
// the cores' work outweighs what starting them costs, and trying takes longer than it saves.
const (
	threadPasses       = 3
	threadsMustGain    = 0.9
	measuredOperations = 8e9
)

// chooseThreads sets the number of CPU threads where the user named none: one for each
// physical core (libtorch's choice), no more than the process may use, or for small work
// what a pass is fastest with. It is measured once for a group's shape and kept for the
// engine's life, so that every arm of a calibration has the same.
func (r *run) chooseThreads() error {
	if r.device != shim.CPU || r.group.Threads > 0 {
		return nil
	}
	key := fmt.Sprintf("%s %d %d", r.group.ModelDir, r.group.MicroBatch, r.pack.Train.SeqLength)
	if n, known := r.threads.chosen[key]; known {
		return r.useThreads(n)
	}
	choice := min(r.threads.cores, r.threads.processors)
	if err := r.useThreads(choice); err != nil {
		return err
	}
	operations := 6 * float64(r.model.Config.Params()) * float64(len(r.arms)*r.group.MicroBatch*r.pack.Train.SeqLength)
	if operations > measuredOperations || r.arms[0].Trial.Method.Dropout > 0 { // dropout would draw from the generator
		return nil
	}
	n, err := r.fastestThreads(choice)
	if err != nil {
		return err
	}
	r.threads.chosen[key] = n
	return r.useThreads(n)
}

// threads is what an engine knows of them.
type threads struct {
	cores      int            // libtorch's own choice
	processors int            // that the process may use, by Go's reckoning
	chosen     map[string]int // by group's shape
}

// fastestThreads tells where it leaves cores idle.
func (r *run) fastestThreads(choice int) (int, error) {
	best := choice
	least, err := r.passSeconds(best)
	if err != nil {
		return best, err
	}
	text := fmt.Sprintf("%d: %.1f ms", best, least*1e3)
	for _, n := range otherThreads(best, r.threads.processors, r.group.MicroBatch) {
		seconds, err := r.passSeconds(n)
		if err != nil {
			return best, err
		}
		text += fmt.Sprintf(", %d: %.1f ms", n, seconds*1e3)
		if seconds < least*threadsMustGain {
			best, least = n, seconds
		}
	}
	if best < choice {
		r.observe(calibrate.LogLine{Level: "info", Text: fmt.Sprintf("training on %d of %d threads, which is faster (a pass on %s)", best, choice, text)})
	}
	return best, nil
}

// otherThreads are the numbers to try beside libtorch's choice: all, one for each sequence
// where those are fewer, and one.
func otherThreads(choice, most, sequences int) []int {
	numbers := []int{most, min(choice, sequences), 1}
	return slices.DeleteFunc(slices.Compact(numbers), func(n int) bool { return n == choice })
}

// passSeconds is the time of a forward and backward pass. Its gradients are overwritten
// by the next.
func (r *run) passSeconds(threads int) (float64, error) {
	if err := r.useThreads(threads); err != nil {
		return 0, err
	}
	rows := make([]int, r.group.MicroBatch)
	for i := range rows {
		rows[i] = i % r.pack.Train.N
	}
	least := math.Inf(1)
	for pass := range threadPasses {
		before := time.Now()
		if err := r.lanePass(rows, 1, false); err != nil {
			return 0, err
		}
		if pass > 0 {
			least = min(least, time.Since(before).Seconds())
		}
	}
	return least, nil
}
