package shim

// #cgo CXXFLAGS: -O3 -fopenmp
// #cgo LDFLAGS: -fopenmp -ldl
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// ErrOutOfMemory is wrapped by the errors of calls that found no memory left, on a
// CPU or a GPU.
var ErrOutOfMemory = errors.New("out of memory")

// Load opens libtorch's CUDA half where it is installed and starts counting CPU
// memory. It must come before any other call, since libtorch looks for CUDA only
// once. The result says why there is no CUDA; it is empty where there is.
func Load() (noCUDA string) { return C.GoString(C.fta_load_cuda()) }

// Begin locks the goroutine to its OS thread and turns gradients off there: every
// backward pass here is derived by hand.
func Begin() error {
	runtime.LockOSThread()
	return check("begin thread", C.fta_begin_thread())
}

// Version is libtorch's version, as 2.11.0.
func Version() string { return C.GoString(C.fta_version()) }

// CUDACount is the number of CUDA devices.
func CUDACount() int { return int(C.fta_cuda_count()) }

// Capability is a CUDA device's compute capability, as 9.0; empty where unknown.
func Capability(device int) string { return C.GoString(C.fta_capability(C.int(device))) }

// SetThreads sets the number of CPU threads of one operation.
func SetThreads(n int) { C.fta_set_threads(C.int(n)) }

// Threads is the number of CPU threads of one operation.
func Threads() int { return int(C.fta_get_threads()) }

// Reference makes the fused CPU kernels step aside for plain libtorch operations. It
// is how tests check one against the other.
func Reference(on bool) { C.fta_reference(flag(on)) }

// Wide off makes the CPU kernels do without AVX-512, as they do on processors that have
// none. It is how tests on those that have it reach the other half.
func Wide(on bool) { C.fta_wide(flag(on)) }

// Seed seeds every generator of libtorch.
func Seed(seed int64) error { return check("seed", C.fta_seed(C.int64_t(seed))) }

// LimitCPUMemory makes allocations above so many bytes fail as out of memory; 0 lifts
// the limit.
func LimitCPUMemory(bytes int64) { C.fta_limit_cpu_memory(C.int64_t(bytes)) }

// check turns a status into an error.
func check(what string, status C.int) error {
	switch status {
	case 0:
		return nil
	case 2:
		return fmt.Errorf("%s: %w: %s", what, ErrOutOfMemory, firstLine(C.GoString(C.fta_error())))
	default:
		return fmt.Errorf("%s: %s", what, firstLine(C.GoString(C.fta_error())))
	}
}

// firstLine leaves out libtorch's C++ stack traces.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func flag(on bool) C.int {
	if on {
		return 1
	}
	return 0
}

// GPUName is a CUDA device's name and its driver's version; empty where unknown.
func GPUName(device int) (name, driver string) {
	var n, d [96]C.char
	C.fta_gpu_name(C.int(device), &n[0], &d[0], 96)
	return C.GoString(&n[0]), C.GoString(&d[0])
}
