package config

import (
	"time"

	"ftadvise/advisor"
)

// Default is what holds where nobody says otherwise.
func Default() Config {
	return Config{
		Policy:  "balanced",
		Output:  "table",
		Dataset: Dataset{EvalRows: 64, MaxRecordBytes: 16 << 20},
		Calibration: Calibration{
			Budget:      5 * time.Minute,
			Device:      "auto",
			Precision:   "auto",
			Methods:     []string{"full", "lora"},
			Batch:       16,
			Epochs:      3,
			SearchRates: 3,
			Seed:        1,
			Stall:       15 * time.Minute,
		},
		LoRA: LoRA{Rank: 8, Targets: "all-linear", Spares: true},
		Optimizer: Optimizer{
			Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, ClipNorm: 1,
		},
		Stakes: advisor.DefaultStakes(),
		Serve:  Serve{Addr: "127.0.0.1:9464"},
	}
}
