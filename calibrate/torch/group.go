package torch

import (
	"context"
	"errors"
	"slices"

	"ftadvise/calibrate"
	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// session is what all segments of a group share.
type session struct {
	*Engine
	group     calibrate.Group
	observe   func(calibrate.Event)
	device    int
	precision decoder.Precision
	model     *hf.Model
	pack      packfile.Pack
	trace     []traceEvent // of the trials so far, where a profile is asked for
	traced    int          // trials in it
}

func (e *Engine) train(ctx context.Context, group calibrate.Group, observe func(calibrate.Event)) error {
	s := &session{Engine: e, group: group, observe: observe}
	if err := s.open(e.noCUDA); err != nil {
		return err
	}
	defer s.model.Close()
	if err := e.finite(ctx, s); err != nil {
		return err
	}
	var err error
	if s.pack, err = packfile.Read(group.PackPath); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	for _, bundle := range bundles(group, s.pack.Train.SeqLength) {
		if err := s.trainBundle(ctx, bundle); err != nil {
			return err
		}
	}
	return s.writeTrace()
}

func (s *session) open(noCUDA string) error {
	device, err := deviceOf(s.group.Device, noCUDA)
	if err != nil {
		return err
	}
	s.device = device
	if err := shim.SideStream(device); err != nil {
		return err
	}
	if s.precision, err = decoder.ParsePrecision(s.group.Precision); err != nil {
		return &calibrate.InputError{Where: "precision", What: err.Error(), Hint: "use fp32 on a CPU, bf16 on a GPU"}
	}
	if device == shim.CPU && s.precision.Compute != shim.F32 {
		return &calibrate.InputError{Where: "precision", What: s.group.Precision + " needs a GPU", Hint: "use fp32 on a CPU"}
	}
	if s.group.Threads > 0 {
		shim.SetThreads(s.group.Threads)
	}
	if s.group.RandomWeights {
		s.model, err = hf.OpenConfig(s.group.ModelDir)
	} else {
		s.model, err = hf.Open(s.group.ModelDir)
	}
	return err
}

// finite reads the weights once in the engine's life: a NaN among them would look like a
// method that diverges.
func (e *Engine) finite(ctx context.Context, s *session) error {
	if s.group.RandomWeights || e.finiteDir == s.group.ModelDir {
		return nil
	}
	warnings, err := s.model.CheckFinite(ctx)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		s.observe(calibrate.LogLine{Level: "warning", Text: w.Text})
	}
	e.finiteDir = s.group.ModelDir
	return nil
}

// check catches what would end in an index error deep inside libtorch.
func (s *session) check() error {
	if err := positive("batch", s.group.MicroBatch, "sequences"); err != nil {
		return err
	}
	if err := positive("accumulation", s.group.Accumulation, "batches"); err != nil {
		return err
	}
	highest := 0
	for _, set := range []packfile.Rows{s.pack.Train, s.pack.Eval, s.pack.General} {
		for _, id := range set.IDs {
			highest = max(highest, int(id))
		}
	}
	if err := s.model.Config.CheckTokens(highest); err != nil {
		return err
	}
	return s.model.Config.CheckSequence(s.pack.Train.SeqLength)
}

// maxBundleTokens is the size of an arm's step up to which several arms in one pass are
// faster than one after another: above it products are large enough by themselves.
const (
	maxBundleTokensCPU  = 512
	maxBundleTokensCUDA = 4096
	maxBundle           = 8
)

// bundles groups neighbouring segments that may train in one pass: LoRA arms of the
// learning-rate search, alike in all but rate, rank and seed, and with adapters alone. Other
// stages measure step time and memory and so train alone.
func bundles(group calibrate.Group, seqLength int) [][]calibrate.Segment {
	most := maxBundle
	limit := maxBundleTokensCUDA
	if group.Device == "cpu" {
		limit = maxBundleTokensCPU
	}
	if group.MicroBatch*seqLength > limit {
		most = 1
	}
	var out [][]calibrate.Segment
	for _, segment := range group.Segments {
		if n := len(out); n > 0 && len(out[n-1]) < most && alike(out[n-1][0], segment) {
			out[n-1] = append(out[n-1], segment)
		} else {
			out = append(out, []calibrate.Segment{segment})
		}
	}
	return out
}

func alike(a, b calibrate.Segment) bool {
	ma, mb := a.Trial.Method, b.Trial.Method
	return a.Trial.Stage == evidence.StageSearch && b.Trial.Stage == evidence.StageSearch &&
		ma.Kind == evidence.LoRA && mb.Kind == evidence.LoRA && ma.Targets == mb.Targets && ma.Dropout == 0 && mb.Dropout == 0 &&
		ma.Variant == mb.Variant && ma.ModulesToSave == "" && mb.ModulesToSave == "" && a.Measure == nil && b.Measure == nil &&
		a.FromStep == b.FromStep && a.ToStep == b.ToStep && a.General == b.General && a.DeadlineSeconds == b.DeadlineSeconds &&
		slices.Equal(a.EvalSteps, b.EvalSteps)
}

// trainBundle trains arms side by side. Running out of memory there ends them with that
// outcome; the caller goes on with the next.
func (s *session) trainBundle(ctx context.Context, bundle []calibrate.Segment) error {
	r, err := s.newRun(bundle)
	if err == nil {
		defer r.close()
		err = r.train(ctx)
	}
	if errors.Is(err, shim.ErrOutOfMemory) {
		s.endAll(bundle, evidence.OutOfMemory, err.Error())
		return nil
	}
	return err
}

func (s *session) warn(text string) {
	s.observe(calibrate.LogLine{Level: "warning", Text: text})
}

func (s *session) endAll(bundle []calibrate.Segment, status evidence.Status, reason string) {
	for _, segment := range bundle {
		s.observe(calibrate.TrialEnded{Trial: segment.Trial.ID, Status: status, Reason: reason, Steps: segment.FromStep})
	}
}
