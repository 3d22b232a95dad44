package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"
	"pgregory.net/rapid"

	"ftadvise/calibrate"
)

var update = flag.Bool("update", false, "rewrite config.yaml from the defaults")

const documented = "../../../config.yaml"

func TestDocumentedFileEqualsDefaults(t *testing.T) {
	want := Document(Default())
	if *update {
		if err := os.WriteFile(documented, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(documented)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("config.yaml differs from the defaults; run go test ./cmd/internal/config -update\n%s", diff)
	}
	loaded, err := Load(Source{File: documented, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), loaded.Config, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("config.yaml reads as other values than the defaults:\n%s", diff)
	}
	if err := loaded.Validate(); err != nil {
		t.Errorf("the defaults are not valid: %v", err)
	}
}

func TestEveryFieldIsDocumentedOnce(t *testing.T) {
	c := Default()
	var paths, keys []string
	for _, f := range fields(&c) {
		paths = append(paths, f.path)
	}
	flags := map[string]bool{}
	for _, key := range Keys() {
		keys = append(keys, key.Path)
		if flags[key.Flag] || key.Flag == "" || key.Doc == "" {
			t.Errorf("%s: flag %q is empty or used twice, or has no text", key.Path, key.Flag)
		}
		flags[key.Flag] = true
	}
	if diff := cmp.Diff(paths, keys); diff != "" {
		t.Errorf("Config's fields and Keys differ:\n%s", diff)
	}
}

// load reads a project file's text, variables and flags.
func load(t *testing.T, file string, environ, args []string) (*Loaded, error) {
	t.Helper()
	dir := t.TempDir()
	if file != "" {
		if err := os.WriteFile(filepath.Join(dir, ProjectFile), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	if err := AddFlags(set, "lora.rank", "calibration.budget", "data", "lora.other_ranks", "calibration.methods"); err != nil {
		t.Fatal(err)
	}
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(Source{Flags: set, Environ: append([]string{"HOME=" + dir}, environ...), Dir: dir})
}

func TestLayersWinInOrder(t *testing.T) {
	const file = "lora:\n  rank: 4\ncalibration:\n  budget: 1m\n"
	tests := []struct {
		name           string
		file           string
		environ, args  []string
		rank           int
		rankOrigin     string
		budget         time.Duration
		originOfBudget string
	}{
		{"defaults", "", nil, nil, 8, "default", 5 * time.Minute, "default"},
		{"file", file, nil, nil, 4, "ftadvise.yaml:2", time.Minute, "ftadvise.yaml:4"},
		{"variable over file", file, []string{"FTADVISE_LORA_RANK=16"}, nil, 16, "FTADVISE_LORA_RANK", time.Minute, "ftadvise.yaml:4"},
		{"variable of a key in no file", "", []string{"FTADVISE_LORA_RANK=16"}, nil, 16, "FTADVISE_LORA_RANK", 5 * time.Minute, "default"},
		{"empty variable is unset", file, []string{"FTADVISE_LORA_RANK="}, nil, 4, "ftadvise.yaml:2", time.Minute, "ftadvise.yaml:4"},
		{"flag over all", file, []string{"FTADVISE_LORA_RANK=16"}, []string{"--lora-rank=32", "--budget", "90s"}, 32, "--lora-rank", 90 * time.Second, "--budget"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := load(t, tt.file, tt.environ, tt.args)
			if err != nil {
				t.Fatal(err)
			}
			if got.LoRA.Rank != tt.rank || got.Origins["lora.rank"] != tt.rankOrigin {
				t.Errorf("rank = %d from %s, want %d from %s", got.LoRA.Rank, got.Origins["lora.rank"], tt.rank, tt.rankOrigin)
			}
			if got.Calibration.Budget != tt.budget || got.Origins["calibration.budget"] != tt.originOfBudget {
				t.Errorf("budget = %v from %s, want %v from %s", got.Calibration.Budget, got.Origins["calibration.budget"], tt.budget, tt.originOfBudget)
			}
		})
	}
}

func TestListsFromEveryLayer(t *testing.T) {
	for name, give := range map[string]struct {
		file          string
		environ, args []string
	}{
		"file":     {file: "lora:\n  other_ranks: [16, 64]\n"},
		"variable": {environ: []string{"FTADVISE_LORA_OTHER_RANKS=16,64"}},
		"flag":     {args: []string{"--lora-other-ranks", "16,64"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, give.file, give.environ, give.args)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int{16, 64}, got.LoRA.OtherRanks); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStakesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stakes.yaml")
	if err := os.WriteFile(path, []byte("usd_per_nat: 12000\nquality_is_hard: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Load(Source{StakesFile: path, Dir: filepath.Dir(path)})
	if err != nil {
		t.Fatal(err)
	}
	if got.Stakes.USDPerNat != 12000 || !got.Stakes.QualityIsHard || got.Origins["stakes.usd_per_nat"] != "stakes.yaml:1" {
		t.Errorf("stakes = %+v from %q", got.Stakes, got.Origins["stakes.usd_per_nat"])
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct{ name, file, environ, where, what, hint string }{
		{"unknown key", "lora:\n  rnak: 8\n", "", "ftadvise.yaml:2", `unknown key "lora.rnak"`, "did you mean lora.rank?"},
		{"key in the wrong section", "rank: 8\n", "", "ftadvise.yaml:1", `unknown key "rank"`, "lora.rank"},
		{"unknown section", "\nlorra:\n  x: 1\n", "", "ftadvise.yaml:2", `unknown key "lorra"`, ""},
		{"repeated key", "model: a\nmodel: b\n", "", "ftadvise.yaml:2", `key "model" is given twice, first on line 1`, ""},
		{"wrong type", "lora:\n  rank: eight\n", "", "ftadvise.yaml:2", `"eight" is not a whole number`, ""},
		{"duration without unit", "calibration:\n  budget: 5\n", "", "ftadvise.yaml:2", "not a duration", ""},
		{"list for a number", "lora:\n  rank: [8]\n", "", "ftadvise.yaml:2", "must be a whole number", ""},
		{"wrong item", "lora:\n  other_ranks: [8, x]\n", "", "ftadvise.yaml:2", "not a list of whole numbers", ""},
		{"section as a value", "lora: 8\n", "", "ftadvise.yaml:1", "lora must be a mapping", ""},
		{"alias", "model: &m x\ndata: *m\n", "", "ftadvise.yaml:2", "aliases", "write the value out"},
		{"no mapping", "- model\n", "", "ftadvise.yaml:1", "the file must be a mapping", ""},
		{"no YAML", "model: [\n", "", "ftadvise.yaml", "line", ""},
		{"10,000 brackets", "data: " + strings.Repeat("[", 10000) + "\n", "", "ftadvise.yaml", "", ""},
		{"2 MB", "model: " + strings.Repeat("x", 2<<20), "", "ftadvise.yaml", "larger than 1 MiB", ""},
		{"variable of the wrong type", "", "FTADVISE_LORA_RANK=eight", "FTADVISE_LORA_RANK", `"eight" is not a whole number`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.file, []string{tt.environ}, nil)
			var refused *calibrate.InputError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v, want an InputError", err)
			}
			if refused.Where != tt.where || !strings.Contains(refused.What, tt.what) || !strings.Contains(refused.Hint, tt.hint) {
				t.Errorf("got %q: %q (%q)", refused.Where, refused.What, refused.Hint)
			}
			if strings.ContainsAny(refused.Error(), "\n\x1b") {
				t.Errorf("error is not one plain line: %q", refused.Error())
			}
		})
	}
}

func TestAliasBombIsRefusedFast(t *testing.T) {
	var b strings.Builder
	b.WriteString("a: &a [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 'b'; i < 'k'; i++ {
		b.WriteString(string(i) + ": &" + string(i) + " [*" + string(i-1) + strings.Repeat(", *"+string(i-1), 9) + "]\n")
	}
	start := time.Now()
	if _, err := load(t, b.String(), nil, nil); err == nil {
		t.Error("accepted")
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
}

func TestUnknownVariablesAreNamed(t *testing.T) {
	got, err := load(t, "", []string{"FTADVISE_LORA_RNAK=8", "FTADVISE_LIBTORCH=/x", "OTHER=1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"FTADVISE_LORA_RNAK"}, got.Unknown); diff != "" {
		t.Error(diff)
	}
}

func TestValidate(t *testing.T) {
	tests := map[string]string{
		"lora: {rank: 0}":                                 "lora.rank is 0, but must be at least 1",
		"lora: {rank: -3}":                                "at least 1",
		"lora: {alpha: .nan}":                             "not a number",
		"lora: {alpha: nan}":                              "lora.alpha is NaN",
		"lora: {dropout: 1}":                              "below 1",
		"lora: {variant: qlora}":                          "rslora or dora",
		"calibration: {rate_full: 1e30}":                  "between 0 and 10",
		"calibration: {rate_lora: -1}":                    "between 0 and 10",
		"calibration: {methods: []}":                      "one or both of full and lora",
		"calibration: {methods: [full, sft]}":             "one or both of full and lora",
		"calibration: {batch: 0}":                         "at least 1",
		"calibration: {micro_batch: 99}":                  "between 0 and the batch",
		"calibration: {horizon: -1}":                      "0 or more steps",
		"calibration: {horizon_tokens: -1}":               "0 or more tokens",
		"calibration: {seed: -1}":                         "0 or more",
		"calibration: {budget: 0s}":                       "longer than nothing",
		"calibration: {precision: fp8}":                   "auto, fp32, bf16 or bf16-pure",
		"stakes: {usd_per_nat: -1}":                       "stakes.usd_per_nat: -1 $/nat is negative",
		"stakes: {months: inf}":                           "stakes.months: +Inf",
		"stakes: {months: .inf}":                          "not a number",
		"output: yaml":                                    "table, json or markdown",
		"optimizer: {beta2: 1}":                           "below 1",
		"dataset: {eval_rows: 0}":                         "at least 1",
		"calibration: {seq_length: 1}":                    "0 or at least 2",
		"optimizer: {epsilon: 0}":                         "more than 0",
		"lora: {other_ranks: [0]}":                        "ranks of at least 1",
		"calibration: {epochs: 0}":                        "more than 0",
		"calibration: {search_rates: 0}":                  "at least 1",
		"calibration: {seeds: -1}":                        "0 or more",
		"calibration: {seed: 99999999999999999999999999}": "not a whole number",
		"calibration: {stall: -5s}":                       "longer than nothing",
		"calibration: {threads: -1}":                      "0 or more",
		"dataset: {train_rows: -1}":                       "0 or more",
		"optimizer: {clip_norm: -1}":                      "0 or more",
		"optimizer: {weight_decay: -1}":                   "0 or more",
		"calibration: {warmup_steps: -1}":                 "0 or more",
	}
	for file, want := range tests {
		t.Run(file, func(t *testing.T) {
			loaded, err := load(t, file, nil, nil)
			if err == nil {
				err = loaded.Validate()
			}
			var refused *calibrate.InputError
			if !errors.As(err, &refused) || refused.Where != "ftadvise.yaml:1" || !strings.Contains(refused.What, want) {
				t.Errorf("got %v, want ftadvise.yaml:1: ...%s", err, want)
			}
		})
	}
}

// Whatever order the layers' keys come in, the strongest layer that gives a key wins.
func TestMergeLaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		maybe := rapid.Ptr(rapid.IntRange(1, 512), true)
		file, env, given := maybe.Draw(rt, "file"), maybe.Draw(rt, "env"), maybe.Draw(rt, "flag")
		want, text, environ, args := 8, "", []string(nil), []string(nil)
		if file != nil {
			want, text = *file, "lora: {rank: "+strconv.Itoa(*file)+"}\n"
		}
		if env != nil {
			want, environ = *env, []string{"FTADVISE_LORA_RANK=" + strconv.Itoa(*env)}
		}
		if given != nil {
			want, args = *given, []string{"--lora-rank=" + strconv.Itoa(*given)}
		}
		got, err := load(t, text, environ, args)
		if err != nil || got.LoRA.Rank != want {
			rt.Fatalf("rank = %v (%v), want %d", got, err, want)
		}
	})
}

func FuzzFile(f *testing.F) {
	for _, seed := range []string{Document(Default()), "lora: {rank: 8}", "a: &a [*a]", "- x", "model: !!binary x", "? [a]: b", "\xff"} {
		f.Add([]byte(seed))
	}
	defaults := Default()
	known := map[string]field{}
	for _, one := range fields(&defaults) {
		known[one.path] = one
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		settings, err := parse(data, "x.yaml", "", known)
		var refused *calibrate.InputError
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("error without a place: %v", err)
		}
		for path := range settings {
			if _, ok := known[path]; err == nil && !ok {
				t.Errorf("unknown setting %q came through", path)
			}
		}
	})
}
