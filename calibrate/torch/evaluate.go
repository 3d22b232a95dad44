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

// part is what a lane found in its share of the rows.
type part struct {
	sum    []float64 // weighted, of each arm
	tokens int
	losses []decoder.Loss // of each batch
	counts []int          // its labelled tokens of an arm
}

// meanLoss evaluates rows, batch of them at a time in each lane, without leaving a tape.
func meanLoss(lanes *decoder.Lanes, rows packfile.Rows, arms, batch int, collectors ...collector) (evaluation, error) {
	start := time.Now()
	out, parts := evaluation{loss: make([]float64, arms)}, make([]part, lanes.N())
	err := lanes.Each(func(i int, lane *decoder.Lane) {
		from, to := lanes.Share(i, rows.N)
		parts[i] = lossOf(lane, rows, from, to, arms, batch)
	})
	if err != nil {
		return out, err
	}
	err = lanes.InTurn(func(i int, lane *decoder.Lane) {
		p := parts[i]
		for arm := range p.sum {
			out.loss[arm] += p.sum[arm]
		}
		out.tokens += p.tokens
		for j, loss := range p.losses {
			for _, c := range collectors {
				c.add(lane.Arena, loss, p.counts[j])
			}
			lane.Arena.Drop(loss.PerToken, loss.Hit)
		}
	})
	for arm := range out.loss {
		out.loss[arm] /= float64(max(1, out.tokens))
	}
	out.seconds = time.Since(start).Seconds()
	return out, err
}

// lossOf runs rows from..to through a lane.
func lossOf(lane *decoder.Lane, rows packfile.Rows, from, to, arms, batch int) part {
	p, a := part{sum: make([]float64, arms)}, lane.Arena
	sum := make([]float64, arms)
	for ; from < to; from += batch {
		which := make([]int, 0, batch)
		for row := from; row < min(from+batch, to); row++ {
			which = append(which, row)
		}
		b := decoder.NewBatch(a, sequencesOf(rows), which, arms, 1)
		if b.Labelled() > 0 {
			loss := lane.Reader.Loss(a, b)
			total := b.WeightedLoss(a, loss)
			a.Doubles(total, sum)
			a.Drop(total)
			for arm := range sum {
				p.sum[arm] += sum[arm]
			}
			p.tokens += b.Labelled()
			p.losses, p.counts = append(p.losses, loss), append(p.counts, b.Labelled())
		}
		b.Drop()
	}
	return p
}
