package decoder

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ftadvise/calibrate/torch/shim"
)

// TestProducts holds the tiles of matrix products to libtorch's, whole tiles and rests in every
// dimension, either side turned, and with more columns and depth than are packed at a time.
func TestProducts(t *testing.T) {
	begin(t)
	for _, s := range [][3]int64{{1, 1, 1}, {3, 5, 7}, {8, 16, 64}, {9, 17, 33}, {130, 40, 390}, {300, 270, 20}, {513, 48, 65}} {
		for turned := range 4 {
			t.Run(fmt.Sprintf("%v, turned %d", s, turned), func(t *testing.T) {
				for _, beta := range []float64{0, 1} {
					got, want := productOf(t, s, turned, beta, false), productOf(t, s, turned, beta, true)
					for i := range got {
						if math.Abs(float64(got[i]-want[i])) > 1e-4 {
							t.Fatalf("beta %v: element %d is %v, by libtorch %v", beta, i, got[i], want[i])
						}
					}
				}
			})
		}
	}
}

// productOf is out [m,n] = beta out + a b; bit 0 of turned gives a as its transpose, bit 1 b.
func productOf(t *testing.T, s [3]int64, turned int, beta float64, reference bool) []float32 {
	t.Helper()
	shim.Reference(reference)
	defer shim.Reference(false)
	arena := shim.NewArena(shim.CPU)
	defer arena.Reset()
	random := rand.New(rand.NewPCG(1, 2))
	matrix := func(rows, columns int64, turned bool) shim.Op {
		if turned {
			rows, columns = columns, rows
		}
		values := make([]float32, rows*columns)
		for i := range values {
			values[i] = float32(random.NormFloat64())
		}
		return shim.Op{Tensor: arena.FromFloat32(values, rows, columns), T: turned}
	}
	a, b, out := matrix(s[0], s[2], turned&1 != 0), matrix(s[2], s[1], turned&2 != 0), matrix(s[0], s[1], false)
	arena.Gemm(out.Tensor, a, b, beta, 1)
	result := make([]float32, s[0]*s[1])
	arena.Floats(out.Tensor, result)
	if err := arena.Err(); err != nil {
		t.Fatal(err)
	}
	return result
}
