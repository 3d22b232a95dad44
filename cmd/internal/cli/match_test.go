package cli

import (
	"testing"
	"time"

	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
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
			loaded := &config.Loaded{Config: config.Default(), Origins: map[string]string{}}
			for _, key := range config.Keys() {
				loaded.Origins[key.Path] = config.FromDefault
			}
			if tt.set != "" {
				loaded.Origins[tt.set] = "--flag"
			}
			if tt.give != nil {
				tt.give(&loaded.Config)
			}
			if got := sameSettings(tt.run, loaded); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
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
