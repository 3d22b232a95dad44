package torch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ftadvise/calibrate"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// attentionWork is what the choice of an attention kernel depends on.
type attentionWork struct {
	device                                     int
	precision                                  decoder.Precision
	heads, kvHeads, headDim, sequences, length int
}

// chooseAttention takes the fastest attention kernel for the run's rows, timed once in
// the engine's life, or the one that was asked for.
func (r *run) chooseAttention() error {
	c := r.model.Config
	work := attentionWork{r.device, r.precision, c.Heads, c.KVHeads, c.HeadDim, r.group.MicroBatch * len(r.arms), r.pack.Train.SeqLength}
	times, known := r.attention[work]
	if !known {
		var err error
		if times, err = r.timeAttention(work); err != nil {
			return err
		}
	}
	backend, err := pickBackend(times, r.tuning.Attention)
	if err != nil {
		return err
	}
	r.decoder.SetBackend(backend)
	return nil
}

// timeAttention leaves memory and its peaks as it found them. Where there is too little
// for the timing, that says nothing of the training: the engine's first choice stands.
func (r *run) timeAttention(work attentionWork) (decoder.BackendTimes, error) {
	times, err := r.decoder.TimeAttention(work.sequences, work.length)
	switch {
	case errors.Is(err, decoder.ErrNoChoice):
		return nil, nil
	case errors.Is(err, shim.ErrOutOfMemory):
		times = nil
	case err != nil:
		return nil, err
	default:
		r.attention[work] = times
		r.tellAttention(times)
	}
	if err := shim.EmptyCache(r.device); err != nil {
		return nil, err
	}
	return times, shim.ResetPeak(r.device)
}

func (r *run) tellAttention(times decoder.BackendTimes) {
	var parts []string
	for _, t := range times {
		parts = append(parts, fmt.Sprintf("%s %.3f ms", t.Backend, 1e3*t.Seconds))
	}
	if len(parts) > 0 {
		r.observe(calibrate.LogLine{Level: "info", Text: "attention, a layer forward and backward: " + strings.Join(parts, ", ")})
	}
}

// pickBackend is the fastest kernel or the named one, which must be among them.
func pickBackend(times decoder.BackendTimes, name string) (shim.Backend, error) {
	if name == "" {
		return times.Best(), nil
	}
	i := slices.IndexFunc(times, func(t decoder.BackendTime) bool { return t.Backend.String() == name })
	if i < 0 {
		return 0, &calibrate.InputError{Where: "attention", What: fmt.Sprintf("no kernel %q for this model, precision and device", name), Hint: "leave the choice to the engine"}
	}
	return times[i].Backend, nil
}
