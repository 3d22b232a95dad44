package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/store"
	"ftadvise/cmd/internal/config"
)

func TestSameSettings(t *testing.T) {
	run := advisortest.New().Run()
	run.Setup.BudgetSeconds, run.Setup.SeqLength = 120, 128
	run.Setup.LoRA = evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}
	run.Gaps[0].Regime = evidence.NeedsMore
	reached := *run
	reached.Gaps = []evidence.Gap{{Regime: evidence.Measured}}
	tests := []struct {
		name string
		run  *evidence.Run
		set  string // the setting that the user gave
		give func(*config.Config)
		want bool
	}{
		{"nothing given", run, "", nil, true},
		{"a default that nobody gave", run, "", func(c *config.Config) { c.LoRA.Rank = 64 }, true},
		{"another rank", run, "lora.rank", func(c *config.Config) { c.LoRA.Rank = 64 }, false},
		{"the same rank", run, "lora.rank", func(c *config.Config) { c.LoRA.Rank = 8 }, true},
		{"alpha as derived", run, "lora.alpha", func(c *config.Config) { c.LoRA.Alpha = 16 }, true},
		{"other row length", run, "calibration.seq_length", func(c *config.Config) { c.Calibration.SeqLength = 64 }, false},
		{"less time", run, "calibration.budget", func(c *config.Config) { c.Calibration.Budget = time.Minute }, true},
		{"more time", run, "calibration.budget", func(c *config.Config) { c.Calibration.Budget = time.Hour }, false},
		{"more time than it needed", &reached, "calibration.budget", func(c *config.Config) { c.Calibration.Budget = time.Hour }, true},
		{"another horizon", run, "calibration.horizon", func(c *config.Config) { c.Calibration.Horizon = 9 }, true},
		{"a rank that was not tried", run, "lora.other_ranks", func(c *config.Config) { c.LoRA.OtherRanks = []int{128} }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sameSettings(tt.run, loadedWith(tt.give, tt.set)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// loadedWith is a configuration of which somebody gave these settings.
func loadedWith(give func(*config.Config), set ...string) *config.Loaded {
	loaded := &config.Loaded{Config: config.Default(), Origins: map[string]string{}}
	for _, key := range config.Keys() {
		loaded.Origins[key.Path] = config.FromDefault
	}
	for _, path := range set {
		loaded.Origins[path] = "--flag"
	}
	if give != nil {
		give(&loaded.Config)
	}
	return loaded
}

func TestSameSpec(t *testing.T) {
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Create(advisortest.New().Run())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	more := func(c *config.Config) { c.Calibration.Seeds = 3 }
	if !sameSpec(f, loadedWith(more)) {
		t.Error("a run without a spec does not answer, though nothing was given that a spec tells")
	}
	if sameSpec(f, loadedWith(more, "calibration.seeds")) {
		t.Error("a run without a spec answers for three seeds")
	}
	made := calibrate.Spec{Seeds: 1, SearchRates: 3, RateFull: 1e-4, WarmupSteps: 30, MicroBatch: 16, Optimizer: evidence.Optimizer{Beta1: 0.9}}
	if err := (&sitting{folder: f}).keep(made); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		set  string
		give func(*config.Config)
		want bool
	}{
		{"calibration.seeds", more, false},
		{"calibration.seeds", func(c *config.Config) { c.Calibration.Seeds = 1 }, true},
		{"calibration.search_rates", func(c *config.Config) { c.Calibration.SearchRates = 5 }, false},
		{"calibration.rate_full", func(c *config.Config) { c.Calibration.RateFull = 3e-4 }, false},
		{"calibration.rate_full", nil, true}, // 0 derives it
		{"optimizer.beta1", nil, true},
		{"optimizer.beta1", func(c *config.Config) { c.Optimizer.Beta1 = 0.8 }, false},
		{"optimizer.clip_norm", nil, false}, // 1, and the run clipped nothing
	} {
		if got := sameSpec(f, loadedWith(tt.give, tt.set)); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.set, got, tt.want)
		}
	}
}

// TestEverySettingOfACalibrationIsCompared holds that no setting that changes what is
// measured is ignored where a stored run answers.
func TestEverySettingOfACalibrationIsCompared(t *testing.T) {
	compared := askedOf(calibrate.Spec{}, config.Default())
	for path := range madeWith(advisortest.New().Run(), loadedWith(nil)) {
		compared[path] = true
	}
	elsewhere := []string{
		"calibration.device",                                                      // sameDevice
		"calibration.horizon", "calibration.horizon_tokens", "calibration.epochs", // forecast anew
		"calibration.threads", "calibration.stall", "calibration.metrics", // how, not what
	}
	for _, path := range calibrationPaths() {
		section, _, _ := strings.Cut(path, ".")
		_, ok := compared[path]
		if !ok && !slices.Contains(elsewhere, path) && slices.Contains([]string{"calibration", "lora", "optimizer"}, section) {
			t.Errorf("%s is given, and a run without it answers", path)
		}
	}
}

func TestAnswersFor(t *testing.T) {
	good := advisortest.New().Run()
	good.State, good.Setup.Model.Fingerprint, good.Data.Fingerprint = evidence.Done, "m", "d"
	if !answersFor(good, "m", "d") {
		t.Fatal("a finished run about the same model and data does not match")
	}
	for name, spoil := range map[string]func(*evidence.Run){
		"interrupted":    func(r *evidence.Run) { r.State = evidence.Stopped },
		"essay":          func(r *evidence.Run) { r.Setup.Preset = "essay" },
		"random weights": func(r *evidence.Run) { r.Setup.Model.RandomWeights = true },
		"other model":    func(r *evidence.Run) { r.Setup.Model.Fingerprint = "x" },
		"other data":     func(r *evidence.Run) { r.Data.Fingerprint = "x" },
	} {
		spoilt := *good
		spoil(&spoilt)
		if answersFor(&spoilt, "m", "d") {
			t.Errorf("%s: matches", name)
		}
	}
}
