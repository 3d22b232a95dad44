package teacher

import (
	"math"
	"math/rand/v2"
)

// Change is what a teacher has beyond its base.
type Change struct {
	Rank       int     // of what is added to each projection; 0 is full rank
	Size       float64 // its Frobenius norm, in those of the matrix that it is added to
	Embeddings bool    // changed as well, at full rank
	Seed       uint64
}

// Change adds a random matrix to every projection: for a rank the product of two normal
// matrices, else a normal one.
func (m *Model) Change(c Change) {
	rng := rand.New(rand.NewPCG(c.Seed, 2026))
	for _, x := range m.projections() {
		x.add(random(rng, x.out, x.in, c.Rank), c.Size)
	}
	if c.Embeddings {
		m.embedding.add(random(rng, m.embedding.out, m.embedding.in, 0), c.Size)
	}
}

func random(rng *rand.Rand, out, in, rank int) matrix {
	if rank > 0 {
		return random(rng, out, rank, 0).times(random(rng, rank, in, 0))
	}
	x := matrix{out, in, make([]float32, out*in)}
	for i := range x.w {
		x.w[i] = float32(rng.NormFloat64())
	}
	return x
}

func (x matrix) times(y matrix) matrix {
	z := matrix{x.out, y.in, make([]float32, x.out*y.in)}
	for i := range x.out {
		for k := range x.in {
			for j := range y.in {
				z.w[i*z.in+j] += float32(x.w[i*x.in+k] * y.w[k*y.in+j])
			}
		}
	}
	return z
}

// add adds y, scaled to so many of x's own norms.
func (x matrix) add(y matrix, size float64) {
	scale := float32(size * x.size() / y.size())
	for i := range x.w {
		x.w[i] += float32(scale * y.w[i])
	}
}

// size is the Frobenius norm.
func (x matrix) size() float64 {
	sum := 0.0
	for _, v := range x.w {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
