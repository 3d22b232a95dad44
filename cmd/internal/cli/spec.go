package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"ftadvise/calibrate"
	"ftadvise/calibrate/dataset"
	"ftadvise/calibrate/dataset/tokenizer"
	"ftadvise/calibrate/embedded"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf/hub"
	"ftadvise/cmd/internal/config"
)

// The row lengths that are chosen where the user names none: long enough to hold
// most examples, short enough for a calibration of minutes on that device.
const (
	autoSeqCPU = 128
	autoSeqGPU = 512
)

// device resolves auto by what the engine found.
func device(c config.Config, env evidence.Environment) (string, error) {
	asked := c.Calibration.Device
	switch {
	case asked == "auto" && env.GPU != "":
		return "cuda:0", nil
	case asked == "auto":
		return "cpu", nil
	case asked == "cpu":
		return asked, nil
	case strings.HasPrefix(asked, "cuda") && env.GPU == "":
		return "", fail(exitEnvironment, "use --device cpu, or see ftadvise doctor", "device %s: the engine found no GPU", asked)
	case asked == "cuda":
		return "cuda:0", nil
	case strings.HasPrefix(asked, "cuda:"):
		return asked, nil
	}
	return "", &calibrate.InputError{Where: "calibration.device", What: fmt.Sprintf("%q is no device", asked), Hint: "auto, cpu or cuda:N"}
}

// precision resolves auto: bf16 where the device multiplies it fast, else fp32.
func precision(c config.Config, device string) string {
	switch {
	case c.Calibration.Precision != "auto":
		return c.Calibration.Precision
	case strings.HasPrefix(device, "cuda"):
		return "bf16"
	}
	return "fp32"
}

// seqLength resolves 0 by model and device, and refuses rows that the model's
// positions cannot number.
func seqLength(c config.Config, m baseModel, device string) (int, error) {
	if asked := c.Calibration.SeqLength; asked > 0 {
		return asked, m.config.CheckSequence(asked)
	}
	auto := autoSeqCPU
	if strings.HasPrefix(device, "cuda") {
		auto = autoSeqGPU
	}
	return min(auto, m.config.MaxPositions), nil
}

// batching splits the effective batch into micro-batches.
func batching(c config.Config) (micro, accumulation int, err error) {
	batch, micro := c.Calibration.Batch, c.Calibration.MicroBatch
	if micro == 0 {
		micro = batch
	}
	if batch%micro != 0 {
		return 0, 0, &calibrate.InputError{
			Where: "calibration.micro_batch", What: fmt.Sprintf("%d rows do not divide the batch of %d", micro, batch),
			Hint: "choose a divisor of the batch",
		}
	}
	return micro, batch / micro, nil
}

// horizon resolves 0 to the steps that the tokens, or the epochs of this data, need.
func horizon(c config.Config, data evidence.Data, seqLength int) int {
	if c.Calibration.Horizon > 0 {
		return c.Calibration.Horizon
	}
	tokens := c.Calibration.HorizonTokens
	if tokens == 0 {
		tokens = c.Calibration.Epochs * float64(data.Tokens)
	}
	return stepsOf(tokens, c.Calibration.Batch*seqLength)
}

// stepsOf is how many steps so many tokens need, at least one.
func stepsOf(tokens float64, stepTokens int) int {
	return int(min(max(1, math.Ceil(tokens/float64(stepTokens))), math.MaxInt32))
}

// warmup resolves 0 to 3 % of the horizon, at most 100 steps.
func warmup(c config.Config, horizon int) int {
	if c.Calibration.WarmupSteps > 0 {
		return c.Calibration.WarmupSteps
	}
	return min(100, horizon*3/100)
}

// tokenizerOf loads the model's tokenizer. For random weights any tokens will do, so
// that where config.json stands alone the embedded model's tokenizer serves.
func (a *app) tokenizerOf(m baseModel) (*tokenizer.Tokenizer, error) {
	_, err := os.Stat(filepath.Join(m.dir, "tokenizer.json"))
	if !m.evidence.RandomWeights || !errors.Is(err, fs.ErrNotExist) {
		return tokenizer.Load(m.dir)
	}
	paths, err := embedded.Extract(a.cacheDir("embedded"))
	if err != nil {
		return nil, err
	}
	return tokenizer.Load(paths.Base)
}

// fields parses role=column pairs.
func fields(pairs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, pair := range pairs {
		role, column, ok := strings.Cut(pair, "=")
		if !ok || role == "" || column == "" {
			return nil, &calibrate.InputError{Where: "dataset.fields", What: fmt.Sprintf("%q is not role=column", pair), Hint: "for example --field prompt=question"}
		}
		out[role] = column
	}
	return out, nil
}

// shape is what decides how the data are cut, before they are read.
type shape struct {
	device, precision   string
	seqLength           int
	micro, accumulation int
}

func resolveShape(c config.Config, m baseModel, env evidence.Environment) (shape, error) {
	var s shape
	var err error
	if s.device, err = device(c, env); err != nil {
		return s, err
	}
	s.precision = precision(c, s.device)
	if s.seqLength, err = seqLength(c, m, s.device); err != nil {
		return s, err
	}
	s.micro, s.accumulation, err = batching(c)
	return s, err
}

