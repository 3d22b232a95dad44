package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"ftadvise/advisor/audit"
	"ftadvise/calibrate/store"
)

// outcomeFile holds what came of a run's advice, beside the advice.
const outcomeFile = "outcome.json"

func (a *app) outcomeVerb() (*cobra.Command, error) {
	var final audit.Final
	cmd, err := verb("outcome RUN", "record what came of an advice: the held-out loss of the training that followed",
		func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("final-loss") {
				return fail(exitUsage, "--final-loss LOSS, in nats a token on held-out data", "what came of it was not said")
			}
			return a.outcome(cmd, args[0], final)
		})
	if err != nil {
		return nil, err
	}
	cmd.Args = exactly("RUN")
	flags := cmd.Flags()
	flags.Float64Var(&final.Loss, "final-loss", 0, "held-out loss in nats a token, at the checkpoint that is used")
	flags.StringVar(&final.Option, "option", "", "which option was trained: full, lora(r=8), ...; empty: the advised one")
	flags.Int64Var(&final.PeakBytes, "peak-bytes", 0, "peak memory of that training, where known")
	flags.Float64Var(&final.Hours, "hours", 0, "hours that the training took, where known")
	return cmd, nil
}

func (a *app) outcome(cmd *cobra.Command, ref string, final audit.Final) error {
	c, s, err := a.settingsAndStore(cmd)
	if err != nil {
		return err
	}
	f, err := folder(s, ref)
	if err != nil {
		return err
	}
	record, err := a.recordOutcome(f, final)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return a.writeJSON(record)
	}
	last := record.Finals[len(record.Finals)-1]
	_, err = fmt.Fprintf(a.out, "recorded: %s came to %s nats; ftadvise audit shows how advice has done so far\n", last.Option, nats(last.Loss))
	return err
}

// recordOutcome adds a final to those of the run's advice, in place of an earlier one
// of the same option.
func (a *app) recordOutcome(f *store.Folder, final audit.Final) (audit.Record, error) {
	rec, err := readRecommendation(f)
	if err != nil {
		return audit.Record{}, err
	}
	if rec == nil {
		return audit.Record{}, fail(exitInput, "ftadvise recommend --run RUN gives one", "%s: no advice was given from this run", f.Path())
	}
	known, err := readOutcome(f)
	if err != nil {
		return audit.Record{}, err
	}
	alone, err := audit.New(rec, []audit.Final{final}, a.now().UTC()) // names the option where nobody did
	if err != nil {
		return audit.Record{}, err
	}
	final = alone.Finals[0]
	finals := slices.DeleteFunc(known.Finals, func(k audit.Final) bool { return k.Option == final.Option })
	record, err := audit.New(rec, append(finals, final), a.now().UTC())
	if err != nil {
		return audit.Record{}, err
	}
	data, err := json.MarshalIndent(record, "", " ")
	if err != nil {
		return audit.Record{}, fmt.Errorf("keep the outcome: %w", err)
	}
	return record, f.WriteFile(outcomeFile, append(data, '\n'))
}

// readOutcome reads what came of a run's advice; a zero record where nothing is known.
func readOutcome(f *store.Folder) (audit.Record, error) {
	var record audit.Record
	data, err := f.ReadFile(outcomeFile)
	if errors.Is(err, fs.ErrNotExist) {
		return record, nil
	}
	if err != nil {
		return record, err
	}
	if err := json.Unmarshal(data, &record); err != nil {
		return record, fail(exitStore, "record the outcome again", "%s/%s: %v", f.Path(), outcomeFile, err)
	}
	if record.Schema != audit.SchemaVersion {
		return record, fail(exitStore, "use the ftadvise that wrote it", "%s/%s: schema %d, this version reads %d", f.Path(), outcomeFile, record.Schema, audit.SchemaVersion)
	}
	return record, nil
}
