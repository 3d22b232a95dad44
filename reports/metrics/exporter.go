package metrics

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"ftadvise/reports/inert"
)

// labelLimit cuts label values: a model's name may be a megabyte long.
const labelLimit = 128

// Options are the exporter's limits and its clock; zero values take the defaults.
type Options struct {
	Version   string           // of ftadvise
	MaxRuns   int              // runs with labelled series; 0 means 20
	MaxTrials int              // trials with labelled series, of each run; 0 means 64
	Now       func() time.Time // nil means time.Now
}

// Exporter turns events, runs and recommendations into metrics. Its methods may be
// called from many goroutines.
type Exporter struct {
	registry *prometheus.Registry
	broken   error // the registry refused a family; Serve and the writers say so
	opts     Options
	families *families

	mu      sync.Mutex
	runs    []*runSeries    // oldest first
	live    *runSeries      // the run that events belong to
	shunt   map[string]bool // runs already counted as dropped
	scrapes atomic.Int64
}

// runSeries is what the exporter remembers of a run that has series.
type runSeries struct {
	id      string
	created time.Time
	began   time.Time // when this process first heard of it
	budget  float64
	trials  []*trialSeries
	byID    map[string]*trialSeries
	busy    float64 // seconds in optimizer steps
}

type trialSeries struct {
	id, arm       string
	planned, done int
	counted       int // steps in the counter
	over          bool
	seconds       float64 // in the timed steps
	timed         int
	hidden        bool // dropped for newer trials
}

// NewExporter registers its families in reg, or in a registry of its own if reg is
// nil; a registry takes one exporter.
func NewExporter(reg *prometheus.Registry, opts Options) *Exporter {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	e := &Exporter{registry: reg, opts: opts.filled(), families: newFamilies(), shunt: map[string]bool{}}
	e.register(collectors.NewGoCollector())
	e.register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, v := range e.families.all {
		e.register(v)
	}
	e.families.buildInfo.WithLabelValues(label(opts.Version), runtime.Version()).Set(1)
	for _, reason := range []string{"run", "trial"} {
		e.families.dropped.WithLabelValues(reason)
	}
	return e
}

func (e *Exporter) register(c prometheus.Collector) {
	if err := e.registry.Register(c); err != nil && e.broken == nil {
		e.broken = err
	}
}

func (o Options) filled() Options {
	if o.MaxRuns <= 0 {
		o.MaxRuns = 20
	}
	if o.MaxTrials <= 0 {
		o.MaxTrials = 64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// label makes a string fit for a label value.
func label(s string) string { return inert.Line(s, labelLimit) }

// admit returns the series of a run, making room by forgetting the oldest; it
// returns nil where the run itself is too old to be shown.
func (e *Exporter) admit(id string, created time.Time) *runSeries {
	for _, r := range e.runs {
		if r.id == id {
			return r
		}
	}
	if len(e.runs) >= e.opts.MaxRuns {
		if !created.After(e.runs[0].created) {
			e.drop(id)
			return nil
		}
		e.families.forget(e.runs[0].id)
		e.drop(e.runs[0].id)
		e.runs = slices.Delete(e.runs, 0, 1)
	}
	r := &runSeries{id: id, created: created, began: e.opts.Now(), byID: map[string]*trialSeries{}}
	at, _ := slices.BinarySearchFunc(e.runs, created, func(r *runSeries, t time.Time) int { return r.created.Compare(t) })
	e.runs = slices.Insert(e.runs, at, r)
	return r
}

// Forget takes a run's series away, as when it was removed from the store.
func (e *Exporter) Forget(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id = label(id)
	e.families.forget(id)
	e.runs = slices.DeleteFunc(e.runs, func(r *runSeries) bool { return r.id == id })
}

// drop counts a run once, however often it is published.
func (e *Exporter) drop(id string) {
	if !e.shunt[id] {
		e.shunt[id] = true
		e.families.dropped.WithLabelValues("run").Inc()
	}
}
