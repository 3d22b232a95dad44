package torch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"ftadvise/calibrate"
	"ftadvise/calibrate/torch/shim"
)

// profiledSteps are recorded after a segment's warm-up.
const profiledSteps = 3

// profileStep turns recording on and off around the steps to be profiled.
func (r *run) profileStep(step int) error {
	if r.group.Profile == "" {
		return nil
	}
	switch step - r.arms[0].FromStep - warmSteps {
	case 1:
		return r.arena.Observe(&r.profile)
	case profiledSteps + 1:
		return r.arena.Observe(nil)
	}
	return nil
}

// traceEvent is an event of the Trace Event Format, which Chrome's tracing page and
// Perfetto open; times are in microseconds. Each trial is a process of its own.
type traceEvent struct {
	Name  string         `json:"name"`
	Phase string         `json:"ph"`
	Start float64        `json:"ts"`
	Long  float64        `json:"dur,omitempty"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Args  map[string]any `json:"args,omitempty"`
}

// keepProfile adds the run's spans to the group's trace and tells a table of where time
// and memory went.
func (r *run) keepProfile() {
	if len(r.profile.Spans) == 0 {
		return
	}
	trial := r.arms[0].Trial.ID
	r.traced++
	r.trace = append(r.trace, traceEvent{Name: "process_name", Phase: "M", PID: r.traced, Args: map[string]any{"name": trial}})
	for _, s := range r.profile.Spans {
		r.trace = append(r.trace,
			traceEvent{Name: s.Name, Phase: "X", Start: s.Start * 1e6, Long: s.Seconds * 1e6, PID: r.traced, TID: 1},
			traceEvent{Name: "allocated", Phase: "C", Start: (s.Start + s.Seconds) * 1e6, PID: r.traced, Args: map[string]any{"bytes": s.AllocatedBytes}})
	}
	r.observe(calibrate.LogLine{Level: "info", Text: fmt.Sprintf("%s: where the time of %d steps went%s, waiting for the device after each operation", trial, profiledSteps, r.onThread())})
	for _, line := range profileTable(r.profile.Spans) {
		r.observe(calibrate.LogLine{Level: "info", Text: line})
	}
}

// onThread says which thread a profile is of, where threads go through the model side by side.
func (r *run) onThread() string {
	if r.lanes.N() == 1 {
		return ""
	}
	return fmt.Sprintf(" on the first of %d threads", r.lanes.N())
}

// writeTrace writes the trace of all the group's trials, where one was asked for.
func (s *session) writeTrace() error {
	if len(s.trace) == 0 {
		return nil
	}
	data, err := json.Marshal(map[string]any{"traceEvents": s.trace})
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if err := os.WriteFile(s.group.Profile, data, 0o644); err != nil {
		return &calibrate.InputError{Where: s.group.Profile, What: "the trace cannot be written: " + err.Error(), Hint: "name a file in a folder that exists"}
	}
	s.observe(calibrate.LogLine{Level: "info", Text: "trace written to " + s.group.Profile + ": open it at ui.perfetto.dev"})
	return nil
}

// profileTable sums spans by name, the dearest first.
func profileTable(spans []shim.Span) []string {
	type row struct {
		name    string
		calls   int
		seconds float64
		peak    int64
	}
	rows := map[string]*row{}
	total := 0.0
	for _, s := range spans {
		x := rows[s.Name]
		if x == nil {
			x = &row{name: s.Name}
			rows[s.Name] = x
		}
		x.calls++
		x.seconds += s.Seconds
		x.peak = max(x.peak, s.AllocatedBytes)
		total += s.Seconds
	}
	var sorted []*row
	for _, x := range rows {
		sorted = append(sorted, x)
	}
	slices.SortFunc(sorted, func(a, b *row) int { return cmp.Or(cmp.Compare(b.seconds, a.seconds), cmp.Compare(a.name, b.name)) })
	lines := []string{fmt.Sprintf("%-24s %7s %10s %7s %12s", "operation", "calls", "ms a step", "share", "peak MiB")}
	for _, x := range sorted {
		lines = append(lines, fmt.Sprintf("%-24s %7d %10.3f %6.1f%% %12.1f", x.name, x.calls/profiledSteps, x.seconds*1e3/profiledSteps, 100*x.seconds/total, float64(x.peak)/(1<<20)))
	}
	return lines
}
