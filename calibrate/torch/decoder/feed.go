package decoder

import (
	"unsafe"

	"ftadvise/calibrate/torch/shim"
)

// feedSlots lets the host fill batches ahead while a device still works on older ones.
const feedSlots = 4

// Feed brings one micro-batch after another to the same place on the device, so that a
// captured step finds each where it found the first. Copies start from pinned memory and
// are not waited for. How many rows carry loss differs from batch to batch: they are
// filled up to a multiple of a grain by rows that weigh nothing, so that few shapes occur.
type Feed struct {
	set             Sequences
	sequences, arms int
	grain           int // of one arm's labelled rows
	documents       int // the most that a micro-batch of all arms may hold

	arena   *shim.Arena
	stage   *shim.Stage
	device  shim.Tensor // int64 words: ids, positions, rows, labels, weights, documents' bounds
	host    hostBatch
	batches map[feedShape]*Batch
}

// feedShape is what distinguishes the batches that a captured step can take.
type feedShape struct {
	taken  int64
	packed bool
}

// NewFeed makes room for micro-batches of some sequences of a set, each for every arm.
func NewFeed(device int, set Sequences, sequences, arms int) (*Feed, error) {
	f := &Feed{set: set, sequences: sequences, arms: arms, grain: 1, arena: shim.NewArena(device), batches: map[feedShape]*Batch{}}
	if device != shim.CPU {
		f.grain = max(64, sequences*set.Length/8)
	}
	f.documents = arms * sequences * mostDocuments(set)
	var err error
	if f.stage, err = shim.NewStage(device, 8*f.words(), feedSlots); err != nil {
		f.Close()
		return nil, err
	}
	f.device = f.arena.Zeros(shim.Int64, int64(f.words()))
	if err := f.arena.Err(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// mostDocuments is the largest number of segments in a row of the set.
func mostDocuments(set Sequences) int {
	most := 1
	for from := 0; from+set.Length <= len(set.Segments); from += set.Length {
		n := 1
		for i := from + 1; i < from+set.Length; i++ {
			if set.Segments[i] != set.Segments[i-1] {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// tokens are those of a micro-batch; at most so many rows carry loss.
func (f *Feed) tokens() int { return f.arms * f.sequences * f.set.Length }

// The parts of the device's words, in the order in which they lie.
func (f *Feed) positionsAt() int { return f.tokens() }
func (f *Feed) rowsAt() int      { return 2 * f.tokens() }
func (f *Feed) labelsAt() int    { return 3 * f.tokens() }
func (f *Feed) weightsAt() int   { return 4 * f.tokens() }
func (f *Feed) boundsAt() int    { return f.weightsAt() + (f.tokens()+1)/2 }
func (f *Feed) words() int       { return f.boundsAt() + (f.documents+2)/2 }

// Load brings rows of the set to the device. The batch is good until the next Load, and
// its place, with what it shares with others of its shape, until Close.
func (f *Feed) Load(a *shim.Arena, which []int, weight float64) *Batch {
	room, err := f.stage.Room()
	if err != nil {
		a.Fail(err)
		return newBatch(f.arena, f.sequences, f.set.Length, f.arms)
	}
	words := unsafe.Slice((*int64)(unsafe.Pointer(&room[0])), f.words())
	labelled, taken := f.fill(words, which)
	f.weigh(words, labelled, taken, weight)
	if f.host.packed {
		f.bound(words)
	}
	a.Send(f.stage, f.device, len(room))
	b := f.batch(feedShape{int64(taken), f.host.packed})
	b.labelled, b.segments = int64(labelled), f.host.segments
	b.dropMasks()
	a.Fail(f.arena.Err())
	return b
}

// fill writes ids, positions, labelled rows and their labels for every arm, and returns
// how many rows of one arm carry loss and how many are taken.
func (f *Feed) fill(words []int64, which []int) (labelled, taken int) {
	part := func(from int) []int64 { return words[from : from : from+f.tokens()] }
	f.host = hostBatch{
		ids: part(0), positions: part(f.positionsAt()), rows: part(f.rowsAt()), labels: part(f.labelsAt()), segments: f.host.segments[:0],
	}
	t := f.set.Length
	for arm := range f.arms {
		first := arm * len(which) * t
		for i, row := range which {
			f.host.add(f.set, row, int64(first+i*t))
		}
		if arm == 0 {
			labelled = len(f.host.rows)
			taken = min((labelled+f.grain-1)/f.grain*f.grain, len(which)*(t-1))
		}
		for range taken - labelled {
			// A sequence's last token predicts nothing, so its gradient is nothing already.
			f.host.rows = append(f.host.rows, int64(first+t-1))
			f.host.labels = append(f.host.labels, 0)
		}
	}
	return labelled, taken
}

func (f *Feed) weigh(words []int64, labelled, taken int, weight float64) {
	if weight == 0 {
		weight = 1 / max(1, float64(labelled))
	}
	weights := unsafe.Slice((*float32)(unsafe.Pointer(&words[f.weightsAt()])), f.tokens())
	for i := range f.arms * taken {
		weights[i] = 0
		if i%taken < labelled {
			weights[i] = float32(weight)
		}
	}
}

// bound writes where documents begin; those that are too few end where the last does.
func (f *Feed) bound(words []int64) {
	room := unsafe.Slice((*int32)(unsafe.Pointer(&words[f.boundsAt()])), f.documents+1)
	room[0] = 0
	bounds := boundsOf(f.host.segments, f.set.Length, room[:1])
	for len(bounds) < len(room) {
		bounds = append(bounds, int32(len(f.host.segments)))
	}
}

// batch views the device's words as a batch of a shape.
func (f *Feed) batch(s feedShape) *Batch {
	if b := f.batches[s]; b != nil {
		return b
	}
	b := newBatch(f.arena, f.sequences, f.set.Length, f.arms)
	n, m := int64(f.tokens()), int64(f.arms)*s.taken
	b.taken, b.packed = s.taken, s.packed
	b.ids, b.positions = f.part(0, n), f.part(f.positionsAt(), n)
	if m > 0 {
		b.rows, b.labels = f.part(f.rowsAt(), m), f.part(f.labelsAt(), m)
		b.weights = f.narrow(f.weightsAt(), (f.tokens()+1)/2, shim.F32, m)
	}
	if s.packed {
		b.documents = shim.Packing{Bounds: f.narrow(f.boundsAt(), (f.documents+2)/2, shim.Int32, int64(f.documents+1)), Longest: int64(f.set.Length)}
	}
	f.batches[s] = b
	return b
}

func (f *Feed) part(from int, n int64) shim.Tensor {
	return f.arena.Narrow(f.device, 0, int64(from), n)
}

// narrow views words as elements of half their width.
func (f *Feed) narrow(from, words int, dtype shim.DType, n int64) shim.Tensor {
	return f.arena.Narrow(f.arena.ViewAs(f.part(from, int64(words)), dtype), 0, 0, n)
}

// Close frees host and device memory; the device's work must be done.
func (f *Feed) Close() {
	if f == nil {
		return
	}
	f.arena.Reset()
	f.stage.Free()
}
