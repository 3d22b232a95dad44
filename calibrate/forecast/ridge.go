package forecast

import "math"

// moments are the sums that a weighted regression with an intercept needs. They can
// be added and taken away, so leaving a family out costs no second pass.
type moments struct {
	gram  [][]float64 // lower triangle; the intercept comes first
	right []float64
}

func newMoments(terms int) moments {
	m := moments{right: make([]float64, terms+1)}
	for k := range terms + 1 {
		m.gram = append(m.gram, make([]float64, k+1))
	}
	return m
}

// add counts an observation y of x with a weight, which is negative to take it away.
func (m moments) add(x []float64, y, weight float64) {
	term := func(k int) float64 {
		if k == 0 {
			return 1
		}
		return x[k-1]
	}
	for k := range m.right {
		weighted := weight * term(k)
		m.right[k] += weighted * y
		for j := range k + 1 {
			m.gram[k][j] += weighted * term(j)
		}
	}
}

// ridge minimises the weighted squares plus a penalty on every coefficient but the
// intercept. The systems have at most twenty unknowns, so a Cholesky factorisation
// stands here instead of a linear-algebra library of megabytes in a binary that must
// start in milliseconds.
func (m moments) ridge(penalty float64) (intercept float64, coef []float64) {
	a, b := make([][]float64, len(m.right)), append([]float64(nil), m.right...)
	for k := range a {
		a[k] = append([]float64(nil), m.gram[k]...)
		if k > 0 {
			a[k][k] += penalty
		}
	}
	factorise(a)
	for k := range b {
		b[k] = (b[k] - dot(a[k][:k], b[:k])) / a[k][k]
	}
	for k := len(b) - 1; k >= 0; k-- {
		for i := k + 1; i < len(b); i++ {
			b[k] -= a[i][k] * b[i]
		}
		b[k] /= a[k][k]
	}
	return b[0], b[1:]
}

// factorise replaces the lower triangle of a symmetric positive definite matrix by
// its Cholesky factor.
func factorise(a [][]float64) {
	for k := range a {
		for j := range k {
			a[k][j] = (a[k][j] - dot(a[k][:j], a[j][:j])) / a[j][j]
		}
		a[k][k] = math.Sqrt(math.Max(a[k][k]-dot(a[k][:k], a[k][:k]), 1e-12))
	}
}

func dot(a, b []float64) float64 {
	var sum float64
	for i := range b {
		sum += a[i] * b[i]
	}
	return sum
}
