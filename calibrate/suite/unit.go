package suite

import (
	"errors"
	"fmt"
	"strings"

	"ftadvise/calibrate/evidence"
)

// Unit is one kind of method on one data set: what is trained and kept as a whole.
// LoRA's ranks are one unit, since an engine may train all of its arms in one pass.
type Unit struct {
	Base   Base
	Domain Domain
	Kind   evidence.Kind
	// Whole is what LoRA trains whole beside its adapters, as modules_to_save.
	Whole string
	// Seed is of the order of batches and of LoRA's initial values; full fine-tuning
	// begins from the base's. The first one, 1, finds the learning rates; a further one
	// trains each method at its best rate of the first.
	Seed int64
}

// firstSeed has all the learning rates.
const firstSeed = 1

// Name is a file's, unique among units.
func (u Unit) Name() string {
	name := fmt.Sprintf("%s.%s.s%d.%s", u.Base.Name, u.Domain.Name, u.Seed, u.Kind)
	if u.Whole != "" {
		name += "+" + strings.ReplaceAll(u.Whole, ",", "+")
	}
	return name
}

// first is the unit that found the learning rates.
func (u Unit) first() Unit {
	u.Seed = firstSeed
	return u
}

// Data names the data set: curves with the same and of one seed can be compared.
func (u Unit) Data() string { return u.Base.Name + "/" + u.Domain.Name }

// MethodName is full or lora-r8, or lora-r8+lm_head where that is trained whole.
func MethodName(m evidence.Method) string {
	if m.Kind != evidence.LoRA {
		return string(m.Kind)
	}
	name := fmt.Sprintf("lora-r%d", m.Rank)
	if m.ModulesToSave != "" {
		name += "+" + strings.ReplaceAll(m.ModulesToSave, ",", "+")
	}
	return name
}

// Named lists the units of data sets that are named BASE/DOMAIN: with the first seed in
// the order of the names, then with the others.
func (s Setting) Named(names []string, seeds int) ([]Unit, error) {
	var out []Unit
	for seed := range seeds {
		for _, name := range names {
			base, domain, _ := strings.Cut(name, "/")
			b, errBase := Bases([]string{base})
			d, errDomain := Domains([]string{domain})
			if err := errors.Join(errBase, errDomain); err != nil {
				return nil, err
			}
			out = append(out, both(b[0], d[0], int64(seed+firstSeed))...)
		}
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
				out = append(out, both(b, d, int64(seed+firstSeed))...)
			}
		}
	}
	return out
}

// both are a data set's units of a seed.
func both(b Base, d Domain, seed int64) []Unit {
	return []Unit{{Base: b, Domain: d, Kind: evidence.Full, Seed: seed}, {Base: b, Domain: d, Kind: evidence.LoRA, Seed: seed}}
}

// Whole lists for each data set of units the one in which LoRA trains tables of the base,
// as modules_to_save names them, whole beside its adapters.
func Whole(units []Unit, tables string) []Unit {
	var out []Unit
	for _, u := range units {
		if u.Kind == evidence.LoRA && u.Seed == firstSeed {
			u.Whole = tables
			out = append(out, u)
		}
	}
	return out
}
