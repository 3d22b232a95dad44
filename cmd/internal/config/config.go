package config

import (
	"strings"
	"time"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
)

// Config is every setting of ftadvise. keys.go documents each key; zero stands for
// "chosen from model, data and device" wherever a key's text says so.
type Config struct {
	Model         string         `yaml:"model"`
	RandomWeights bool           `yaml:"random_weights"`
	Data          string         `yaml:"data"`
	Policy        string         `yaml:"policy"`
	Store         string         `yaml:"store"`
	Engine        string         `yaml:"engine"`
	Output        string         `yaml:"output"`
	Quiet         bool           `yaml:"quiet"`
	Dataset       Dataset        `yaml:"dataset"`
	Calibration   Calibration    `yaml:"calibration"`
	LoRA          LoRA           `yaml:"lora"`
	Optimizer     Optimizer      `yaml:"optimizer"`
	Stakes        advisor.Stakes `yaml:"stakes"`
	Serve         Serve          `yaml:"serve"`
}

// Dataset says how the data are read.
type Dataset struct {
	Format         string   `yaml:"format"`
	Shape          string   `yaml:"shape"`
	Fields         []string `yaml:"fields"`
	Template       string   `yaml:"template"`
	Validation     string   `yaml:"validation"`
	TrainRows      int      `yaml:"train_rows"`
	EvalRows       int      `yaml:"eval_rows"`
	SkipBad        bool     `yaml:"skip_bad"`
	MaxRecordBytes int      `yaml:"max_record_bytes"`
}

// Calibration says how the short training runs are made.
type Calibration struct {
	Budget        time.Duration `yaml:"budget"`
	Device        string        `yaml:"device"`
	Precision     string        `yaml:"precision"`
	Threads       int           `yaml:"threads"`
	Methods       []string      `yaml:"methods"`
	SeqLength     int           `yaml:"seq_length"`
	Batch         int           `yaml:"batch"`
	MicroBatch    int           `yaml:"micro_batch"`
	Checkpointing bool          `yaml:"checkpointing"`
	Horizon       int           `yaml:"horizon"`
	HorizonTokens float64       `yaml:"horizon_tokens"`
	Epochs        float64       `yaml:"epochs"`
	WarmupSteps   int           `yaml:"warmup_steps"`
	SearchRates   int           `yaml:"search_rates"`
	RateFull      float64       `yaml:"rate_full"`
	RateLoRA      float64       `yaml:"rate_lora"`
	Seed          int64         `yaml:"seed"`
	Seeds         int           `yaml:"seeds"`
	Stall         time.Duration `yaml:"stall"`
	Metrics       string        `yaml:"metrics"`
}

// LoRA is the adapter that the user has in mind.
type LoRA struct {
	Rank    int     `yaml:"rank"`
	Alpha   float64 `yaml:"alpha"`
	Dropout float64 `yaml:"dropout"`
	Targets string  `yaml:"targets"`
	Variant string  `yaml:"variant"`
	// PlusRatio is LoRA+'s; ModulesToSave is PEFT's modules_to_save.
	PlusRatio     float64 `yaml:"plus_ratio"`
	ModulesToSave string  `yaml:"modules_to_save"`
	OtherRanks    []int   `yaml:"other_ranks"`
	Spares        bool    `yaml:"spares"`
}

// Method is the adapter as evidence names it; alpha 0 stands for twice the rank, a ratio
// of 1 for none.
func (l LoRA) Method() evidence.Method {
	alpha := l.Alpha
	if alpha == 0 {
		alpha = 2 * float64(l.Rank)
	}
	ratio := l.PlusRatio
	if ratio == 1 {
		ratio = 0
	}
	return evidence.Method{
		Kind: evidence.LoRA, Rank: l.Rank, Alpha: alpha, Dropout: l.Dropout,
		Targets: l.Targets, Variant: l.Variant, RateRatioBA: ratio, ModulesToSave: strings.ReplaceAll(l.ModulesToSave, " ", ""),
	}
}

// Optimizer is AdamW's setting, shared by all methods.
type Optimizer struct {
	Beta1       float64 `yaml:"beta1"`
	Beta2       float64 `yaml:"beta2"`
	Epsilon     float64 `yaml:"epsilon"`
	WeightDecay float64 `yaml:"weight_decay"`
	ClipNorm    float64 `yaml:"clip_norm"`
}

// Serve says where measurements are exposed.
type Serve struct {
	Addr        string `yaml:"addr"`
	AllowRemote bool   `yaml:"allow_remote"`
	WebConfig   string `yaml:"web_config"`
}