// spec puts together what to calibrate, with nothing left to default.
func spec(c config.Config, m baseModel, s shape, packed dataset.Packed) calibrate.Spec {
	steps := horizon(c, packed.Data, s.seqLength)
	full, lora := calibrate.PriorRates(c.Calibration.RateFull, c.Calibration.RateLoRA, c.LoRA.Method(), m.config.Hidden)
	warnings := slices.Concat(m.warnings, packed.Warnings, partedTies(c, m))
	return calibrate.Spec{
		Version: version(), Domain: packed.Domain, Warnings: warnings,
		ModelDir: m.dir, Model: m.evidence, Data: packed.Data, PackPath: packFile,
		Device: s.device, Precision: s.precision, Threads: c.Calibration.Threads,
		SeqLength: s.seqLength, MicroBatch: s.micro, Accumulation: s.accumulation,
		Optimizer: evidence.Optimizer(c.Optimizer), WarmupSteps: warmup(c, steps),
		Full: tries(c, "full"), LoRA: adapters(c), Spares: spares(c, m), RankMost: m.config.RankMost(c.LoRA.Method()),
		RateFull: full, RateLoRA: lora, SearchRates: c.Calibration.SearchRates,
		HorizonSteps: steps, Budget: c.Calibration.Budget,
		Seeds: c.Calibration.Seeds, Seed: c.Calibration.Seed,
		Checkpointing: c.Calibration.Checkpointing,
	}
}

// partedTies warns where a tied model's embedding or head is trained as a copy of its own.
func partedTies(c config.Config, m baseModel) []evidence.Warning {
	if text := m.config.TiedWarning(c.LoRA.Method()); text != "" && tries(c, "lora") {
		return []evidence.Warning{{Code: "ties-part", Text: text}}
	}
	return nil
}

// pack reads, tokenises and packs the data for a model, beside general text on which
// forgetting shows.
func (a *app) pack(ctx context.Context, c config.Config, m baseModel, s shape, out string) (dataset.Packed, error) {
	opts, err := a.dataOptions(ctx, c)
	if err != nil {
		return dataset.Packed{}, err
	}
	opts.SeqLength, opts.Vocab, opts.General = s.seqLength, m.config.Vocab, embedded.General()
	tok, err := a.tokenizerOf(m)
	if err != nil {
		return dataset.Packed{}, err
	}
	// A pass over data keeps little of what it allocates: to collect four times as often
	// costs a few percent of the time and saves half of the memory.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	packed, err := dataset.Pack(ctx, opts, tok, out)
	if c.Data != "-" {
		packed.Data.Name = c.Data // as the user typed it, so that commands shown later can be typed again
	}
	if packed.Data.Validation != "" {
		packed.Data.Validation = cmp.Or(c.Dataset.Validation, packed.Data.Name) // the data set's own, where nobody named one
	}
	return packed, err
}

// chatTemplate reads the template file; "" leaves the choice to the dataset.
func chatTemplate(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", &calibrate.InputError{Where: "dataset.template", What: err.Error(), Hint: "name a file that holds a chat template"}
	}
	return string(text), nil
}

// dataOptions says how the data are read, but for the length of the rows.
func (a *app) dataOptions(ctx context.Context, c config.Config) (dataset.Options, error) {
	if c.Data == "" {
		return dataset.Options{}, fail(exitUsage, "--data takes a file, a folder, a glob, or - for standard input", "no data were given")
	}
	data, err := a.place(ctx, c.Data)
	if err != nil {
		return dataset.Options{}, err
	}
	held := data.heldOut()
	if c.Dataset.Validation != "" {
		if held, err = a.place(ctx, c.Dataset.Validation); err != nil {
			return dataset.Options{}, err
		}
	}
	roles, err := fields(c.Dataset.Fields)
	if err != nil {
		return dataset.Options{}, err
	}
	template, err := chatTemplate(c.Dataset.Template)
	if err != nil {
		return dataset.Options{}, err
	}
	return dataset.Options{
		Path: data.path, Only: data.only, Validation: held.path, ValidationOnly: held.only, Stdin: a.in, Format: c.Dataset.Format, Shape: c.Dataset.Shape,
		Fields: roles, Template: template,
		Seed: c.Calibration.Seed, MaxTrainRows: c.Dataset.TrainRows, EvalRows: c.Dataset.EvalRows,
		SkipBad: c.Dataset.SkipBad, MaxRecordBytes: c.Dataset.MaxRecordBytes,
	}, nil
}

// place is where data lie on this disk.
type place struct {
	path string
	only []string // names within it; nil: all
	held []string // of the same folder, what the data set holds out itself
}

// heldOut is where the data set's own held-out data lie; nowhere if it has none.
func (p place) heldOut() place {
	if len(p.held) == 0 {
		return place{}
	}
	return place{path: p.path, only: p.held}
}

// place finds data, on the hub where that is said.
func (a *app) place(ctx context.Context, data string) (place, error) {
	ref, ok := strings.CutPrefix(data, hubScheme)
	if !ok {
		return place{path: data}, nil
	}
	found, err := a.fromHub(ctx, ref, hub.Dataset)
	return place{found.Dir, found.Files, found.Held}, err
}
