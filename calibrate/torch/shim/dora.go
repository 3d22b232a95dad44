package shim

// #include "shim.h"
import "C"

// RowSquares is out [rows] fp32 = the sum of squares of each row of w [rows, cols].
func (a *Arena) RowSquares(out, w Tensor) {
	if a.err == nil {
		a.ok("row squares", C.fta_row_squares(w.p, out.p))
	}
}

// AdaptedNorm is out [.., rows] fp32 = sqrt(squares + the row sums of t * b), for
// t and b [.., rows, r].
func (a *Arena) AdaptedNorm(out, squares, t, b Tensor) {
	if a.err == nil {
		a.ok("adapted norm", C.fta_adapted_norm(squares.p, t.p, b.p, out.p))
	}
}

// Divide is out = x / y, element by element.
func (a *Arena) Divide(out, x, y Tensor) {
	if a.err == nil {
		a.ok("divide", C.fta_divide(out.p, x.p, y.p))
	}
}

// MulColumns multiplies each column of t [.., n, d] by its factor [.., d], in place.
func (a *Arena) MulColumns(t, by Tensor) {
	if a.err == nil {
		a.ok("scale columns", C.fta_mul_columns(t.p, by.p))
	}
}

// ColumnDots is out [.., d] = beta out + the column sums of x * y [.., n, d], divided by
// over [.., d].
func (a *Arena) ColumnDots(out, x, y, over Tensor, beta float64) {
	if a.err == nil {
		a.ok("column products", C.fta_column_dots(out.p, x.p, y.p, over.p, C.double(beta)))
	}
}
