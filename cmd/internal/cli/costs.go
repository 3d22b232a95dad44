package cli

import (
	"strings"

	"ftadvise/calibrate"
	"ftadvise/calibrate/estimate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/store"
	"ftadvise/cmd/internal/config"
)

// measuredCosts takes the costs of the newest run with the same model and shape.
func (a *app) measuredCosts(c config.Config, spec calibrate.Spec) ([]calibrate.Cost, string, error) {
	s, err := a.openStore(c)
	if err != nil {
		return nil, "", err
	}
	runs, _, err := s.List()
	if err != nil {
		return nil, "", err
	}
	for _, run := range runs {
		same := run.Setup.Model.Fingerprint == spec.Model.Fingerprint && run.Setup.Device == spec.Device && run.Setup.Precision == spec.Precision &&
			run.Setup.SeqLength == spec.SeqLength && run.Setup.MicroBatch == spec.MicroBatch && run.Setup.Accumulation == spec.Accumulation
		if !same {
			continue
		}
		return costsOf(s, run.ID)
	}
	return nil, "", nil
}

func costsOf(s *store.Store, id string) ([]calibrate.Cost, string, error) {
	f, err := s.Folder(id)
	if err != nil {
		return nil, "", err
	}
	run, err := f.Load()
	if err != nil {
		return nil, "", err
	}
	return calibrate.CostsOf(run), "measured by run " + id, nil
}

// What a CPU core does, and what beginning a segment takes, where nothing was measured.
const (
	guessedFLOPsPerCore   = 4e10
	guessedSegmentSeconds = 0.3
)

// guessCosts reckons steps from the model's size and the device's kind.
func guessCosts(model hf.Config, s calibrate.Spec, machine evidence.Environment) ([]calibrate.Cost, string, error) {
	device := estimate.Device{Name: "CPU", FLOPsPerSecond: guessedFLOPsPerCore * float64(max(1, machine.Cores)) / estimate.Utilisation, BytesPerSecond: 1e10}
	if strings.HasPrefix(s.Device, "cuda") {
		device = guessGPU(machine.GPU)
	}
	var out []calibrate.Cost
	for _, method := range s.Methods() {
		step, err := estimate.Seconds(model, method, shapeOf(s), device)
		if err != nil {
			return nil, "", err
		}
		rows := float64(s.Data.EvalRows) / float64(s.MicroBatch*s.Accumulation)
		out = append(out, calibrate.Cost{Method: method, StepSeconds: step, EvalSeconds: step * rows / 3, SegmentSeconds: guessedSegmentSeconds + step*rows/3})
	}
	return out, "guessed for a " + device.Name, nil
}

// guessGPU finds the device by the driver's name for it; an unknown one is taken for
// an A100.
func guessGPU(name string) estimate.Device {
	var fallback estimate.Device
	for _, d := range estimate.Devices() {
		word, _, _ := strings.Cut(d.Name, "-")
		if strings.Contains(name, word) {
			return d
		}
		if strings.HasPrefix(d.Name, "A100") && fallback.Name == "" {
			fallback = d
		}
	}
	return fallback
}
