package cli

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"ftadvise/calibrate/embedded"
	"ftadvise/cmd/internal/config"
)

// demoBudget is for each of the two datasets, so that both take under two minutes.
const demoBudget = 45 * time.Second

// What the demo says in the user's place, the same for both datasets.
const (
	demoRank    = 16
	demoTieNats = 0.1 // a difference that nobody would notice in so small a model
)

func (a *app) demoVerb() (*cobra.Command, error) {
	return verb("demo", "advise on an embedded model and two sample datasets, a near and a far one", a.demo,
		append(calibrationPaths(), append(stakePaths(), "policy")...)...)
}

func (a *app) demo(cmd *cobra.Command, _ []string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	paths, err := embedded.Extract(a.cacheDir("embedded"))
	if err != nil {
		return err
	}
	if !c.Set("calibration.budget") {
		c.Calibration.Budget = demoBudget
	}
	if !c.Set("lora.rank") {
		c.LoRA.Rank = demoRank
	}
	if !c.Set("stakes.tie_nats") {
		c.Stakes.TieNats, c.Origins["stakes.tie_nats"] = demoTieNats, "ftadvise demo"
	}
	c.Model = paths.Base
	for _, sample := range []struct{ data, about string }{
		{paths.Near, "near: prose like that which the model was trained on"},
		{paths.Far, "far: assembly, which it has never seen"},
	} {
		c.Data = sample.data
		if _, err := fmt.Fprintf(a.out, "%s\n\n", sample.about); err != nil {
			return err
		}
		if err := a.advise(cmd.Context(), c, recommendFlags{}); err != nil {
			return err
		}
	}
	a.voice().note("try it on your own: ftadvise recommend --model DIR --data FILE; ftadvise report writes what was found as HTML")
	return nil
}

// cacheDir is a folder of what can be made again, by the XDG base directory
// specification.
func (a *app) cacheDir(name string) string {
	base := a.env("XDG_CACHE_HOME")
	if !filepath.IsAbs(base) {
		base = filepath.Join(a.env("HOME"), ".cache")
	}
	return filepath.Join(base, "ftadvise", name)
}

// needData lets the fixed comparison run without data of the user's own: it measures
// time and memory, for which any text will do.
func (a *app) needData(c *config.Loaded) error {
	if c.Data != "" {
		return nil
	}
	paths, err := embedded.Extract(a.cacheDir("embedded"))
	if err != nil {
		return err
	}
	c.Data = paths.Near
	a.voice().note("no --data: measured on the embedded sample %s", paths.Near)
	return nil
}
