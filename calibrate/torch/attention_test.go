package torch

import (
	"errors"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

func TestPickBackend(t *testing.T) {
	times := decoder.BackendTimes{{Backend: shim.CuDNNBackend, Seconds: 1e-3}, {Backend: shim.FlashBackend, Seconds: 2e-3}}
	for name, want := range map[string]shim.Backend{"": shim.CuDNNBackend, "flash": shim.FlashBackend, "cudnn": shim.CuDNNBackend} {
		if got, err := pickBackend(times, name); err != nil || got != want {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	var input *calibrate.InputError
	if _, err := pickBackend(times, "efficient"); !errors.As(err, &input) {
		t.Errorf("a kernel that does not work was taken: %v", err)
	}
	if got, err := pickBackend(nil, ""); err != nil || got != shim.AutoBackend {
		t.Errorf("no choice: %v, %v", got, err)
	}
}
