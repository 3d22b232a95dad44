package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/cmd/internal/config"
)

// baseModel is the user's model, opened and checked against what was asked of it.
type baseModel struct {
	dir      string
	config   hf.Config
	evidence evidence.Model
	warnings []evidence.Warning
}

// openModel finds and reads the model, and refuses LoRA settings that it has no place
// for, before any time is spent. random reads config.json alone.
func (a *app) openModel(c config.Config, random bool) (baseModel, error) {
	if c.Model == "" {
		return baseModel{}, fail(exitUsage, "--model takes a Hugging Face folder, or org/name from the local cache", "no model was given")
	}
	dir, name, err := a.modelDir(c.Model)
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
	if err != nil {
		return baseModel{}, err
	}
	return out, out.checkMethods(methods(c))
}

// checkMethods asks the model for each method's trainable parameters, which refuses
// targets that do not exist and ranks that no layer can hold.
func (m baseModel) checkMethods(methods []evidence.Method) error {
	for _, method := range methods {
		if _, err := m.config.TrainableParams(method); err != nil {
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
		other := c.LoRA
		other.Rank = rank
		if c.LoRA.Alpha != 0 { // the same ratio of alpha to rank
			other.Alpha = c.LoRA.Alpha * float64(rank) / float64(c.LoRA.Rank)
		}
		out = append(out, other.Method())
	}
	return out
}

func tries(c config.Config, method string) bool {
	for _, m := range c.Calibration.Methods {
		if m == method {
			return true
		}
	}
	return false
}

var hubName = regexp.MustCompile(`^([A-Za-z0-9][\w.-]*)/([A-Za-z0-9][\w.-]*?)(?:@([\w.-]+))?$`)

// modelDir finds the folder of a model: a path, or org/name[@revision] in the local
// Hugging Face cache. The second result is the name that runs show.
func (a *app) modelDir(model string) (dir, name string, err error) {
	info, err := os.Stat(model)
	if err == nil && info.IsDir() {
		return model, filepath.Base(filepath.Clean(model)), nil
	}
	if err == nil {
		return "", "", &calibrate.InputError{Where: model, What: "not a folder", Hint: "--model takes the folder that holds config.json"}
	}
	parts := hubName.FindStringSubmatch(model)
	if parts == nil {
		return "", "", &calibrate.InputError{Where: model, What: "no such model folder", Hint: "give a Hugging Face folder, or org/name from the local cache"}
	}
	return a.cachedModel(parts[1]+"/"+parts[2], parts[3])
}

// cachedModel resolves a revision as the specification of the Hugging Face cache says:
// refs/REVISION holds a commit, snapshots/COMMIT is a folder.
func (a *app) cachedModel(name, revision string) (dir, shown string, err error) {
	if revision == "" {
		revision = "main"
	}
	folder := filepath.Join(a.hubCache(), "models--"+strings.ReplaceAll(name, "/", "--"))
	commit := revision
	if ref, err := os.ReadFile(filepath.Join(folder, "refs", revision)); err == nil {
		commit = strings.TrimSpace(string(ref))
	}
	dir = filepath.Join(folder, "snapshots", commit)
	if info, err := os.Stat(dir); !filepath.IsLocal(commit) || err != nil || !info.IsDir() {
		return "", "", &calibrate.InputError{
			Where: name, What: fmt.Sprintf("neither a folder nor in the Hugging Face cache %s (revision %s)", a.hubCache(), revision),
			Hint: "download it first: hf download " + name,
		}
	}
	return dir, name + "@" + commit, nil
}

// hubCache follows the order of huggingface_hub.
func (a *app) hubCache() string {
	if dir := a.env("HF_HUB_CACHE"); dir != "" {
		return dir
	}
	if home := a.env("HF_HOME"); home != "" {
		return filepath.Join(home, "hub")
	}
	base := a.env("XDG_CACHE_HOME")
	if base == "" {
		base = filepath.Join(a.env("HOME"), ".cache")
	}
	return filepath.Join(base, "huggingface", "hub")
}
