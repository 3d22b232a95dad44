package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"ftadvise/calibrate"
)

// Crew trains units by several engines at once.
type Crew struct {
	Setting
	Engine    func() calibrate.Engine
	Processes int
	Until     time.Time    // begin no unit that is not expected to end by then; zero: never stop
	Say       func(string) // hears of every unit
}

// Train trains the units that have no result yet, in order. A unit that fails is told
// and left out; the error is of the first that did, or of the context.
func (c Crew) Train(ctx context.Context, units []Unit) error {
	if !c.Until.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.Until)
		defer cancel()
	}
	b := &book{longest: map[string]time.Duration{}}
	first := func(u Unit) bool { return u.Seed == firstSeed }
	c.train(ctx, slices.DeleteFunc(slices.Clone(units), func(u Unit) bool { return !first(u) }), b)
	c.train(ctx, slices.DeleteFunc(slices.Clone(units), first), b) // at the rates that those found
	return b.first
}

func (c Crew) train(ctx context.Context, units []Unit, b *book) {
	queue := make(chan Unit)
	var workers sync.WaitGroup
	for range c.Processes {
		workers.Go(func() { c.work(ctx, queue, b) })
	}
	for _, u := range units {
		if done(c.Place(), u) {
			continue
		}
		select {
		case queue <- u:
		case <-ctx.Done():
		}
	}
	close(queue)
	workers.Wait()
}

func done(p Place, u Unit) bool {
	_, err := os.Stat(p.Unit(u))
	return err == nil
}

// book keeps how long units take and the first error.
type book struct {
	mu      sync.Mutex
	longest map[string]time.Duration // of a kind
	first   error
}

// kind is of units that take alike long.
func (b *book) kind(u Unit) string {
	u.Seed, u.Domain.Name = min(u.Seed, firstSeed+1), ""
	return u.Name()
}

func (b *book) expects(u Unit) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.longest[b.kind(u)]
}

func (b *book) note(u Unit, took time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		if b.first == nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			b.first = err
		}
		return
	}
	b.longest[b.kind(u)] = max(took, b.longest[b.kind(u)])
}

// work takes units until there is none, each with the same engine.
func (c Crew) work(ctx context.Context, queue <-chan Unit, b *book) {
	engine := c.Engine()
	for u := range queue {
		if ctx.Err() != nil || !c.Until.IsZero() && time.Now().Add(b.expects(u)).After(c.Until) {
			continue
		}
		start := time.Now()
		result, err := Trainer{c.Setting, engine}.Unit(ctx, u)
		if err == nil {
			err = writeJSON(c.Place().Unit(u), result)
		}
		b.note(u, time.Since(start), err)
		c.Say(told(u, result, err))
	}
	if err := engine.Close(); err != nil {
		c.Say(fmt.Sprintf("closing an engine: %v", err))
	}
}

func told(u Unit, r Result, err error) string {
	if err != nil {
		return err.Error()
	}
	var ends []string
	for m, run := range r.best() {
		ends = append(ends, fmt.Sprintf("; %s %.4f at %.3g", MethodName(m), run.last(), run.LearningRate))
	}
	slices.Sort(ends)
	return fmt.Sprintf("%s: %.1f s, base %.3f", u.Name(), r.Seconds, r.Base) + strings.Join(ends, "")
}
