package advisor

import (
	_ "embed" // the price table
	"fmt"
	"strings"

	"ftadvise/advisor/strictyaml"
	"ftadvise/calibrate/evidence"
)

//go:embed prices.yaml
var pricesYAML []byte

// Price is what a device costs for one hour, with the range that providers ask.
type Price struct {
	Name       string  `yaml:"name"`
	MemoryGiB  float64 `yaml:"memory_gib"`
	USDPerHour float64 `yaml:"usd_per_hour"`
	Low        float64 `yaml:"low"`
	High       float64 `yaml:"high"`
	// Origin says where the price comes from, for the assumptions.
	Origin string `yaml:"-"`
}

// PriceTable is a dated table of list prices.
type PriceTable struct {
	AsOf    string  `yaml:"as_of"`
	Source  string  `yaml:"source"`
	GPUs    []Price `yaml:"gpus"`
	CPUCore Price   `yaml:"cpu_core"`
}

// ReadPrices reads a price table in the form of prices.yaml.
func ReadPrices(name string, data []byte) (PriceTable, error) {
	var t PriceTable
	if err := strictyaml.Decode(name, data, &t); err != nil {
		return PriceTable{}, err
	}
	return t, t.validate(name)
}

func (t PriceTable) validate(name string) error {
	for _, p := range append([]Price{t.CPUCore}, t.GPUs...) {
		if !finite(p.USDPerHour, p.Low, p.High) || p.USDPerHour < 0 || p.Low > p.USDPerHour || p.High < p.USDPerHour {
			return &InputError{Where: name, What: fmt.Sprintf("price of %q: want 0 <= low <= usd_per_hour <= high", p.Name),
				Fix: "give low and high around usd_per_hour"}
		}
	}
	return nil
}

// ListPrices is the built-in table.
func ListPrices() (PriceTable, error) { return ReadPrices("prices.yaml", pricesYAML) }

// Lookup finds a GPU by its type or by a driver's name for it: every word of the
// table's name must occur, the longest such name wins.
func (t PriceTable) Lookup(gpu string) (Price, bool) {
	var found Price
	for _, p := range t.GPUs {
		if namesGPU(gpu, p.Name) && len(p.Name) > len(found.Name) {
			found = p
		}
	}
	if found.Name == "" {
		found = t.lookupFamily(gpu)
	}
	return found, found.Name != ""
}

// lookupFamily finds the first row of a family that comes in several sizes: "A100".
func (t PriceTable) lookupFamily(gpu string) Price {
	for _, p := range t.GPUs {
		family, _, sized := strings.Cut(p.Name, " ")
		if sized && !strings.HasPrefix(p.Name, "RTX") && namesGPU(gpu, family) {
			return p
		}
	}
	return Price{}
}

// smallest is the cheapest card with so much memory, a twentieth of it left free.
func (t PriceTable) smallest(gib float64) (Price, bool) {
	var best Price
	for _, p := range t.GPUs {
		if p.MemoryGiB*0.95 >= gib && (best.Name == "" || p.USDPerHour < best.USDPerHour) {
			best = p
		}
	}
	return best, best.Name != ""
}

func namesGPU(gpu, name string) bool {
	words := strings.FieldsFunc(strings.ToLower(gpu), func(r rune) bool { return strings.ContainsRune(" -_/", r) })
	for _, want := range strings.Fields(strings.ToLower(name)) {
		if !containsWord(words, want) {
			return false
		}
	}
	return true
}

func containsWord(words []string, want string) bool {
	for _, w := range words {
		if w == want {
			return true
		}
	}
	return false
}

// priceFor is the price of an hour of the device on which the model will be trained
// and served: the stakes' own, else the table's for the stakes' GPU, else for the
// measured device.
func (t PriceTable) priceFor(s Stakes, env evidence.Environment) (Price, []evidence.Warning) {
	if s.USDPerGPUHour > 0 {
		return Price{Name: deviceName(s, env), USDPerHour: s.USDPerGPUHour, Low: s.USDPerGPUHour, High: s.USDPerGPUHour,
			MemoryGiB: t.memoryOf(s, env), Origin: "stakes"}, nil
	}
	name := deviceName(s, env)
	if p, ok := t.Lookup(name); ok && name != "" {
		p.Origin = "list prices of " + t.AsOf
		return p, nil
	}
	p := t.cpuPrice(env)
	if name == "" {
		return p, nil
	}
	return p, []evidence.Warning{{Code: "gpu-price-unknown", Text: fmt.Sprintf(
		"no list price is known for %q, so the price of a CPU stands in: set usd_per_gpu_hour", name)}}
}

func (t PriceTable) memoryOf(s Stakes, env evidence.Environment) float64 {
	if p, ok := t.Lookup(s.GPU); ok && s.GPU != "" {
		return p.MemoryGiB
	}
	return deviceBytes(env) / gib
}

func (t PriceTable) cpuPrice(env evidence.Environment) Price {
	cores := float64(max(1, env.Cores))
	c := t.CPUCore
	return Price{Name: amount(cores, "CPU cores"), MemoryGiB: float64(env.MemoryBytes) / gib,
		USDPerHour: c.USDPerHour * cores, Low: c.Low * cores, High: c.High * cores,
		Origin: "list prices of " + t.AsOf}
}

func deviceName(s Stakes, env evidence.Environment) string {
	if s.GPU != "" {
		return s.GPU
	}
	return env.GPU
}

// deviceBytes is the memory of the device on which the run was measured.
func deviceBytes(env evidence.Environment) float64 {
	if env.GPU != "" {
		return float64(env.GPUMemoryBytes)
	}
	return float64(env.MemoryBytes)
}

const gib = 1 << 30
