package shim

// #include "shim.h"
import "C"

// SingularValues are those of a matrix [rows, cols], the largest first. They are the
// roots of the eigenvalues of its Gram matrix in double precision, several times faster
// than a decomposition; a value below a hundred-millionth of the largest is noise.
func (a *Arena) SingularValues(t Tensor, rows, cols int64) []float64 {
	n := min(rows, cols)
	if a.err != nil || n == 0 {
		return nil
	}
	out := make([]float64, n)
	if !a.ok("singular values", C.fta_singular_values(t.p, (*C.double)(&out[0]), C.int64_t(n))) {
		return nil
	}
	return out
}
