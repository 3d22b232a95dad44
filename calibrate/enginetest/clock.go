package enginetest

import "time"

// Clock is a clock that only the script moves.
type Clock struct{ now time.Time }

// NewClock returns a clock that shows a fixed date.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

// Now is the time it shows.
func (c *Clock) Now() time.Time { return c.now }

// Pass moves it on by so many seconds.
func (c *Clock) Pass(seconds float64) {
	c.now = c.now.Add(time.Duration(seconds * float64(time.Second)))
}
