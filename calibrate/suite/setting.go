package suite

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

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

// Methods are those of a kind: full fine-tuning, or LoRA at each rank, alpha twice the
// rank as the product has it.
func (s Setting) Methods(kind evidence.Kind) []evidence.Method {
	if kind == evidence.Full {
		return []evidence.Method{{Kind: evidence.Full}}
	}
	var out []evidence.Method
	for _, rank := range s.Ranks {
		out = append(out, evidence.Method{Kind: evidence.LoRA, Rank: rank, Alpha: 2 * float64(rank), Targets: evidence.AllLinear})
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

// Unit is one kind of method on one data set: what is trained and kept as a whole.
// LoRA's ranks are one unit, since an engine may train all of its arms in one pass.
type Unit struct {
	Base   Base
	Domain Domain
	Kind   evidence.Kind
	Seed   int64 // of the batches and of LoRA's initial values
}

// Name is a file's, unique among units.
func (u Unit) Name() string {
	return fmt.Sprintf("%s.%s.s%d.%s", u.Base.Name, u.Domain.Name, u.Seed, u.Kind)
}

// Data names the data set: curves with the same can be compared.
func (u Unit) Data() string {
	if u.Seed == 1 {
		return u.Base.Name + "/" + u.Domain.Name
	}
	return fmt.Sprintf("%s/%s/seed%d", u.Base.Name, u.Domain.Name, u.Seed)
}

// MethodName is full or lora-r8.
func MethodName(m evidence.Method) string {
	if m.Kind == evidence.LoRA {
		return fmt.Sprintf("lora-r%d", m.Rank)
	}
	return string(m.Kind)
}

// Named lists the units of data sets that are named BASE/DOMAIN, in the order of the names.
func (s Setting) Named(names []string) ([]Unit, error) {
	var out []Unit
	for _, name := range names {
		base, domain, _ := strings.Cut(name, "/")
		b, errBase := Bases([]string{base})
		d, errDomain := Domains([]string{domain})
		if err := errors.Join(errBase, errDomain); err != nil {
			return nil, err
		}
		out = append(out, s.Units(b, d, 1)...)
	}
	return out, nil
}

// Units lists all units of bases, domains and seeds: every base and domain with the
// first seed, then the others.
func (s Setting) Units(bases []Base, domains []Domain, seeds int) []Unit {
	var out []Unit
	for seed := range seeds {
		for _, b := range bases {
			for _, d := range domains {
				for _, kind := range []evidence.Kind{evidence.Full, evidence.LoRA} {
					out = append(out, Unit{Base: b, Domain: d, Kind: kind, Seed: int64(seed + 1)})
				}
			}
		}
	}
	return out
}
