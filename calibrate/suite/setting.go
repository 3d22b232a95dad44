package suite

import (
	"math"
	"path/filepath"
	"slices"

	"ftadvise/calibrate/evidence"
)

// Setting is what all units share.
type Setting struct {
	Dir          string // see Place
	Device       string
	Precision    string
	Threads      int // of an engine on a CPU; 0 leaves it to the engine
	HorizonSteps int
	WarmupSteps  int
	Rows         int // a step
	SeqLength    int
	Ranks        []int
	FullRates    int // learning rates to begin with, all of them up to CutSteps
	LoRARates    int // likewise for each rank, all of them to the horizon
	Widen        int // more rates beyond the edges at most
}

// Default is the committed suite's.
func Default() Setting {
	return Setting{Device: "cpu", Precision: "fp32", HorizonSteps: 1500, WarmupSteps: 20, Rows: 16, SeqLength: 128,
		Ranks: []int{2, 8, 32}, FullRates: 5, LoRARates: 5, Widen: 7}
}

// RateFactor lies between neighbouring learning rates.
const RateFactor = 2

// Methods are those of a unit: full fine-tuning, or LoRA at each rank, alpha twice the
// rank as the product has it.
//
// Beside tables that are trained whole, LoRA has one rank, the middle one.
func (s Setting) Methods(u Unit) []evidence.Method {
	if u.Kind == evidence.Full {
		return []evidence.Method{{Kind: evidence.Full}}
	}
	ranks := s.Ranks
	if u.Whole != "" {
		ranks = ranks[len(ranks)/2:][:1]
	}
	var out []evidence.Method
	for _, rank := range ranks {
		out = append(out, evidence.Method{Kind: evidence.LoRA, Rank: rank, Alpha: 2 * float64(rank), Targets: evidence.AllLinear, ModulesToSave: u.Whole})
	}
	return out
}

// DecayStart is where the last fifth begins, over which the ablation lets the rate fall.
func (s Setting) DecayStart() int { return s.HorizonSteps * 4 / 5 }

// CutSteps is how far every learning rate of full fine-tuning goes: a quarter of the
// horizon. From there the best and its neighbours go on, and whoever is next to a best
// that lies at their edge.
func (s Setting) CutSteps() int { return s.HorizonSteps / 4 }

// EvalSteps grow by a quarter until a twentieth of the horizon is less, and are even
// from there; the base, step 30, the cut and the decay's start are
// among them.
func (s Setting) EvalSteps() []int {
	even := max(1, s.HorizonSteps/20)
	steps := []int{0, s.CutSteps(), s.DecayStart(), s.HorizonSteps}
	if s.HorizonSteps > 30 {
		steps = append(steps, 30)
	}
	for x := 5.0; x*0.25 < float64(even) && x < float64(s.HorizonSteps); x *= 1.25 {
		if math.Abs(x-30) > 2 {
			steps = append(steps, int(math.Round(x)))
		}
	}
	from := 5 * even // where a quarter more is an even step
	for x := from; x < s.HorizonSteps; x += even {
		steps = append(steps, x)
	}
	slices.Sort(steps)
	return slices.Compact(steps)
}

// Place says where a suite's files lie.
type Place struct{ Dir string }

// Place is where this setting's files lie.
func (s Setting) Place() Place { return Place{s.Dir} }

// Corpus is the text that bases are pre-trained on.
func (p Place) Corpus() string { return filepath.Join(p.Dir, "corpus.txt") }

// Text is a domain's text; a lesson has none.
func (p Place) Text(d Domain) string { return filepath.Join(p.Dir, "texts", d.File) }

// Raw is a base's folder before it is trained, Model the one after.
func (p Place) Raw(b Base) string { return filepath.Join(p.Dir, "raw", b.Name) }

// Model is the folder of a trained base.
func (p Place) Model(b Base) string { return filepath.Join(p.Dir, "models", b.Name) }

// Pack is the file of a domain's rows: one for all bases, but a lesson has one for each.
func (p Place) Pack(b Base, d Domain) string { return p.packs(b, d, ".safetensors") }

// Facts is the file of what packing found out about a domain.
func (p Place) Facts(b Base, d Domain) string { return p.packs(b, d, ".json") }

func (p Place) packs(b Base, d Domain, ending string) string {
	name := d.Name
	if d.Lesson != nil {
		name = b.Name + "." + name
	}
	return filepath.Join(p.Dir, "packs", name+ending)
}

// Measured is the file of what an engine found of a domain at a base's weights.
func (p Place) Measured(b Base, d Domain) string {
	return filepath.Join(p.Dir, "measured", b.Name+"."+d.Name+".json")
}

// Unit is the file of a unit's result.
func (p Place) Unit(u Unit) string { return filepath.Join(p.Dir, "units", u.Name()+".json") }

// Scratch is a folder for a unit's checkpoints.
func (p Place) Scratch(u Unit) string { return filepath.Join(p.Dir, "scratch", u.Name()) }
