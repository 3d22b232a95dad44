package shim

// #include "shim.h"
import "C"

// beside is the work that an arena issues to a second stream of a GPU: products that
// nobody waits for there fill the time in which others read memory or end. It goes in
// two turns; what it reads is held until the turn after has been issued.
type beside struct {
	turn int
	held [2][]C.fta_tensor
}

func (b *beside) reset() {
	for turn := range b.held {
		b.release(turn)
	}
}

func (b *beside) release(turn int) {
	if n := len(b.held[turn]); n > 0 {
		C.fta_free_all(&b.held[turn][0], C.int(n))
		b.held[turn] = b.held[turn][:0]
	}
}

// Beside runs work that may take place at the same time as what follows, until the
// second Turn from now at the latest. It may only write what nobody reads before Join,
// and must name every tensor that it reads and that somebody may drop. On a CPU, and
// where each operation is timed, it runs in its place.
func (a *Arena) Beside(work func(), reads ...Tensor) {
	if a.device == CPU || a.profile != nil {
		work()
		return
	}
	if a.err != nil || !a.ok("second stream", C.fta_aside_begin(C.int(a.device))) {
		return
	}
	work()
	a.Fail(check("second stream", C.fta_aside_end(C.int(a.device))))
	for _, t := range reads {
		var held C.fta_tensor
		if t.p != nil && a.ok("second stream", C.fta_alias(t.p, &held)) {
			a.beside.held[a.beside.turn] = append(a.beside.held[a.beside.turn], held)
		}
	}
}

// Turn ends a turn, and waits for the one before.
func (a *Arena) Turn() {
	b := &a.beside
	if len(b.held[b.turn]) > 0 {
		a.Fail(check("second stream", C.fta_aside_mark(C.int(a.device), C.int(b.turn))))
	}
	b.turn = 1 - b.turn
	if len(b.held[b.turn]) > 0 {
		a.Fail(check("second stream", C.fta_aside_wait(C.int(a.device), C.int(b.turn))))
		b.release(b.turn)
	}
}

// Join makes what follows wait for all work beside.
func (a *Arena) Join() {
	a.Turn()
	a.Turn()
}
