package torch

import (
	"fmt"

	"ftadvise/calibrate/torch/shim"
)

// unit is a part of an optimizer step that issues the same work each time: a
// micro-batch of some shape, or the optimizer. It is what a graph is captured of.
type unit struct {
	optimizer bool
	add       bool // gradients are added to those of the micro-batch before
	taken     int64
	packed    bool
}

// mostGraphs bounds the shapes that are captured: each takes a moment to capture, and
// some memory.
const mostGraphs = 16

// recorder captures what a function issues to the device, without running it.
type recorder interface {
	Capture(work func() error) (replayed, error)
	Free()
}

// replayed is captured work.
type replayed interface {
	Replay() error
	Free()
}

// graphs runs units as they are when they first occur, which chooses kernels and
// allocates what outlives them, and as captured graphs from then on. Where capturing
// fails, everything runs as it is issued.
type graphs struct {
	recorder recorder // nil: nothing is captured
	known    map[unit]replayed
	clear    func() error       // before a capture and after a failed one: frees temporaries and cached memory
	failed   func(reason error) // hears once why there are no graphs
}

func (g *graphs) run(u unit, static bool, work func() error) error {
	if g.recorder == nil || !static {
		return work()
	}
	graph, met := g.known[u]
	if !met {
		if len(g.known) < mostGraphs {
			g.known[u] = nil
		}
		return work()
	}
	if graph == nil {
		var err error
		if graph, err = g.capture(work); err != nil {
			if err := g.giveUp(err); err != nil {
				return err
			}
			return work()
		}
		g.known[u] = graph
	}
	return graph.Replay()
}

func (g *graphs) capture(work func() error) (replayed, error) {
	if err := g.clear(); err != nil {
		return nil, err
	}
	return g.recorder.Capture(work)
}

// giveUp frees every graph and goes on without.
func (g *graphs) giveUp(reason error) error {
	g.failed(reason)
	g.close()
	return g.clear()
}

func (g *graphs) close() {
	for u, graph := range g.known {
		if graph != nil {
			graph.Free()
		}
		delete(g.known, u)
	}
	if g.recorder != nil {
		g.recorder.Free()
		g.recorder = nil
	}
}

// cudaRecorder captures CUDA graphs, all in one pool of memory: units run one after
// another and leave what others need in tensors made before.
type cudaRecorder struct{ pool *shim.GraphPool }

func (c cudaRecorder) Capture(work func() error) (replayed, error) {
	graph, err := c.pool.Capture(work)
	if err != nil {
		return nil, err
	}
	return graph, nil
}

func (c cudaRecorder) Free() { c.pool.Free() }

// newGraphs chooses whether a run's steps are captured: on CUDA, unless the caller or a
// profile wants each operation by itself.
func (r *run) newGraphs() *graphs {
	g := &graphs{known: map[unit]replayed{}, clear: r.clearDevice, failed: func(reason error) {
		r.warn("no CUDA graph: steps are issued kernel by kernel: " + firstWords(reason))
	}}
	switch {
	case r.recorder != nil:
		g.recorder = r.recorder()
	case r.device == shim.CPU || r.tuning.NoGraph || r.group.Profile != "":
	default:
		pool, err := shim.NewGraphPool()
		if err != nil {
			g.failed(err)
			return g
		}
		g.recorder = cudaRecorder{pool}
	}
	return g
}

// clearDevice frees a broken capture's temporaries and memory that no tensor holds.
func (r *run) clearDevice() error {
	r.arena.Reset()
	if err := shim.Synchronize(r.device); err != nil {
		return err
	}
	return shim.EmptyCache(r.device)
}

// firstWords keeps a device's long complaint to a line's length.
func firstWords(err error) string {
	text := fmt.Sprint(err)
	if len(text) > 300 {
		text = text[:300] + " ..."
	}
	return text
}
