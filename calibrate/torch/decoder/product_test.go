package decoder

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ftadvise/calibrate/torch/shim"
)

// TestProducts holds the tiles of matrix products to libtorch's, whole tiles and rests in every
// dimension, either side turned, and with more columns and depth than are packed at a time; the
// last four shapes go to AMX where there is any.
func TestProducts(t *testing.T) {
	begin(t)
	for _, s := range [][3]int64{{1, 1, 1}, {3, 5, 7}, {8, 16, 64}, {9, 17, 33}, {130, 40, 390}, {300, 270, 20}, {513, 48, 65}, {100, 70, 200}, {65, 49, 250}, {520, 344, 64}, {70, 600, 400}} {
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

// TestProductsOfAnyThreads lets numbers of threads divide a product: no bit may change.
func TestProductsOfAnyThreads(t *testing.T) {
	begin(t)
	threads := shim.Threads()
	defer shim.SetThreads(threads)
	for _, s := range [][3]int64{{300, 270, 20}, {520, 344, 64}, {70, 600, 400}} {
		for turned := range 4 {
			shim.SetThreads(1)
			want := productOf(t, s, turned, 1, false)
			for _, n := range []int{2, 3, 5} {
				shim.SetThreads(n)
				if !slices.Equal(productOf(t, s, turned, 1, false), want) {
					t.Errorf("%v, turned %d: %d threads compute something else", s, turned, n)
				}
			}
		}
	}
}

// TestProductsAreExact holds the error of products, over numbers of many sizes, to what
// sums in fp32 have.
func TestProductsAreExact(t *testing.T) {
	begin(t)
	for _, s := range [][3]int64{{96, 64, 64}, {96, 64, 1024}} {
		random := rand.New(rand.NewPCG(3, 4))
		number := func() float32 { return float32(random.NormFloat64() * math.Exp2(random.Float64()*24-12)) }
		a, b := make([]float32, s[0]*s[2]), make([]float32, s[2]*s[1])
		for _, x := range [][]float32{a, b} {
			for i := range x {
				x[i] = number()
			}
		}
		arena := shim.NewArena(shim.CPU)
		out := make([]float32, s[0]*s[1])
		arena.Floats(arena.Product(shim.Op{Tensor: arena.FromFloat32(a, s[0], s[2])}, shim.Op{Tensor: arena.FromFloat32(b, s[2], s[1])}), out)
		if err := arena.Err(); err != nil {
			t.Fatal(err)
		}
		arena.Reset()
		apart, size := 0.0, 0.0
		for i := range s[0] {
			for j := range s[1] {
				exact := 0.0
				for k := range s[2] {
					exact += float64(a[i*s[2]+k]) * float64(b[k*s[1]+j])
				}
				apart += math.Pow(float64(out[i*s[1]+j])-exact, 2)
				size += exact * exact
			}
		}
		if worst := math.Sqrt(apart / size); !(worst < 5e-7) {
			t.Errorf("%v: the product is %g of its size off", s, worst)
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
