package teacher

import "math"

// reader reads rows side by side, a token of each at a time, and keeps their keys and
// values.
type reader struct {
	*Model
	rows, at     int
	keys, values [][]float32 // of a layer: row x position x key-value heads
	x, normed    []float32   // rows x hidden
	q, k, v, mix []float32
	gate, up     []float32
	logits       []float32
	weights      []float32 // of one head over positions
}

func (m *Model) reader(rows, length int) *reader {
	c := m.config
	kv, heads := c.KVHeads*c.HeadDim, c.Heads*c.HeadDim
	room := func(n int) []float32 { return make([]float32, rows*n) }
	r := &reader{Model: m, rows: rows, x: room(c.Hidden), normed: room(c.Hidden), q: room(heads), mix: room(heads), k: room(kv), v: room(kv),
		gate: room(c.Intermediate), up: room(c.Intermediate), logits: room(c.Vocab), weights: make([]float32, length)}
	for range m.layers {
		r.keys, r.values = append(r.keys, room(length*kv)), append(r.values, room(length*kv))
	}
	return r
}

// next reads one more token of each row; logits are then of what follows it.
func (r *reader) next(ids []int32, length int) {
	hidden := r.config.Hidden
	for i, id := range ids {
		copy(r.x[i*hidden:(i+1)*hidden], r.embedding.w[int(id)*hidden:])
	}
	for i := range r.layers {
		r.attend(i, length)
		r.feed(&r.layers[i])
	}
	r.normalise(r.norm)
	r.embedding.apply(r.logits, r.normed, false)
	r.at++
}

func (r *reader) attend(i, length int) {
	l := &r.layers[i]
	r.normalise(l.norm1)
	l.q.apply(r.q, r.normed, false)
	l.k.apply(r.k, r.normed, false)
	l.v.apply(r.v, r.normed, false)
	r.rotate(r.q)
	r.rotate(r.k)
	kv := len(r.k) / r.rows
	for row := range r.rows {
		to := (row*length + r.at) * kv
		copy(r.keys[i][to:to+kv], r.k[row*kv:])
		copy(r.values[i][to:to+kv], r.v[row*kv:])
		for head := range r.config.Heads {
			r.attendHead(i, row, head, length)
		}
	}
	l.o.apply(r.x, r.mix, true)
}

func (r *reader) attendHead(i, row, head, length int) {
	dim, kv := r.config.HeadDim, len(r.k)/r.rows
	from := row*length*kv + head/(r.config.Heads/r.config.KVHeads)*dim
	at := (row*r.config.Heads + head) * dim
	q, out := r.q[at:at+dim], r.mix[at:at+dim]
	weights, scale := r.weights[:r.at+1], float32(1/math.Sqrt(float64(dim)))
	for p := range weights {
		weights[p] = scale * dot(q, r.keys[i][from+p*kv:from+p*kv+dim])
	}
	softmax(weights)
	clear(out)
	for p, w := range weights {
		value := r.values[i][from+p*kv : from+p*kv+dim]
		for j := range out {
			out[j] += float32(w * value[j])
		}
	}
}

func (r *reader) feed(l *layer) {
	r.normalise(l.norm2)
	l.gate.apply(r.gate, r.normed, false)
	l.up.apply(r.up, r.normed, false)
	for i, g := range r.gate {
		r.gate[i] = float32(g/(1+float32(math.Exp(-float64(g))))) * r.up[i]
	}
	l.down.apply(r.x, r.gate, true)
}

// normalise is RMS norm of x.
func (r *reader) normalise(w []float32) {
	for at := 0; at < len(r.x); at += len(w) {
		x, y := r.x[at:at+len(w)], r.normed[at:at+len(w)]
		scale := float32(1 / math.Sqrt(float64(dot(x, x))/float64(len(w))+r.config.NormEps))
		for i, v := range x {
			y[i] = float32(v*scale) * w[i]
		}
	}
}

// rotate turns the heads of x to the reader's position (RoFormer, arXiv 2104.09864), half
// a head against the other as transformers has it.
func (r *reader) rotate(x []float32) {
	half := r.config.HeadDim / 2
	cos, sin := r.cos[r.at*half:(r.at+1)*half], r.sin[r.at*half:(r.at+1)*half]
	for at := 0; at < len(x); at += 2 * half {
		a, b := x[at:at+half], x[at+half:at+2*half]
		for i, c := range cos {
			a[i], b[i] = float32(a[i]*c)-float32(b[i]*sin[i]), float32(b[i]*c)+float32(a[i]*sin[i])
		}
	}
}

// softmax turns logits into probabilities in place.
func softmax(x []float32) {
	highest := x[0]
	for _, v := range x {
		highest = max(highest, v)
	}
	var sum float64
	for i, v := range x {
		e := math.Exp(float64(v - highest))
		sum += e
		x[i] = float32(e)
	}
	for i := range x {
		x[i] = float32(float64(x[i]) / sum)
	}
}
