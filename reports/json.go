package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
)

// SchemaVersion is the version of the report's JSON. A reader refuses a newer one.
const SchemaVersion = 1

// Kind tells a report's JSON from a run's and a recommendation's.
const Kind = "ftadvise.report"

// Document is the JSON report: the answer in short, and everything it rests on, from
// which the same report can be made again.
type Document struct {
	Schema         int                     `json:"schema"`
	Kind           string                  `json:"kind"`
	CreatedAt      time.Time               `json:"created_at,omitzero"`
	Version        string                  `json:"version"` // of ftadvise
	Redacted       bool                    `json:"redacted"`
	Summary        Summary                 `json:"summary"`
	Missing        []Missing               `json:"missing,omitempty"`
	Run            *evidence.Run           `json:"run"`
	Recommendation *advisor.Recommendation `json:"recommendation,omitempty"`
}

// Summary is the first screen as data.
type Summary struct {
	Answer      string   `json:"answer"`
	Headline    string   `json:"headline"`
	Confidence  *float64 `json:"confidence,omitempty"` // that the answer has the lower total cost
	PFullBetter *float64 `json:"p_full_better,omitempty"`
	Regime      string   `json:"regime,omitempty"`
	Flips       []string `json:"flips,omitempty"`
	Warnings    int      `json:"warnings"`
	Caution     string   `json:"caution,omitempty"`
}

// Missing is a section that the evidence could not fill.
type Missing struct {
	Section string `json:"section"`
	Why     string `json:"why"`
}

func (b *builder) document(v View) Document {
	d := Document{Schema: SchemaVersion, Kind: Kind, CreatedAt: b.opts.Now, Version: b.opts.Version,
		Redacted: b.opts.Redact, Run: b.run, Recommendation: b.rec}
	d.Summary = Summary{Answer: v.Front.Answer, Headline: v.Front.Headline, Regime: string(b.regime()),
		Warnings: len(b.allWarnings()), Caution: v.Front.Caution}
	if b.rec != nil {
		d.Summary.Flips = b.flips()
		d.Summary.PFullBetter = b.rec.PFullBetter
		if b.rec.Verdict.Method.Kind != "" {
			d.Summary.Confidence = &b.rec.Confidence
		}
	}
	for _, s := range v.Sections() {
		if s.Skipped != "" {
			d.Missing = append(d.Missing, Missing{Section: s.ID, Why: s.Skipped})
		}
	}
	return d
}

// JSON writes the report as data, indented, by docs/schema/report.json.
func (v View) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v.document); err != nil {
		return fmt.Errorf("report as JSON: %w", err)
	}
	return nil
}
