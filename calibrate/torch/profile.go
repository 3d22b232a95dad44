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

// traceEvent is a complete event of the Trace Event Format, which Chrome's tracing page
// and Perfetto open; times are in microseconds.
type traceEvent struct {
	Name  string           `json:"name"`
	Phase string           `json:"ph"`
	Start float64          `json:"ts"`
	Long  float64          `json:"dur,omitempty"`
	PID   int              `json:"pid"`
	TID   int              `json:"tid"`
	Args  map[string]int64 `json:"args,omitempty"`
}

// writeProfile writes the trace and tells a table of where the time went.
func (r *run) writeProfile() error {
	if len(r.profile.Spans) == 0 {
		return nil
	}
	var events []traceEvent
	for _, s := range r.profile.Spans {
		events = append(events,
			traceEvent{Name: s.Name, Phase: "X", Start: s.Start * 1e6, Long: s.Seconds * 1e6, PID: 1, TID: 1},
			traceEvent{Name: "allocated", Phase: "C", Start: (s.Start + s.Seconds) * 1e6, PID: 1, Args: map[string]int64{"bytes": s.AllocatedBytes}})
	}
	data, err := json.Marshal(map[string]any{"traceEvents": events})
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	path := r.group.Profile + "." + r.arms[0].Trial.ID + ".json"
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	r.observe(calibrate.LogLine{Level: "info", Text: fmt.Sprintf("%s: trace of %d steps in %s", r.arms[0].Trial.ID, profiledSteps, path)})
	for _, line := range profileTable(r.profile.Spans) {
		r.observe(calibrate.LogLine{Level: "info", Text: line})
	}
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
