package shim

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/sugarme/gotch/libtch"
)

// DType is libtorch's number of an element type.
type DType int32

// The element types in use.
const (
	Int32 DType = 3
	Int64 DType = 4
	F16   DType = 5
	F32   DType = 6
	F64   DType = 7
	Bool  DType = 11
	BF16  DType = 15
)

// Size is the number of bytes of one element.
func (d DType) Size() int {
	switch d {
	case Int64, F64:
		return 8
	case Int32, F32:
		return 4
	case Bool:
		return 1
	default:
		return 2
	}
}

// Tensor is a handle in an Arena. The zero Tensor stands for none.
type Tensor struct {
	p    C.fta_tensor
	slot int
}

// Nil reports whether t stands for no tensor.
func (t Tensor) Nil() bool { return t.p == nil }

func (t Tensor) lib() libtch.Ctensor { return libtch.Ctensor(unsafe.Pointer(t.p)) }

// Arena owns tensors on one device and remembers the first error.
type Arena struct {
	device int
	live   []C.fta_tensor
	free   []int // empty slots of live
	err    error

	profile *Profile // nil but while profiling
	beside  beside
}

// NewArena makes an empty arena for a device.
func NewArena(device int) *Arena { return &Arena{device: device} }

// Device is the arena's device.
func (a *Arena) Device() int { return a.device }

// Err is the first error since the arena was made or Reset.
func (a *Arena) Err() error { return a.err }

// Fail records an error of the caller's own, unless there was one before.
func (a *Arena) Fail(err error) {
	if a.err == nil && err != nil {
		a.err = err
	}
}

// Live is the number of tensors held.
func (a *Arena) Live() int { return len(a.live) - len(a.free) }

// Drop frees tensors before the arena ends; none and already dropped ones are skipped.
func (a *Arena) Drop(tensors ...Tensor) {
	for _, t := range tensors {
		if t.p == nil || a.live[t.slot] != t.p {
			continue
		}
		a.live[t.slot] = nil
		a.free = append(a.free, t.slot)
		C.fta_free_all(&t.p, 1)
	}
}

// Reset frees every tensor and forgets the error.
func (a *Arena) Reset() {
	if len(a.live) > 0 {
		C.fta_free_all(&a.live[0], C.int(len(a.live)))
	}
	a.live, a.free, a.err = a.live[:0], a.free[:0], nil
	a.beside.reset()
}

func (a *Arena) keep(p C.fta_tensor) Tensor {
	if p == nil {
		return Tensor{}
	}
	if n := len(a.free); n > 0 {
		slot := a.free[n-1]
		a.free = a.free[:n-1]
		a.live[slot] = p
		return Tensor{p, slot}
	}
	a.live = append(a.live, p)
	return Tensor{p, len(a.live) - 1}
}

// ok runs a status through check and says whether to go on.
func (a *Arena) ok(what string, status C.int) bool {
	if err := check(what, status); err != nil {
		a.Fail(err)
		return false
	}
	return a.observed(what)
}

// observed notes an operation where a profile is being made.
func (a *Arena) observed(what string) bool {
	if a.profile == nil {
		return true
	}
	a.Fail(a.profile.mark(what))
	return a.err == nil
}

// lib runs one libtch call and keeps its result.
func (a *Arena) lib(what string, call func(out *libtch.Ctensor)) Tensor {
	if a.err != nil {
		return Tensor{}
	}
	var out libtch.Ctensor
	call(&out)
	if message := libtch.GetAndResetLastErr(); message != nil {
		text := C.GoString((*C.char)(unsafe.Pointer(message)))
		C.free(unsafe.Pointer(message))
		a.Fail(libError(what, text))
		return Tensor{}
	}
	a.observed(what)
	return a.keep(C.fta_tensor(unsafe.Pointer(out)))
}

func (a *Arena) libDevice() int32 { return int32(a.device) } // libtch: -1 is the CPU

func libError(what, text string) error {
	if strings.Contains(text, "out of memory") || strings.Contains(text, "can't allocate memory") {
		return fmt.Errorf("%s: %w: %s", what, ErrOutOfMemory, firstLine(text))
	}
	return fmt.Errorf("%s: %s", what, firstLine(text))
}
