package torch

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// gradientTokens is how many tokens the measured gradient is a mean of, whatever the
// batch: with more, its noise fades and its effective rank falls, so that figures of
// runs with other batches could not be compared.
const gradientTokens = 8192

// measured is the segment's Measure where the run trains all weights of a model that it
// read, alone.
func (r *run) measured() calibrate.Measure {
	m := r.arms[0].Measure
	if m == nil || len(r.arms) > 1 || r.arms[0].Trial.Method.Kind != evidence.Full || r.group.RandomWeights {
		return calibrate.Measure{}
	}
	return *m
}

// measureGradient tells the spectra of the gradient at the base weights and leaves
// memory and its peaks as it found them.
func (r *run) measureGradient() error {
	m := r.measured()
	if !m.Gradient || r.arms[0].FromStep != 0 {
		return nil
	}
	start := time.Now()
	tokens, err := r.baseGradient(start, m.Seconds)
	if err != nil || tokens == 0 {
		return err
	}
	energy, err := r.decoder.GradientEnergy()
	if err != nil {
		return err
	}
	out, err := r.spectrum(m, r.decoder.GradientValues)
	if whole := energy.Blocks + energy.Embeddings + energy.Vectors; err == nil && whole > 0 {
		out.Of, out.Tokens = calibrate.OfGradient, tokens
		out.EmbeddingShare, out.VectorShare = energy.Embeddings/whole, energy.Vectors/whole
		for i := range out.Weights {
			out.Weights[i].EnergyShare = out.Weights[i].Energy / whole
		}
	}
	r.tell(out, start, err)
	if err := shim.EmptyCache(r.device); err != nil {
		return err
	}
	return shim.ResetPeak(r.device)
}

// baseGradient leaves the mean gradient over a fixed set of training rows, the first of
// the run's order, and returns how many predicted tokens it saw until the time was up.
func (r *run) baseGradient(start time.Time, limit float64) (int, error) {
	n := min(r.pack.Train.N, (gradientTokens+r.pack.Train.SeqLength-1)/r.pack.Train.SeqLength)
	rows := newBatches(r.pack.Train, r.group.DataSeed, n).rows(1)
	all, seen := predicted(r.pack.Train, rows), 0
	for from := 0; from < n; from += r.group.MicroBatch {
		part := rows[from:min(n, from+r.group.MicroBatch)]
		if err := r.lanePass(part, 1/float64(max(1, all)), from > 0); err != nil {
			return 0, err
		}
		seen += predicted(r.pack.Train, part)
		if err := shim.Synchronize(r.device); err != nil {
			return 0, err
		}
		if limit > 0 && time.Since(start).Seconds() > limit {
			break
		}
	}
	return seen, r.lanes.Gather()
}

// measureUpdate tells the spectra of all that training has added to the base weights.
func (r *run) measureUpdate(status evidence.Status) {
	m := r.measured()
	if !m.Update || (status != evidence.Completed && status != evidence.CutByBudget) {
		return
	}
	start := time.Now()
	out, err := r.spectrum(m, func(name string) ([]float64, error) { return r.decoder.UpdateValues(name, r.model) })
	out.Of = calibrate.OfUpdate
	total := 0.0
	for _, w := range out.Weights {
		total += w.Energy
	}
	for i := range out.Weights {
		out.Weights[i].EnergyShare = out.Weights[i].Energy / max(total, tiny)
	}
	r.tell(out, start, err)
}

const tiny = 1e-300

// tell reports a spectrum, or that there is none: a measurement that fails, as for want
// of memory, says nothing about the trial.
func (r *run) tell(out calibrate.SpectrumMeasured, start time.Time, err error) {
	out.Trial, out.Seconds = r.arms[0].Trial.ID, time.Since(start).Seconds()
	if err == nil {
		if field := evidence.NotFinite(out); field != "" {
			err = fmt.Errorf("%s is not a finite number", field)
		}
	}
	if err != nil {
		r.observe(calibrate.LogLine{Level: "warning", Text: fmt.Sprintf("%s: spectrum not measured: %v", out.Trial, err)})
		return
	}
	if len(out.Weights) > 0 {
		r.observe(out)
	}
}

// spectrum measures whole layers, far ones first, until the time is up; the result
// lists them in the model's order.
func (r *run) spectrum(m calibrate.Measure, values func(name string) ([]float64, error)) (calibrate.SpectrumMeasured, error) {
	defer r.onAllCores()()
	start, layers := time.Now(), r.decoder.BlockWeights()
	out := calibrate.SpectrumMeasured{Step: r.at}
	done := map[int][]calibrate.WeightSpectrum{}
	var top topShares
	for _, layer := range layers {
		out.Total += len(layer)
	}
	for _, i := range decoder.Spread(len(layers)) {
		if len(done) > 0 && m.Seconds > 0 && time.Since(start).Seconds() > m.Seconds {
			break
		}
		for _, name := range layers[i] {
			singular, err := values(name)
			if err != nil {
				return out, err
			}
			top.add(singular)
			done[i] = append(done[i], weightSpectrum(name, singular, m.Rank))
		}
	}
	for i := range layers {
		out.Weights = append(out.Weights, done[i]...)
	}
	out.Top = top.shares()
	return out, nil
}

