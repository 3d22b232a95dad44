package decoder

import "ftadvise/calibrate/torch/shim"

// Sequences are token rows on the host, each of Length: ids, labels aligned with them
// (negative carries no loss) and segments (0 is padding, else the document's number).
type Sequences struct {
	Length                int
	IDs, Labels, Segments []int32
}

// Batch is a micro-batch on the device, the same sequences for each arm.
type Batch struct {
	arms, sequences, length int64 // sequences of one arm
	ids, positions          shim.Tensor
	// rows are the N-rows whose next token carries loss; labels and weights are theirs.
	rows, labels, weights shim.Tensor
	labelled              int64 // of one arm
	taken                 int64 // rows of one arm that go through the head; those beyond labelled weigh nothing
	segments              []int32
	packed                bool
	arena                 *shim.Arena
	masks                 map[int64]shim.Packing // by window
	documents             shim.Packing           // a feed's, for every window
}

// Labelled is the number of predicted tokens of one arm.
func (b *Batch) Labelled() int { return int(b.labelled) }

// NewBatch copies the given rows of a set to the device, once for each arm. Each
// predicted token weighs weight in the gradient; 0 means one over the batch's number.
// Labels are aligned with their tokens: label i is predicted at position i-1.
func NewBatch(a *shim.Arena, set Sequences, which []int, arms int, weight float64) *Batch {
	t := set.Length
	n := len(which) * t
	host := hostBatch{ids: make([]int64, 0, n*arms), positions: make([]int64, 0, n*arms), segments: make([]int32, 0, n*arms)}
	for arm := range arms {
		for i, row := range which {
			host.add(set, row, int64((arm*len(which)+i)*t))
		}
	}
	b := newBatch(a, len(which), t, arms)
	b.labelled, b.segments, b.packed = int64(len(host.labels)/arms), host.segments, host.packed
	b.taken = b.labelled
	b.upload(host, weight)
	return b
}

func newBatch(a *shim.Arena, sequences, length, arms int) *Batch {
	return &Batch{arms: int64(arms), sequences: int64(sequences), length: int64(length), arena: a, masks: map[int64]shim.Packing{}}
}

func (b *Batch) upload(host hostBatch, weight float64) {
	if weight == 0 {
		weight = 1 / max(1, float64(b.labelled))
	}
	weights := make([]float32, len(host.labels))
	for i := range weights {
		weights[i] = float32(weight)
	}
	m := int64(len(host.labels))
	b.ids = b.arena.FromInt64(host.ids, int64(len(host.ids)))
	b.positions = b.arena.FromInt64(host.positions, int64(len(host.positions)))
	if m == 0 {
		return
	}
	b.rows = b.arena.FromInt64(host.rows, m)
	b.labels = b.arena.FromInt64(host.labels, m)
	b.weights = b.arena.FromFloat32(weights, m)
}

// Drop frees the batch.
func (b *Batch) Drop() {
	b.arena.Drop(b.ids, b.positions, b.rows, b.labels, b.weights)
	b.dropMasks()
}

func (b *Batch) dropMasks() {
	for _, m := range b.masks {
		b.arena.Drop(m.Mask, m.Bounds)
	}
	clear(b.masks)
}

type hostBatch struct {
	ids, positions, rows, labels []int64
	segments                     []int32
	packed                       bool
}

// add appends one sequence whose first token is N-row base.
func (h *hostBatch) add(set Sequences, row int, base int64) {
	t := set.Length
	at := row * t
	start := 0
	for i := range t {
		segment := set.Segments[at+i]
		if i > 0 && segment != set.Segments[at+i-1] {
			start = i
			// Trailing padding is seen by nobody: causal attention suffices.
			h.packed = h.packed || segment != 0
		}
		h.ids = append(h.ids, int64(set.IDs[at+i]))
		h.positions = append(h.positions, int64(i-start))
		h.segments = append(h.segments, segment)
		if i+1 < t && set.Labels[at+i+1] >= 0 {
			h.rows = append(h.rows, base+int64(i))
			h.labels = append(h.labels, int64(set.Labels[at+i+1]))
		}
	}
}

// packing says which tokens see each other; plain sequences need nothing but causality,
// and a window of its own only where the kernel (flash) knows none.
func (b *Batch) packing(dtype shim.DType, flash bool) func(window int64) shim.Packing {
	return func(window int64) shim.Packing {
		if b.arena.Device() == shim.CPU {
			return shim.Packing{Positions: b.positions}
		}
		return b.packingCUDA(window, dtype, flash)
	}
}

// packingCUDA makes a packing once a load. The feed's own is not among those: they are
// dropped with every load, and it lives as long as the feed.
func (b *Batch) packingCUDA(window int64, dtype shim.DType, flash bool) shim.Packing {
	if !b.packed && (window == 0 || flash) {
		return shim.Packing{}
	}
	if flash && !b.documents.Bounds.Nil() {
		return b.documents
	}
	if p, ok := b.masks[window]; ok {
		return p
	}
	p := b.newPacking(window, dtype, flash)
	b.masks[window] = p
	return p
}

func (b *Batch) newPacking(window int64, dtype shim.DType, flash bool) shim.Packing {
	if !flash {
		return shim.Packing{Mask: b.arena.SegmentMask(b.segments, b.arms*b.sequences, b.length, window, dtype)}
	}
	bounds, longest := b.bounds()
	return shim.Packing{Bounds: b.arena.FromInt32(bounds, int64(len(bounds))), Longest: longest}
}

// bounds lists where segments begin, for CUDA's packed attention.
func (b *Batch) bounds() (bounds []int32, longest int64) {
	bounds = boundsOf(b.segments, int(b.length), []int32{0})
	for i := range len(bounds) - 1 {
		longest = max(longest, int64(bounds[i+1]-bounds[i]))
	}
	return bounds, longest
}

// boundsOf appends where segments of rows of some length end.
func boundsOf(segments []int32, length int, to []int32) []int32 {
	for i := 1; i <= len(segments); i++ {
		if i == len(segments) || i%length == 0 || segments[i] != segments[i-1] {
			to = append(to, int32(i))
		}
	}
	return to
}

// WeightedLoss is the sum of the batch's losses times their weights, of each arm: [K].
func (b *Batch) WeightedLoss(a *shim.Arena, l Loss) shim.Tensor {
	return a.WeightedSum(l.PerToken, b.weights, b.arms)
}

// Shape is what a captured step depends on: how many rows of an arm go through the head,
// and whether rows hold several documents.
func (b *Batch) Shape() (taken int64, packed bool) { return b.taken, b.packed }
