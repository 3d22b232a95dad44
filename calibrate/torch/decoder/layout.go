package decoder

import (
	"strings"

	"ftadvise/calibrate/hf"
)

// slot is where a parameter lies in the flat buffer. Matrices are [rows, cols] as
// [out, in]; vectors have rows 1.
type slot struct {
	name       string
	offset     int64
	rows, cols int64
	spare      int64 // zero rows after the last, which round a vocabulary up
	matrix     bool
	turned     bool // the file holds [in, out] (Conv1D)
}

func (s slot) elements() int64 { return s.rows * s.cols }

// layout places all parameters of a model.
type layout struct {
	slots    []slot
	index    map[string]int
	matrices int64 // elements of the first part, that of the matrices
	total    int64
}

// alignment keeps each fused group on a 128-byte boundary in every precision.
const alignment = 64

// vocabularyMultiple is what a GPU's matrix products want of every dimension; GPT-2's
// 50,257 pieces would else cost them a multiple of their time.
const vocabularyMultiple = 64

// newLayout puts matrices first, in an order that keeps those with one input adjacent,
// then vectors. With rounded, vocabularies get spare rows.
func newLayout(c hf.Config, rounded bool) *layout {
	turned := map[string]bool{}
	for _, m := range c.Modules() {
		turned[m.Name+".weight"] = m.Conv1D
	}
	l := &layout{index: map[string]int{}}
	params := c.Parameters()
	for _, p := range params {
		if len(p.Shape) == 2 {
			s := matrixSlot(p, turned[p.Name])
			if rounded && s.rows == int64(c.Vocab) {
				s.spare = (vocabularyMultiple - s.rows%vocabularyMultiple) % vocabularyMultiple
			}
			l.add(s)
		}
	}
	l.align()
	l.matrices = l.total
	for _, p := range params {
		if len(p.Shape) == 1 {
			l.add(slot{name: p.Name, rows: 1, cols: p.Shape[0]})
		}
	}
	l.align()
	return l
}

func matrixSlot(p hf.Parameter, turned bool) slot {
	s := slot{name: p.Name, rows: p.Shape[0], cols: p.Shape[1], matrix: true, turned: turned}
	if turned {
		s.rows, s.cols = s.cols, s.rows
	}
	return s
}

func (l *layout) align() { l.total = (l.total + alignment - 1) / alignment * alignment }

// add appends a slot; one that continues a fused group is not aligned.
func (l *layout) add(s slot) {
	if !continuesGroup(s.name) {
		l.align()
	}
	s.offset = l.total
	l.index[s.name] = len(l.slots)
	l.slots = append(l.slots, s)
	l.total += s.elements() + s.spare*s.cols
}

// continuesGroup reports whether the parameter follows q in q|k|v or gate in gate|up.
func continuesGroup(name string) bool {
	for _, part := range []string{".k_proj.", ".v_proj.", ".up_proj."} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// group is the slot that starts at first's and spans all of the names' rows.
func (l *layout) group(names ...string) (slot, bool) {
	i, ok := l.index[names[0]]
	if !ok {
		return slot{}, false
	}
	s := l.slots[i]
	for _, name := range names[1:] {
		next := l.slots[l.index[name]]
		if s.matrix {
			s.rows += next.rows
		} else {
			s.cols += next.cols
		}
	}
	return s, true
}
