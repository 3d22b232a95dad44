package shim

import "time"

// Profile records what an arena's operations cost. Recording waits for the device after
// each, so the sum is longer than an unobserved step.
type Profile struct {
	Spans  []Span
	device int
	origin time.Time
	last   time.Time
}

// Span is one operation.
type Span struct {
	Name           string
	Start, Seconds float64 // since the profile's beginning
	AllocatedBytes int64   // held on the device afterwards
}

// Observe begins a profile of the arena's operations; nil ends it.
func (a *Arena) Observe(p *Profile) error {
	a.profile = p
	if p == nil {
		return nil
	}
	p.device = a.device
	if err := Synchronize(a.device); err != nil {
		return err
	}
	p.last = time.Now()
	if p.origin.IsZero() {
		p.origin = p.last
	}
	return nil
}

// mark ends the span that began with the mark before.
func (p *Profile) mark(name string) error {
	if err := Synchronize(p.device); err != nil {
		return err
	}
	memory, err := MemoryOf(p.device)
	if err != nil {
		return err
	}
	now := time.Now()
	p.Spans = append(p.Spans, Span{name, p.last.Sub(p.origin).Seconds(), now.Sub(p.last).Seconds(), memory.Allocated})
	p.last = time.Now()
	return nil
}
