package cli

import (
	"slices"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/cmd/internal/config"
)

func TestHorizonAndWarmup(t *testing.T) {
	c := config.Default() // 16 rows a step, 3 epochs
	data := evidence.Data{Tokens: 683_000}
	if got := horizon(c, data, 128); got != 1001 {
		t.Errorf("horizon %d, want 1001", got)
	}
	if got := warmup(c, 1001); got != 30 {
		t.Errorf("warm-up %d, want 30", got)
	}
	if got := warmup(c, 1_000_000); got != 100 {
		t.Errorf("warm-up %d, want 100", got)
	}
	c.Calibration.HorizonTokens = 1e6
	if got := horizon(c, data, 128); got != 489 {
		t.Errorf("horizon of a million tokens %d, want 489", got)
	}
	c.Calibration.Horizon, c.Calibration.WarmupSteps = 7, 5
	if got := horizon(c, data, 128); got != 7 {
		t.Errorf("horizon %d, want 7", got)
	}
	if got := warmup(c, 7); got != 5 {
		t.Errorf("warm-up %d, want 5", got)
	}
	if got := horizon(config.Default(), evidence.Data{}, 128); got != 1 {
		t.Errorf("horizon of no data %d, want 1", got)
	}
}

func TestStepsAskedOfAStoredRun(t *testing.T) {
	run := &evidence.Run{Setup: evidence.Setup{MicroBatch: 4, Accumulation: 2, SeqLength: 100}, Data: evidence.Data{Tokens: 40_000}}
	for _, tt := range []struct {
		name   string
		origin string // of the epochs
		give   func(*config.Calibration)
		want   int
	}{
		{"nothing", config.FromDefault, func(*config.Calibration) {}, 0},
		{"a million tokens", config.FromDefault, func(c *config.Calibration) { c.HorizonTokens = 1e6 }, 1250},
		{"seven steps", config.FromDefault, func(c *config.Calibration) { c.Horizon, c.HorizonTokens = 7, 1e6 }, 7},
		{"ten epochs", "--epochs", func(c *config.Calibration) { c.Epochs = 10 }, 500},
		{"ten epochs in a file", "ftadvise.yaml:3", func(c *config.Calibration) { c.Epochs = 10 }, 0},
		{"tokens before epochs", "--epochs", func(c *config.Calibration) { c.Epochs, c.HorizonTokens = 10, 1e6 }, 1250},
	} {
		c := loadedWith(func(c *config.Config) { tt.give(&c.Calibration) })
		c.Origins["calibration.epochs"] = tt.origin
		if got := stepsAsked(c, run); got != tt.want {
			t.Errorf("%s: %d steps, want %d", tt.name, got, tt.want)
		}
	}
}

func TestShapeByDevice(t *testing.T) {
	c := config.Default()
	gpu := evidence.Environment{GPU: "NVIDIA H200"}
	for _, tt := range []struct {
		name, asked string
		machine     evidence.Environment
		positions   int
		want        shape
	}{
		{"CPU", "auto", evidence.Environment{}, 2048, shape{"cpu", "fp32", 128, 16, 1}},
		{"GPU", "auto", gpu, 2048, shape{"cuda:0", "bf16", 512, 16, 1}},
		{"CPU beside a GPU", "cpu", gpu, 2048, shape{"cpu", "fp32", 128, 16, 1}},
		{"second GPU", "cuda:1", gpu, 2048, shape{"cuda:1", "bf16", 512, 16, 1}},
		{"short model", "auto", gpu, 100, shape{"cuda:0", "bf16", 100, 16, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.Calibration.Device = tt.asked
			got, err := resolveShape(c, baseModel{config: hf.Config{MaxPositions: tt.positions}}, tt.machine)
			if err != nil || got != tt.want {
				t.Errorf("got %+v (%v), want %+v", got, err, tt.want)
			}
		})
	}
}

// TestSpares: what goes along beside the adapter that was asked for.
func TestSpares(t *testing.T) {
	model := hf.Config{ModelType: "llama", Hidden: 64, Intermediate: 128, Layers: 1, Heads: 2, KVHeads: 2, HeadDim: 32, Vocab: 256, MaxPositions: 64}
	for name, tt := range map[string]struct {
		change func(*config.Config)
		want   []string
	}{
		"nothing said":  {func(*config.Config) {}, []string{"lora(r=32)"}},
		"named targets": {func(c *config.Config) { c.LoRA.Targets = "q_proj,v_proj" }, []string{"lora(r=8)", "lora(r=32,q_proj,v_proj)"}},
		"all by name":   {func(c *config.Config) { c.LoRA.Targets = "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj" }, []string{"lora(r=32,q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj)"}},
		"named ranks":   {func(c *config.Config) { c.LoRA.OtherRanks = []int{2} }, nil},
		"near the most": {func(c *config.Config) { c.LoRA.Rank = 32 }, []string{"lora(r=64)"}},
		"at the most":   {func(c *config.Config) { c.LoRA.Rank = 64 }, nil},
		"not wanted":    {func(c *config.Config) { c.LoRA.Spares = false }, nil},
		"full alone":    {func(c *config.Config) { c.Calibration.Methods = []string{"full"} }, nil},
	} {
		c := config.Default()
		c.LoRA.Alpha = 0
		tt.change(&c)
		var got []string
		for _, m := range spares(c, baseModel{config: model}) {
			got = append(got, m.String())
			if m.Alpha != 2*float64(m.Rank) {
				t.Errorf("%s: %s with alpha %g", name, m, m.Alpha)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
