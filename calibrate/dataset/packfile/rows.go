package packfile

// IgnoreLabel marks a token whose prediction carries no loss, as PyTorch's
// cross-entropy and transformers have it.
const IgnoreLabel = -100

// Rows are N rows of SeqLength tokens, each slice holding them one after another.
type Rows struct {
	N, SeqLength int
	IDs          []int32
	// Labels equal IDs, or IgnoreLabel. Label i is predicted at position i-1, so
	// the first of each segment is IgnoreLabel.
	Labels []int32
	// Segments number the documents of a row from 1; 0 is padding. Attention stays
	// within a segment and positions begin anew in each.
	Segments []int32
}

// NewRows makes rows of padding.
func NewRows(n, length int) Rows {
	return Rows{N: n, SeqLength: length, IDs: make([]int32, n*length), Labels: make([]int32, n*length), Segments: make([]int32, n*length)}
}

// Set writes the token at a place counted over all rows.
func (r Rows) Set(at int, id int32, loss bool, segment int32) {
	r.IDs[at], r.Segments[at], r.Labels[at] = id, segment, IgnoreLabel
	if loss {
		r.Labels[at] = id
	}
}

// Slice is the rows from one to before another, sharing their memory.
func (r Rows) Slice(from, to int) Rows {
	a, b := from*r.SeqLength, to*r.SeqLength
	return Rows{N: to - from, SeqLength: r.SeqLength, IDs: r.IDs[a:b], Labels: r.Labels[a:b], Segments: r.Segments[a:b]}
}

// Predicted counts the labels that carry loss.
func (r Rows) Predicted() int64 {
	var n int64
	for _, label := range r.Labels {
		if label != IgnoreLabel {
			n++
		}
	}
	return n
}

// Answers numbers the segments that have labels, from 0: for each label that carries
// loss, in the order of the rows, the number of its segment; and how many there are.
func (r Rows) Answers() (of []int, n int) {
	segment := -1
	for i, label := range r.Labels {
		if label == IgnoreLabel {
			continue
		}
		if at := i - i%r.SeqLength; segment < at || r.Segments[i] != r.Segments[segment] {
			n++
		}
		segment = i
		of = append(of, n-1)
	}
	return of, n
}
