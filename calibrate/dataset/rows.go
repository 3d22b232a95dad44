package dataset

import (
	"ftadvise/calibrate/dataset/packfile"
)

// rowBuilder packs encoded examples into rows. Each example keeps to one segment,
// and attention to that segment, so packing changes no loss.
type rowBuilder struct {
	length int
	max    int // rows; 0: no bound
	pad    bool
	rows   []packedRow
	open   []int // rows that may take more, oldest first
}

type packedRow struct {
	parts []encoded
	used  int
}

// openRows is how many rows wait for an example that fills them.
const openRows = 64

// add places an example into the fullest open row that it fits, else into a new
// one (best fit). It reports false when the rows are at their bound.
func (b *rowBuilder) add(t encoded) bool {
	best := -1
	for _, i := range b.open {
		if b.rows[i].used+len(t.ids) <= b.length && (best < 0 || b.rows[i].used > b.rows[best].used) {
			best = i
		}
	}
	if best < 0 {
		if b.max > 0 && len(b.rows) == b.max {
			return false
		}
		b.rows = append(b.rows, packedRow{})
		best = len(b.rows) - 1
		if !b.pad {
			b.open = append(b.open, best)
		}
	}
	b.rows[best].parts = append(b.rows[best].parts, t)
	b.rows[best].used += len(t.ids)
	if len(b.open) > openRows {
		b.open = b.open[1:]
	}
	return true
}

// build writes the rows out; padding has segment 0 and carries no loss.
func (b *rowBuilder) build(padID int32) packfile.Rows {
	out := packfile.NewRows(len(b.rows), b.length)
	for i, row := range b.rows {
		at := i * b.length
		for s, t := range row.parts {
			for j, id := range t.ids {
				out.Set(at, id, t.loss[j] && j > 0, int32(s+1))
				at++
			}
		}
		for ; at < (i+1)*b.length; at++ {
			out.Set(at, padID, false, 0)
		}
	}
	return out
}

// streamRows cuts one stream of tokens into rows of one segment each. What is left
// over at the end goes.
func streamRows(t encoded, length, maxRows int) packfile.Rows {
	n := len(t.ids) / length
	if maxRows > 0 {
		n = min(n, maxRows)
	}
	out := packfile.NewRows(n, length)
	for i := range n * length {
		out.Set(i, t.ids[i], t.loss[i] && i%length > 0, 1)
	}
	return out
}
