package torch

import (
	"runtime"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// laneTokens is the most tokens, of all its arms, that a lane takes through the model at a time, so that
// what an operation leaves is still in the second-level cache when the next one reads it.
// laneValues bounds the gradients that lanes hold beside the model's own, and merged weights.
const (
	laneTokens = 768
	laneValues = 8 << 20
)

// spareProcessors are Go's, beyond one a lane. Without an idle one the scheduler takes a
// lane's away in the middle of an operation, 20 us after its start, and the lane has to
// wait for it at the end: a fifth of a small model's step.
const spareProcessors = 2

// useThreads takes n CPU threads: as lanes where there are sequences for all of them and
// their gradients are small, else within each operation.
func (r *run) useThreads(n int) error {
	if r.lanes != nil && r.cores == n {
		return nil
	}
	r.endLanes()
	r.laned = r.device == shim.CPU && r.inLanes(n)
	count := 1
	if r.laned {
		count = n
	}
	if r.device == shim.CPU {
		shim.SetThreads(n / count)
		r.cores = n
	}
	if count > 1 {
		runtime.GOMAXPROCS(max(r.threads.processors, count) + spareProcessors)
	}
	r.decoder.SetRemembering(r.laned)
	r.decoder.SetMerging(r.laned && r.decoder.Merges() <= laneValues)
	divide := r.decoder.NewLanes
	if r.laned && r.armsFor(count) {
		divide = r.decoder.NewArmLanes
	}
	var err error
	if r.lanes, err = divide(r.arena, count); err != nil {
		return err
	}
	return r.statics.divide(r.lanes)
}

// endLanes leaves threads and scheduler as they were.
func (r *run) endLanes() {
	r.lanes.Close()
	if r.laned {
		shim.SetThreads(r.cores)
		runtime.GOMAXPROCS(r.threads.processors)
	}
	r.laned = false
}

// inLanes reports whether n threads are lanes. Dropout draws from one generator, and
// captured steps come from one thread.
func (r *run) inLanes(n int) bool {
	if r.recorder != nil || r.arms[0].Trial.Method.Dropout > 0 {
		return false
	}
	return r.armsFor(n) || r.group.MicroBatch >= n && int64(n-1)*r.decoder.Values() <= laneValues
}

// armsFor reports whether n lanes share arms out: evenly, or where there are too few
// sequences for all of them.
func (r *run) armsFor(n int) bool {
	plain := r.arms[0].Trial.Method.Kind == evidence.LoRA && r.arms[0].Trial.Method.Variant != evidence.DoRA
	return n > 1 && plain && len(r.arms) >= n && (len(r.arms)%n == 0 || r.group.MicroBatch < n)
}

// onAllCores lets operations that no lane runs have every thread, until restored.
func (r *run) onAllCores() (restore func()) {
	if !r.laned {
		return func() {}
	}
	shim.SetThreads(r.cores)
	return func() { shim.SetThreads(1) }
}

// lanePass leaves the lanes' gradients and losses of some rows.
func (r *run) lanePass(rows []int, weight float64, add bool) error {
	return r.lanes.Each(func(i int, lane *decoder.Lane) {
		from, to := r.lanes.Rows(i, len(rows))
		arms := lane.To - lane.From
		atOnce := r.atOnce(to-from, arms)
		for more := add; from < to; more = true {
			part := rows[from:min(to, from+atOnce)]
			batch := decoder.NewBatch(lane.Arena, sequencesOf(r.pack.Train), part, arms, weight)
			pass(lane, batch, r.statics.parts[i], more)
			batch.Drop()
			from += len(part)
		}
	})
}

// atOnce is how many of a lane's n sequences go through the model together, for some arms.
func (r *run) atOnce(n, arms int) int {
	if !r.laned {
		return r.group.MicroBatch
	}
	parts := (n*arms*r.pack.Train.SeqLength + laneTokens - 1) / laneTokens
	return max(1, (n+parts-1)/max(1, parts))
}

// atOnceEvaluated is the same for an evaluation, which is not to take more memory than training.
func (r *run) atOnceEvaluated() int {
	n := r.lanes.N()
	return r.atOnce((r.group.MicroBatch+n-1)/n, len(r.arms))
}

// pass runs a batch forward and backward, and adds its losses, weighted, to a sum.
func pass(lane *decoder.Lane, batch *decoder.Batch, sum shim.Tensor, add bool) {
	beta := 0.0
	if add {
		beta = 1
	}
	loss, tape := lane.Model.Forward(lane.Arena, batch, beta)
	addLoss(lane.Arena, batch, loss, sum, add)
	lane.Arena.Drop(loss.PerToken, loss.Hit)
	lane.Model.Backward(tape)
}

// addLoss sums a micro-batch's losses, weighted, into the step's.
func addLoss(a *shim.Arena, batch *decoder.Batch, loss decoder.Loss, to shim.Tensor, add bool) {
	if loss.PerToken.Nil() {
		if !add {
			a.Zero(to)
		}
		return
	}
	sum := batch.WeightedLoss(a, loss)
	if add {
		a.Add(to, sum, 1)
	} else {
		a.Copy(to, sum)
	}
	a.Drop(sum)
}
