package shim

// #include "shim.h"
import "C"

import "unsafe"

// CPU is the device number that means the CPU; CUDA devices count from 0.
const CPU = -1

// Memory is what libtorch holds on a device, in bytes. On a CPU, Reserved is the
// process's resident set.
type Memory struct {
	Allocated, PeakAllocated int64
	Reserved, PeakReserved   int64
	Free, Total              int64
}

// MemoryOf reads a device's memory.
func MemoryOf(device int) (Memory, error) {
	var out [6]C.int64_t
	if err := check("memory statistics", C.fta_memory(C.int(device), &out[0])); err != nil {
		return Memory{}, err
	}
	return Memory{int64(out[0]), int64(out[1]), int64(out[2]), int64(out[3]), int64(out[4]), int64(out[5])}, nil
}

// ResetPeak starts the device's peaks again from what is held now.
func ResetPeak(device int) error { return check("reset peak", C.fta_reset_peak(C.int(device))) }

// ReleaseWorkspaces frees what matrix products have worked in on each stream of a device,
// which libtorch keeps. No captured graph may be alive.
func ReleaseWorkspaces(device int) error {
	return check("release workspaces", C.fta_release_workspaces(C.int(device)))
}

// EmptyCache gives cached device memory back.
func EmptyCache(device int) error { return check("empty cache", C.fta_empty_cache(C.int(device))) }

// Synchronize waits until the device has done all its work.
func Synchronize(device int) error { return check("synchronize", C.fta_synchronize(C.int(device))) }

// Timer measures the time between marks on the device's own clock, so that marking
// does not wait for the device.
type Timer struct {
	p     unsafe.Pointer
	marks int
}

// NewTimer makes a timer and sets its first mark.
func NewTimer(device int) (*Timer, error) {
	t := &Timer{}
	if err := check("timer", C.fta_timer_new(C.int(device), &t.p)); err != nil {
		return nil, err
	}
	return t, check("timer", C.fta_timer_mark(t.p))
}

// Mark ends an interval and begins the next.
func (t *Timer) Mark() error {
	t.marks++
	return check("timer", C.fta_timer_mark(t.p))
}

// Seconds returns the intervals since the last call, waiting for the device.
func (t *Timer) Seconds() ([]float64, error) {
	if t.marks == 0 {
		return nil, nil
	}
	out := make([]float64, t.marks)
	err := check("timer", C.fta_timer_seconds(t.p, (*C.double)(&out[0]), C.int(t.marks)))
	t.marks = 0
	return out, err
}

// Free frees the timer.
func (t *Timer) Free() {
	if t.p != nil {
		C.fta_timer_free(t.p)
		t.p = nil
	}
}
