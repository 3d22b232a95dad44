package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"ftadvise/advisor/audit"
	"ftadvise/calibrate/store"
)

func (a *app) auditVerb() (*cobra.Command, error) {
	return verb("audit", "say how past advice has done: hit rate, regret, coverage, memory error", a.audit)
}

// auditOutput is audit's JSON.
type auditOutput struct {
	Schema  int            `json:"schema"`
	Summary audit.Summary  `json:"summary"`
	Records []audit.Record `json:"records"`
}

func (a *app) audit(cmd *cobra.Command, _ []string) error {
	c, s, err := a.settingsAndStore(cmd)
	if err != nil {
		return err
	}
	records, damaged, err := outcomes(s)
	if err != nil {
		return err
	}
	for _, d := range damaged {
		a.voice().warning("left out: " + d.Error())
	}
	summary := audit.Summarise(records)
	if c.Output == "json" {
		return a.writeJSON(auditOutput{1, summary, records})
	}
	for _, line := range summary.Lines() {
		if c.Output == "markdown" {
			line = "- " + line
		}
		if _, err := fmt.Fprintln(a.out, printable(line)); err != nil {
			return err
		}
	}
	return nil
}

// outcomes reads every recorded outcome of a store. What cannot be read is named and
// passed over.
func outcomes(s *store.Store) (records []audit.Record, damaged []error, err error) {
	runs, _, err := s.List()
	if err != nil {
		return nil, nil, err
	}
	for _, run := range runs {
		f, err := s.Folder(run.ID)
		if err != nil {
			return nil, nil, err
		}
		record, err := readOutcome(f)
		if err != nil {
			damaged = append(damaged, err)
		} else if record.Run != "" {
			records = append(records, record)
		}
	}
	return records, damaged, nil
}
