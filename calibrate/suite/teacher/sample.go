package teacher

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
)

// abreast is how many rows are read side by side: the weights of one layer are then read
// once for all of them.
const abreast = 64

// Rows says which rows to draw: so many of Length tokens, from a number on, each beginning
// with one of the tokens in First. A row depends on the seed and its number alone.
type Rows struct {
	From, N, Length int
	First           []int32
	Seed            uint64
}

// Sample draws rows from the model.
func (m *Model) Sample(s Rows) [][]int32 {
	out := make([][]int32, s.N)
	m.abreast(s.N, s.Length, func(r *reader, from int) {
		rngs := make([]*rand.Rand, r.rows)
		ids := make([]int32, r.rows)
		for i := range ids {
			rngs[i] = rand.New(rand.NewPCG(s.Seed, uint64(s.From+from+i)))
			ids[i] = s.First[rngs[i].IntN(len(s.First))]
			out[from+i] = append(make([]int32, 0, s.Length), ids[i])
		}
		for range s.Length - 1 {
			r.next(ids, s.Length)
			for i := range ids {
				ids[i] = draw(rngs[i], r.logitsOf(i))
				out[from+i] = append(out[from+i], ids[i])
			}
		}
	})
	return out
}

// Loss is the mean loss of the model on rows of one length, in nats a token; the first
// token of a row is given.
func (m *Model) Loss(rows [][]int32) float64 {
	length := len(rows[0])
	sums := make([]float64, len(rows))
	m.abreast(len(rows), length, func(r *reader, from int) {
		ids := make([]int32, r.rows)
		for p := range length - 1 {
			for i := range ids {
				ids[i] = rows[from+i][p]
			}
			r.next(ids, length)
			for i := range ids {
				p := r.logitsOf(i)
				softmax(p)
				sums[from+i] -= math.Log(float64(p[rows[from+i][r.at]]))
			}
		}
	})
	total := 0.0
	for _, s := range sums {
		total += s
	}
	return total / float64(len(rows)*(length-1))
}

func (r *reader) logitsOf(row int) []float32 {
	n := r.config.Vocab
	return r.logits[row*n : (row+1)*n]
}

// draw takes a token by its probability.
func draw(rng *rand.Rand, logits []float32) int32 {
	softmax(logits)
	left := rng.Float64()
	for id, p := range logits {
		left -= float64(p)
		if left < 0 {
			return int32(id)
		}
	}
	return int32(len(logits) - 1) // probabilities of fp32 add up to a little less than 1
}

// abreast hands out the rows by so many, to all processors. What comes of a row does not
// depend on its neighbours.
func (m *Model) abreast(rows, length int, read func(r *reader, from int)) {
	froms := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for from := range froms {
				read(m.reader(min(abreast, rows-from), length), from)
			}
		})
	}
	for from := 0; from < rows; from += abreast {
		froms <- from
	}
	close(froms)
	workers.Wait()
}
