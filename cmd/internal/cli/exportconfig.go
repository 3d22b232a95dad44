package cli

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ftadvise/advisor"
	"ftadvise/calibrate"
	"ftadvise/calibrate/hf/recipe"
	"ftadvise/cmd/internal/config"
)

// exportFlags are export-config's own.
type exportFlags struct {
	tool, option, out string
	gpus              int
}

func (a *app) exportConfigVerb() (*cobra.Command, error) {
	var f exportFlags
	cmd, err := verb("export-config [RUN]", "write the advised training as configuration of other trainers: TRL, LLaMA-Factory, Axolotl",
		func(cmd *cobra.Command, args []string) error { return a.exportConfig(cmd, args, f) },
		append(stakePaths(), "model", "data", "policy", "calibration.horizon")...)
	if err != nil {
		return nil, err
	}
	cmd.Args = atMost(1)
	flags := cmd.Flags()
	flags.StringVar(&f.tool, "tool", "", "trl, llama-factory or axolotl; empty: all of them")
	flags.StringVar(&f.option, "option", "", "full, lora(r=8), ...; empty: the advised one")
	flags.StringVar(&f.out, "out", "export", "folder to write to, one below it for each tool")
	flags.IntVar(&f.gpus, "gpus", 1, "GPUs that share a step's rows")
	return cmd, nil
}

func (a *app) exportConfig(cmd *cobra.Command, args []string, f exportFlags) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	tools, err := toolsCalled(f.tool)
	if err != nil {
		return err
	}
	settings, err := a.recipeOf(c, runOrLatest(args), f)
	if err != nil {
		return err
	}
	paths := []string{}
	for _, tool := range tools {
		written, err := writeRecipe(tool, settings, filepath.Join(f.out, string(tool)))
		if err != nil {
			return err
		}
		paths = append(paths, written...)
	}
	return a.printFiles(paths, c.Output)
}

func toolsCalled(name string) ([]recipe.Tool, error) {
	if name == "" {
		return recipe.Tools(), nil
	}
	for _, tool := range recipe.Tools() {
		if string(tool) == name {
			return []recipe.Tool{tool}, nil
		}
	}
	return nil, fail(exitUsage, "known are trl, llama-factory and axolotl", "unknown tool %q", name)
}

// recipeOf takes the settings of an option from a run, and the places of model and
// data from the flags or from what the calibration was asked for.
func (a *app) recipeOf(c *config.Loaded, ref string, f exportFlags) (recipe.Settings, error) {
	from, rec, _, err := a.given(c, ref)
	if err != nil {
		return recipe.Settings{}, err
	}
	option, err := optionCalled(rec, f.option)
	if err != nil {
		return recipe.Settings{}, err
	}
	model, data, err := places(c, from)
	if err != nil {
		return recipe.Settings{}, err
	}
	s := recipe.FromRun(from.run, option.Method, option.LearningRate, data, "output")
	s.Model, s.GPUs, s.Comment = model, f.gpus, rec.Headline
	return s, nil
}

// optionCalled finds an option by its name; "" is the advised one, or the cheapest
// where either will do.
func optionCalled(rec *advisor.Recommendation, name string) (advisor.Option, error) {
	if name == "" && rec.Verdict.Answer == advisor.Either {
		return slices.MinFunc(rec.Options, func(a, b advisor.Option) int { return cmp.Compare(a.Total.Mean, b.Total.Mean) }), nil
	}
	var names []string
	for _, o := range rec.Options {
		if o.Name == name || name == "" && o.Chosen {
			return o, nil
		}
		names = append(names, o.Name)
	}
	if name == "" {
		return advisor.Option{}, fail(exitGate, "choose one yourself by --option: "+strings.Join(names, ", "), "no method is advised: %s", rec.Headline)
	}
	return advisor.Option{}, fail(exitInput, "there are "+strings.Join(names, ", "), "no option is called %q", name)
}

// places says where model and data are: by flag, else where the calibration found the
// model, else by their names in the run.
func places(c *config.Loaded, from source) (model, data string, err error) {
	model, data = c.Model, c.Data
	if data == "" {
		data = from.run.Data.Name
	}
	if model != "" {
		return model, data, nil
	}
	model = from.run.Setup.Model.Name
	if from.folder == nil {
		return model, data, nil
	}
	text, err := from.folder.ReadFile(calibrate.SpecFile)
	if errors.Is(err, fs.ErrNotExist) { // an imported run was never asked for
		return model, data, nil
	}
	if err != nil {
		return "", "", err
	}
	spec, err := calibrate.DecodeSpec(text)
	if err != nil {
		return "", "", err
	}
	return spec.ModelDir, data, nil
}

func writeRecipe(tool recipe.Tool, s recipe.Settings, dir string) (paths []string, err error) {
	files, err := recipe.Files(tool, s)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, file := range files {
		path := filepath.Join(dir, file.Name)
		if err := os.WriteFile(path, file.Content, 0o644); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