func weightSpectrum(name string, singular []float64, rank int) calibrate.WeightSpectrum {
	return calibrate.WeightSpectrum{
		Name: name, EffectiveRank: forecast.EffectiveRank(singular), StableRank: forecast.StableRank(singular),
		TopShare: forecast.TopShare(singular, rank), Energy: energyOf(singular),
	}
}

func energyOf(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v * v
	}
	return sum
}

// topShares sums the energy in the largest directions of several matrices, at ranks
// that double.
type topShares struct {
	within []float64 // the 2^i largest
	whole  float64
}

// mostRank is the highest rank of a curve of top shares.
const mostRank = 512

func (t *topShares) add(singular []float64) {
	t.whole += energyOf(singular)
	for i, rank := 0, 1; rank <= mostRank; i, rank = i+1, 2*rank {
		if i == len(t.within) {
			t.within = append(t.within, 0)
		}
		t.within[i] += energyOf(singular[:min(rank, len(singular))])
	}
}

// shares ends at the first rank that holds all energy.
func (t *topShares) shares() []evidence.RankShare {
	var out []evidence.RankShare
	for i, within := range t.within {
		share := min(1, within/max(t.whole, tiny))
		out = append(out, evidence.RankShare{Rank: 1 << i, Share: share})
		if share > 1-1e-9 {
			break
		}
	}
	return out
}

// tokenLosses collects losses token by token while a set is evaluated.
type tokenLosses struct{ nats []float32 }

func (t *tokenLosses) add(a *shim.Arena, loss decoder.Loss, tokens int) {
	if t == nil {
		return
	}
	part := make([]float32, tokens)
	a.Floats(loss.PerToken, part)
	t.nats = append(t.nats, part...)
}

// describe says how the losses are spread; uniform is that of guessing.
func (t *tokenLosses) describe(uniform float64) evidence.TokenLosses {
	n := len(t.nats)
	if n == 0 {
		return evidence.TokenLosses{}
	}
	slices.Sort(t.nats)
	out := evidence.TokenLosses{Tokens: n, P10: t.quantile(0.1), P50: t.quantile(0.5), P90: t.quantile(0.9), P99: t.quantile(0.99)}
	sum, worst, above := 0.0, 0.0, 0
	for i, loss := range t.nats {
		sum += float64(loss)
		if i >= n-(n+9)/10 {
			worst += float64(loss)
		}
		if float64(loss) > uniform {
			above++
		}
	}
	out.Mean, out.AboveUniform, out.WorstTenth = sum/float64(n), float64(above)/float64(n), worst/max(sum, tiny)
	return out
}

// quantile of sorted losses, interpolated (type 7 of Hyndman and Fan 1996).
func (t *tokenLosses) quantile(q float64) float64 {
	at := q * float64(len(t.nats)-1)
	low := int(at)
	high := min(low+1, len(t.nats)-1)
	return float64(t.nats[low]) + (at-float64(low))*float64(t.nats[high]-t.nats[low])
}

// beyond is the share of the sorted losses above a limit.
func (t *tokenLosses) beyond(limit float64) float64 {
	at, _ := slices.BinarySearchFunc(t.nats, limit, func(loss float32, limit float64) int {
		if float64(loss) <= limit {
			return -1
		}
		return cmp.Compare(float64(loss), limit)
	})
	return float64(len(t.nats)-at) / float64(max(1, len(t.nats)))
}

// collector is where an evaluation's losses go token by token, if anywhere.
func (r *run) collector(step int, set string) *tokenLosses {
	m := r.arms[0].Measure
	if step != 0 || m == nil || !m.Tokens || len(r.arms) > 1 {
		return nil
	}
	if r.tokens == nil {
		r.tokens = map[string]*tokenLosses{}
	}
	r.tokens[set] = &tokenLosses{}
	return r.tokens[set]
}

// tellTokens reports what was collected.
func (r *run) tellTokens(step int) {
	held := r.tokens[calibrate.SetHeldOut]
	if held == nil || len(held.nats) == 0 {
		return
	}
	uniform := r.decoder.UniformLoss()
	out := calibrate.TokensMeasured{Trial: r.arms[0].Trial.ID, Step: step, HeldOut: held.describe(uniform)}
	if general := r.tokens[calibrate.SetGeneral]; general != nil && len(general.nats) > 0 {
		d := general.describe(uniform)
		out.General, out.BeyondGeneral = &d, new(held.beyond(d.P90))
	}
	r.tokens = nil
	if evidence.NotFinite(out) == "" {
		r.observe(out)
	}
}
