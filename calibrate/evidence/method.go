package evidence

import (
	"fmt"
	"strings"
)

// Kind tells the two ways of fine-tuning apart.
type Kind string

// The two methods that ftadvise compares.
const (
	Full Kind = "full"
	LoRA Kind = "lora"
)

// AllLinear is the target-modules value that adapts every linear layer of the
// decoder blocks, as PEFT's "all-linear" does (the output head is left alone).
const AllLinear = "all-linear"

// The variants of LoRA: rank-stabilised (arXiv 2312.03732) and weight-decomposed
// (arXiv 2402.09353).
const (
	RsLoRA = "rslora"
	DoRA   = "dora"
)

// Method is one way to fine-tune: full, or LoRA with its settings. It is
// comparable, so it can be a map key.
type Method struct {
	Kind    Kind    `json:"kind"`
	Rank    int     `json:"rank,omitempty"`
	Alpha   float64 `json:"alpha,omitempty"`
	Dropout float64 `json:"dropout,omitempty"`
	// Targets is AllLinear or a comma-separated list of module-name suffixes.
	Targets string `json:"targets,omitempty"`
	// Variant is empty for plain LoRA, or RsLoRA or DoRA.
	Variant string `json:"variant,omitempty"`
	// RateRatioBA multiplies B's learning rate (LoRA+, arXiv 2402.12354); 0 means 1.
	RateRatioBA float64 `json:"rate_ratio_ba,omitempty"`
	// ModulesToSave is a comma-separated list of the embeddings and head that are trained
	// whole beside the adapters, by the ends of their names: embed_tokens,lm_head.
	ModulesToSave string `json:"modules_to_save,omitempty"`
}

// String prints full or lora(r=8), with what else is not the default.
func (m Method) String() string {
	if m.Kind != LoRA {
		return string(m.Kind)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "lora(r=%d", m.Rank)
	if m.Targets != "" && m.Targets != AllLinear {
		fmt.Fprintf(&b, ",%s", m.Targets)
	}
	if m.Variant != "" {
		fmt.Fprintf(&b, ",%s", m.Variant)
	}
	if m.RateRatioBA != 0 && m.RateRatioBA != 1 {
		fmt.Fprintf(&b, ",lora+=%g", m.RateRatioBA)
	}
	if m.ModulesToSave != "" {
		fmt.Fprintf(&b, ",whole=%s", strings.ReplaceAll(m.ModulesToSave, ",", "+"))
	}
	b.WriteByte(')')
	return b.String()
}
