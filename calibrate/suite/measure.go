package suite

import (
	"context"
	"fmt"
	"os"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// gradientSeconds bounds the measurement of one data set's gradient.
const gradientSeconds = 20

// Measure has an engine describe each unit's data at its base's weights: the spectra of the
// gradient and how losses are spread over tokens. What was measured already is kept.
func (s Setting) Measure(ctx context.Context, engine calibrate.Engine, units []Unit) error {
	for _, u := range units {
		path := s.Place().Measured(u.Base, u.Domain)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		facts, err := Trainer{s, engine}.measure(ctx, u.Base, u.Domain)
		if err == nil {
			err = writeJSON(path, facts)
		}
		if err != nil {
			return fmt.Errorf("measure %s: %w", u.Data(), err)
		}
	}
	return nil
}

func (t Trainer) measure(ctx context.Context, b Base, d Domain) (evidence.Domain, error) {
	var out evidence.Domain
	w := &work{Trainer: t, unit: Unit{Base: b, Domain: d, Kind: evidence.Full, Seed: 1}}
	trial := w.trial(newLeg(evidence.Method{Kind: evidence.Full}, 1e-6), w.constant())
	group := w.group([]calibrate.Segment{{
		Trial: trial, ToStep: 1, EvalSteps: []int{0}, General: true,
		Measure: &calibrate.Measure{Tokens: true, Gradient: true, Rank: 8, Seconds: gradientSeconds},
	}})
	err := t.Engine.Train(ctx, group, func(e calibrate.Event) {
		switch x := e.(type) {
		case calibrate.SpectrumMeasured:
			x.Into(&out)
		case calibrate.TokensMeasured:
			x.Into(&out)
		}
	})
	return out, err
}
