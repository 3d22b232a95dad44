package teacher

// apply sets y to the product of each of x's vectors with the matrix, or adds it. Four
// outputs of two vectors are made at a time, which keeps weights in registers.
func (m matrix) apply(y, x []float32, add bool) {
	rows := len(x) / m.in
	for o := 0; o < m.out; o += 4 {
		w := m.w[o*m.in : min(o+4, m.out)*m.in]
		for r := 0; r < rows; r += 2 {
			if len(w) == 4*m.in && r+2 <= rows {
				a, b := dots(w, x[r*m.in:(r+1)*m.in], x[(r+1)*m.in:(r+2)*m.in])
				put(y[r*m.out+o:], a, add)
				put(y[(r+1)*m.out+o:], b, add)
				continue
			}
			for i := r; i < min(r+2, rows); i++ {
				for j := 0; j*m.in < len(w); j++ {
					v := single(w[j*m.in:(j+1)*m.in], x[i*m.in:(i+1)*m.in])
					if add {
						v += y[i*m.out+o+j]
					}
					y[i*m.out+o+j] = v
				}
			}
		}
	}
}

func put(y []float32, v [4]float32, add bool) {
	y = y[:4]
	if add {
		y[0], y[1], y[2], y[3] = y[0]+v[0], y[1]+v[1], y[2]+v[2], y[3]+v[3]
		return
	}
	y[0], y[1], y[2], y[3] = v[0], v[1], v[2], v[3]
}

// dots are the products of four rows of weights with two vectors. The conversions keep a
// compiler from fusing, which would round otherwise on other processors.
func dots(w, x, y []float32) (a, b [4]float32) {
	n := len(x)
	w0, w1, w2, w3 := w[:n], w[n:2*n], w[2*n:3*n], w[3*n:4*n]
	y = y[:n]
	var a0, a1, a2, a3, b0, b1, b2, b3 float32
	for i := range x {
		xi, yi := x[i], y[i]
		v0, v1, v2, v3 := w0[i], w1[i], w2[i], w3[i]
		a0 += float32(v0 * xi)
		b0 += float32(v0 * yi)
		a1 += float32(v1 * xi)
		b1 += float32(v1 * yi)
		a2 += float32(v2 * xi)
		b2 += float32(v2 * yi)
		a3 += float32(v3 * xi)
		b3 += float32(v3 * yi)
	}
	return [4]float32{a0, a1, a2, a3}, [4]float32{b0, b1, b2, b3}
}

// single is the product of one row with one vector, in the order of dots.
func single(w, x []float32) float32 {
	var sum float32
	for i, v := range w {
		sum += float32(v * x[i])
	}
	return sum
}

// dot has four sums, for speed.
func dot(x, y []float32) float32 {
	y = y[:len(x)]
	var a, b, c, d float32
	i := 0
	for ; i+4 <= len(x); i += 4 {
		a += float32(x[i] * y[i])
		b += float32(x[i+1] * y[i+1])
		c += float32(x[i+2] * y[i+2])
		d += float32(x[i+3] * y[i+3])
	}
	for ; i < len(x); i++ {
		a += float32(x[i] * y[i])
	}
	return (a + b) + (c + d)
}
