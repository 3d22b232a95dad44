package torch

import (
	"time"

	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// evaluation is the mean loss over a set, of each arm.
type evaluation struct {
	loss    []float64 // nats a predicted token
	tokens  int       // predicted ones
	seconds float64
}

// meanLoss evaluates n rows, batch rows at a time, without leaving a tape.
func meanLoss(a *shim.Arena, m *decoder.Model, rows decoder.Sequences, n, arms, batch int, tokens *tokenLosses) (evaluation, error) {
	start := time.Now()
	out := evaluation{loss: make([]float64, arms)}
	sum := make([]float64, arms)
	for from := 0; from < n; from += batch {
		which := make([]int, 0, batch)
		for row := from; row < min(from+batch, n); row++ {
			which = append(which, row)
		}
		b := decoder.NewBatch(a, rows, which, arms, 1)
		if b.Labelled() > 0 {
			loss := m.Loss(a, b)
			total := b.WeightedLoss(loss)
			a.Doubles(total, sum)
			tokens.add(a, loss, b.Labelled())
			a.Drop(loss.PerToken, loss.Hit, total)
			for arm := range sum {
				out.loss[arm] += sum[arm]
			}
			out.tokens += b.Labelled()
		}
		b.Drop()
		if err := a.Err(); err != nil {
			return out, err
		}
	}
	for arm := range out.loss {
		out.loss[arm] /= float64(max(1, out.tokens))
	}
	out.seconds = time.Since(start).Seconds()
	return out, nil
}
