package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"ftadvise/advisor"
	"ftadvise/advisor/policy"
	"ftadvise/calibrate/dataset"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/store"
	"ftadvise/cmd/internal/config"
)

// recommendFlags are recommend's own.
type recommendFlags struct {
	run      string
	fresh    bool
	explain  bool
	exitCode bool
	until    bool
}

func (a *app) recommendVerb() (*cobra.Command, error) {
	var f recommendFlags
	cmd, err := verb("recommend", "full fine-tuning or LoRA? Calibrates where no stored run matches, then decides",
		func(cmd *cobra.Command, _ []string) error { return a.recommend(cmd, f) },
		slices.Concat(calibrationPaths(), stakePaths(), []string{"policy"})...)
	if err != nil {
		return nil, err
	}
	cmd.Flags().StringVar(&f.run, "run", "", "decide from this stored run (an ID, latest, or a run.json) and calibrate nothing")
	cmd.Flags().BoolVar(&f.fresh, "fresh", false, "calibrate even where a stored run matches")
	cmd.Flags().BoolVar(&f.until, "until-decided", false, "calibrate for a quarter of --budget, then longer while the verdict is open and more pays for itself")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "trace every rule of the policy")
	a.profileFlag(cmd)
	cmd.Flags().BoolVar(&f.exitCode, "exit-code", false, "leave with 4 where no verdict was reached, for CI")
	return cmd, nil
}

func (a *app) recommend(cmd *cobra.Command, f recommendFlags) error {
	if f.until && f.run != "" {
		return fail(exitUsage, "--run calibrates nothing: leave out one of the two", "--run and --until-decided do not go together")
	}
	if a.profile != "" && f.run != "" {
		return fail(exitUsage, "--run calibrates nothing: leave out one of the two", "--run and --profile do not go together")
	}
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	if err := a.openProfile(); err != nil {
		return err
	}
	f.fresh = f.fresh || a.profile != "" // what is stored cannot be traced
	return a.advise(cmd.Context(), c, f)
}

// advise finds or makes the evidence, decides, keeps the advice and prints it.
func (a *app) advise(ctx context.Context, c *config.Loaded, f recommendFlags) error {
	p, err := loadPolicy(c) // before any time is spent on training
	if err != nil {
		return err
	}
	a.advising = true
	answer := a.decideOnce
	if f.until {
		answer = a.untilDecided
	}
	from, rec, err := answer(ctx, c, p, f)
	if err != nil {
		return err
	}
	a.warn(untold(from.run.Warnings, rec))
	a.publishAdvice(rec)
	if from.folder != nil {
		if err := saveRecommendation(from.folder, rec); err != nil {
			a.voice().warning("the advice was not kept: " + err.Error())
		}
	}
	if err := a.printRecommendation(rec, c.Output, f.explain); err != nil {
		return err
	}
	return gate(rec, f.exitCode)
}

// untold are the run's warnings that the advice does not repeat in its own words.
func untold(warnings []evidence.Warning, rec *advisor.Recommendation) []evidence.Warning {
	told := map[string]bool{
		"budget-too-small": !rec.Verdict.Answer.Decides(), // the verdict says how much more is needed
	}
	for _, w := range rec.Warnings {
		told[w.Code] = true
	}
	told["worse-than-uniform"] = told["base-worse-than-uniform"]
	return slices.DeleteFunc(slices.Clone(warnings), func(w evidence.Warning) bool { return told[w.Code] })
}

// decideOnce decides from the evidence that there is, or from one calibration.
func (a *app) decideOnce(ctx context.Context, c *config.Loaded, p *policy.Policy, f recommendFlags) (source, *advisor.Recommendation, error) {
	from, err := a.evidenceFor(ctx, c, f)
	if err != nil {
		return source{}, nil, err
	}
	rec, err := a.decide(c, p, from.run)
	return from, rec, err
}

// evidenceFor finds the run to decide from: the one that was named, the newest that
// matches, or a fresh calibration.
func (a *app) evidenceFor(ctx context.Context, c *config.Loaded, f recommendFlags) (source, error) {
	if f.run != "" {
		return a.openRun(c.Config, f.run)
	}
	s, err := a.openStore(c.Config)
	if err != nil {
		return source{}, err
	}
	m, err := a.openModel(ctx, c.Config, false)
	if err != nil {
		return source{}, err
	}
	match, err := a.matching(ctx, s, c, m, f)
	if err != nil {
		return source{}, err
	}
	if match == nil {
		return a.calibrateNew(ctx, c, s, m, "")
	}
	run, err := match.Load()
	if err != nil {
		return source{}, err
	}
	a.voice().note("deciding from run %s of %s; --fresh calibrates anew", run.ID, run.CreatedAt.Format("2006-01-02 15:04"))
	return source{run, match.Path(), match}, nil
}

// matching looks for a stored run about this model and these data. Standard input can
// be read only once, so data from there are always calibrated.
func (a *app) matching(ctx context.Context, s *store.Store, c *config.Loaded, m baseModel, f recommendFlags) (*store.Folder, error) {
	opts, err := a.dataOptions(ctx, c.Config)
	if err != nil || f.fresh || c.Data == "-" {
		return nil, err
	}
	data, err := dataset.Fingerprint(ctx, opts)
	if err != nil {
		return nil, err
	}
	return newestMatch(s, c, m.evidence.Fingerprint, data)
}

// gate turns an answer into an exit code: nothing fits, or no verdict where one was
// required.
func gate(rec *advisor.Recommendation, required bool) error {
	switch {
	case rec.Verdict.Answer == advisor.NothingFits:
		return fail(exitDoesNotFit, doesNotFitHint, "neither method fits on the device")
	case required && !rec.Verdict.Answer.Decides():
		hint := ""
		if len(rec.Next) > 0 {
			hint = rec.Next[0]
		}
		return &failure{exitGate, hint, errGated}
	}
	return nil
}
