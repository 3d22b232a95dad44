package shim

// #include "shim.h"
import "C"

import (
	"errors"
	"unsafe"
)

// SideStream makes this thread issue all its work on a CUDA device to a stream of its
// own: the default stream cannot be captured. On a CPU it does nothing.
func SideStream(device int) error {
	return check("stream", C.fta_side_stream(C.int(device)))
}

// GraphPool is device memory that captured graphs share. They must run one after
// another, and what is to outlive a replay must have been made before the capture.
type GraphPool struct{ p unsafe.Pointer }

// ErrNoGraphs says that this libtorch offers no CUDA graphs.
var ErrNoGraphs = errors.New("this libtorch has no CUDA graphs")

// NewGraphPool makes an empty pool.
func NewGraphPool() (*GraphPool, error) {
	if C.fta_graphs_known() == 0 {
		return nil, ErrNoGraphs
	}
	pool := &GraphPool{}
	return pool, check("graph pool", C.fta_graph_pool_new(&pool.p))
}

// Free forgets the pool; its graphs must be freed before.
func (p *GraphPool) Free() { C.fta_graph_pool_free(p.p) }

// Graph is a sequence of kernels that the device runs again at one call.
type Graph struct{ p unsafe.Pointer }

// Capture records what work issues, without running it. Whatever work takes from the
// host is frozen; what changes from replay to replay must lie in tensors made before.
func (p *GraphPool) Capture(work func() error) (*Graph, error) {
	g := &Graph{}
	if err := check("capture", C.fta_graph_begin(p.p, &g.p)); err != nil {
		return nil, err
	}
	err := work()
	if ended := check("capture", C.fta_graph_end(g.p)); err == nil {
		err = ended
	}
	if err != nil {
		g.Free()
		return nil, err
	}
	return g, nil
}

// Replay runs the graph.
func (g *Graph) Replay() error { return check("replay", C.fta_graph_replay(g.p)) }

// Free gives the graph back.
func (g *Graph) Free() {
	C.fta_graph_free(g.p)
	g.p = nil
}

// Stage is host memory from which copies to a device run by themselves: pinned, in
// slots that take turns, so that one may be filled while others are still on their way.
type Stage struct {
	p     unsafe.Pointer
	bytes int
}

// NewStage makes slots of some bytes each.
func NewStage(device, bytes, slots int) (*Stage, error) {
	s := &Stage{bytes: bytes}
	return s, check("pinned memory", C.fta_stage_new(C.int(device), C.int64_t(bytes), C.int(slots), &s.p))
}

// Room is the next slot to fill; it waits where the slot's last copy is not done.
func (s *Stage) Room() ([]byte, error) {
	var data unsafe.Pointer
	if err := check("staging", C.fta_stage_room(s.p, &data)); err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(data), s.bytes), nil
}

// Send starts the copy of the slot's first bytes to where a contiguous tensor begins.
func (a *Arena) Send(s *Stage, to Tensor, bytes int) {
	if a.err == nil {
		a.ok("copy to device", C.fta_stage_send(s.p, to.p, C.int64_t(bytes)))
	}
}

// Free gives the memory back. Copies must be done.
func (s *Stage) Free() {
	if s != nil && s.p != nil {
		C.fta_stage_free(s.p)
		s.p = nil
	}
}
