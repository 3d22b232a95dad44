package torch

import (
	"time"

	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// evaluation is the mean loss over a set, of each arm.
type evaluation struct {
	loss    []float64 // nats a predicted token
	tokens  int       // predicted ones
	seconds float64
}

// collector hears of each batch's losses, of labelled tokens an arm.
type collector interface {
	add(a *shim.Arena, loss decoder.Loss, labelled int)
}

// meanLoss evaluates rows, batch of them at a time, without leaving a tape.
func meanLoss(a *shim.Arena, m *decoder.Model, rows packfile.Rows, arms, batch int, collectors ...collector) (evaluation, error) {
	start := time.Now()
	out := evaluation{loss: make([]float64, arms)}
	sum := make([]float64, arms)
	for from := 0; from < rows.N; from += batch {
		which := make([]int, 0, batch)
		for row := from; row < min(from+batch, rows.N); row++ {
			which = append(which, row)
		}
		b := decoder.NewBatch(a, sequencesOf(rows), which, arms, 1)
		if b.Labelled() > 0 {
			loss := m.Loss(a, b)
			total := b.WeightedLoss(a, loss)
			a.Doubles(total, sum)
			for _, c := range collectors {
				c.add(a, loss, b.Labelled())
			}
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
