package hf

// RopeScaling stretches rotary positions beyond the length that a model was trained
// on. Fields that a type does not use are zero.
type RopeScaling struct {
	Type              string // linear, dynamic, llama3, yarn
	Factor            float64
	OriginalPositions int     // length before stretching
	LowFreqFactor     float64 // llama3
	HighFreqFactor    float64 // llama3
	BetaFast          float64 // yarn
	BetaSlow          float64 // yarn
	AttentionFactor   float64 // yarn; 0 derives it from Factor and the two scales
	MScale            float64 // yarn
	MScaleAllDim      float64 // yarn
	Truncate          bool    // yarn: round the range of corrected dimensions
}

// rope reads rope_theta and rope_scaling, or rope_parameters, in which newer
// transformers put both. rope_scaling wins where a file has the two.
func (f *fields) rope(c *Config) {
	inner := f.object(f.first("rope_scaling", "rope_parameters"))
	local := &fields{where: inner.where}
	if inner.has(fullAttention) || inner.has(slidingAttention) {
		local, inner = inner.object(slidingAttention), inner.object(fullAttention)
		if c.ModelType != gemma3 {
			f.fail("rope_parameters", "has an entry for each kind of layer, which a %s has not", c.ModelType)
		}
	}
	if c.ModelType == gemma3 {
		c.RopeThetaLocal = local.theta(f.theta(10_000, "rope_local_base_freq"), "rope_theta")
		if local.scaling(c.MaxPositions) != nil {
			local.fail("rope_type", "scales sliding-window layers, which is not supported")
		}
	}
	c.RopeTheta = inner.theta(f.theta(ropeTheta(c.ModelType), "rope_theta"), "rope_theta")
	c.RotaryShare = inner.float(f.float(1, 0, 1, "partial_rotary_factor"), 0, 1, "partial_rotary_factor")
	if c.RotaryShare != 1 {
		inner.fail("partial_rotary_factor", "is %g; only 1 is supported", c.RotaryShare)
	}
	c.RopeScaling = inner.scaling(f.sizeOr(c.MaxPositions, maxPositions, "original_max_position_embeddings"))
	f.adopt(local)
	f.adopt(inner)
}

// adopt takes over the refusal of a nested object.
func (f *fields) adopt(inner *fields) {
	if f.err == nil {
		f.err = inner.err
	}
}

func (f *fields) theta(fallback float64, name string) float64 {
	return f.float(fallback, 1.01, 1e12, name)
}

// ropeTheta is the base where config.json gives none.
func ropeTheta(modelType string) float64 {
	if modelType == gemma3 {
		return 1_000_000
	}
	return 10_000
}

// scaling reads the kind of scaling and its own fields; nil is none. original is the
// length before stretching where the fields do not say it.
func (f *fields) scaling(original int) *RopeScaling {
	kind := f.text("default", f.first("rope_type", "type"))
	s := &RopeScaling{Type: kind}
	switch kind {
	case "default":
		return nil
	case "linear":
	case "dynamic":
	case "llama3":
		s.LowFreqFactor = f.needed("low_freq_factor")
		s.HighFreqFactor = f.needed("high_freq_factor")
		if s.HighFreqFactor <= s.LowFreqFactor {
			f.fail("high_freq_factor", "%g is not above low_freq_factor %g", s.HighFreqFactor, s.LowFreqFactor)
		}
	case "yarn":
		f.yarn(s)
	default:
		f.fail("rope_type", "%q is not supported; supported are default, linear, dynamic, llama3, yarn", kind)
		return nil
	}
	s.OriginalPositions = f.sizeOr(original, maxPositions, "original_max_position_embeddings")
	s.Factor = f.needed("factor")
	if s.Factor < 1 {
		f.fail("factor", "is %g, below 1", s.Factor)
	}
	return s
}

func (f *fields) needed(name string) float64 {
	if !f.has(name) {
		f.fail(name, "is missing")
	}
	return f.float(1, 1e-6, 1e6, name)
}

func (f *fields) yarn(s *RopeScaling) {
	s.BetaFast = f.float(32, 1e-6, 1e6, "beta_fast")
	s.BetaSlow = f.float(1, 1e-6, 1e6, "beta_slow")
	s.AttentionFactor = f.float(0, 0, 1e6, "attention_factor")
	s.MScale = f.float(0, 0, 1e6, "mscale")
	s.MScaleAllDim = f.float(0, 0, 1e6, "mscale_all_dim")
	s.Truncate = f.flag(true, "truncate")
	if s.BetaFast < s.BetaSlow {
		f.fail("beta_fast", "%g is below beta_slow %g", s.BetaFast, s.BetaSlow)
	}
}
