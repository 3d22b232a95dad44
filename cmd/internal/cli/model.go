package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/hf/hub"
	"ftadvise/cmd/internal/config"
)

// baseModel is the user's model, opened and checked against what was asked of it.
type baseModel struct {
	dir      string
	config   hf.Config
	evidence evidence.Model
	warnings []evidence.Warning
}

// openModel finds and reads the model. random reads config.json alone.
func (a *app) openModel(ctx context.Context, c config.Config, random bool) (baseModel, error) {
	if c.Model == "" {
		return baseModel{}, fail(exitUsage, "--model takes a Hugging Face folder, or org/name", "no model was given")
	}
	dir, name, err := a.modelDir(ctx, c.Model)
	if err != nil {
		return baseModel{}, err
	}
	open := hf.Open
	if random {
		open = hf.OpenConfig
	}
	m, err := open(dir)
	if err != nil {
		return baseModel{}, err
	}
	facts, err := m.Evidence(name, random)
	out := baseModel{dir: dir, config: m.Config, evidence: facts, warnings: m.Warnings}
	if closeErr := m.Close(); err == nil {
		err = closeErr
	}
	return out, err
}

// check refuses, before any time is spent, what the model cannot be asked: rows longer
// than its positions, targets that do not exist or are not trained, and ranks that no layer can hold.
func (m baseModel) check(c config.Config) error {
	if err := m.config.CheckSequence(c.Calibration.SeqLength); err != nil {
		return err
	}
	for _, method := range methods(c) {
		if _, err := m.config.TrainableParams(method); err != nil {
			return err
		}
		if err := m.config.CheckTrained(method); err != nil {
			return err
		}
	}
	return nil
}

// methods lists the arms that the settings ask for, full fine-tuning first.
func methods(c config.Config) []evidence.Method {
	var out []evidence.Method
	if tries(c, "full") {
		out = append(out, evidence.Method{Kind: evidence.Full})
	}
	return append(out, adapters(c)...)
}

// adapters lists the LoRA arms; the first is what the user has in mind.
func adapters(c config.Config) []evidence.Method {
	if !tries(c, "lora") {
		return nil
	}
	out := []evidence.Method{c.LoRA.Method()}
	for _, rank := range c.LoRA.OtherRanks {
		out = append(out, atRank(c.LoRA, rank))
	}
	return out
}

// atRank is the adapter at another rank, with the same ratio of alpha to rank.
func atRank(l config.LoRA, rank int) evidence.Method {
	if l.Alpha != 0 {
		l.Alpha *= float64(rank) / float64(l.Rank)
	}
	l.Rank = rank
	return l.Method()
}

func tries(c config.Config, method string) bool {
	for _, m := range c.Calibration.Methods {
		if m == method {
			return true
		}
	}
	return false
}

// hubScheme marks a name on the Hugging Face hub where it could be taken for a path.
const hubScheme = "hf://"

var hubName = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?$`)

// modelDir finds the folder of a model: a path, or org/name[@revision], which the hub
// package looks up in the shared cache or downloads. The second result is the name
// that runs show.
func (a *app) modelDir(ctx context.Context, model string) (dir, name string, err error) {
	info, err := os.Stat(model)
	if err == nil && info.IsDir() {
		dir, err := filepath.Abs(model) // a resumed run may start elsewhere
		return dir, filepath.Clean(model), err
	}
	if err == nil {
		return "", "", &calibrate.InputError{Where: model, What: "not a folder", Hint: "--model takes the folder that holds config.json"}
	}
	ref, marked := strings.CutPrefix(model, hubScheme)
	if !marked && !hubName.MatchString(model) {
		return "", "", &calibrate.InputError{Where: model, What: "no such model folder", Hint: "give a Hugging Face folder, or org/name"}
	}
	found, err := a.fromHub(ctx, ref, hub.Model)
	if err != nil {
		return "", "", fmt.Errorf("%s is no folder here: %w", model, err)
	}
	name, _, _ = strings.Cut(ref, "@")
	return found.Dir, name + "@" + found.Commit, nil
}

// fromHub resolves a repository and tells how its download goes.
func (a *app) fromHub(ctx context.Context, ref string, kind hub.Kind) (hub.Snapshot, error) {
	last := a.now()
	return hub.Resolve(ctx, ref, kind, a.env, func(p hub.Progress) {
		switch {
		case p.Note != "":
			a.voice().note("%s", p.Note)
		case a.now().Sub(last) >= every:
			last = a.now()
			a.voice().note("%s: %s of %s", p.File, gibibytes(p.Done), gibibytes(p.Total))
		}
	})
}
