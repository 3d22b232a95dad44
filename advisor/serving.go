package advisor

import (
	"ftadvise/calibrate/evidence"
)

// hoursPerMonth is 365.25 x 24 / 12.
const hoursPerMonth = 730.5

// servedBytes are the bytes of a weight when served: half precision.
const servedBytes = 2

// layout is one way of serving a method, and what it costs over all the months.
type layout struct {
	kind layoutKind
	name string
	usd  float64
}

type layoutKind int

const (
	layoutCopies   layoutKind = iota // a whole model a task, all held
	layoutSwapped                    // one whole model held, others loaded when asked for
	layoutAdapters                   // one base model and an adapter a task
)

// service prices layouts. Memory is held day and night; a device's hour is shared by
// the bytes held on it, so that half a card costs half its price.
type service struct {
	stakes  *Stakes
	price   Price
	weights float64 // bytes of one copy of the model
	adapter float64 // bytes of one adapter
	token   float64 // device seconds of one token
}

func (v service) hold(bytes float64) float64 {
	if v.price.MemoryGiB <= 0 {
		return 0
	}
	return bytes / (v.price.MemoryGiB * gib) * v.price.USDPerHour * hoursPerMonth * v.stakes.Months
}

// requests is their number over all tasks and months.
func (v service) requests() float64 {
	return v.stakes.RequestsPerMonth * v.stakes.Tasks * v.stakes.Months
}

func (v service) compute() float64 {
	return v.requests() * v.stakes.TokensPerRequest * v.token / 3600 * v.price.USDPerHour
}

func (v service) copies(name string) layout {
	return layout{layoutCopies, name, v.hold(v.weights*v.stakes.Tasks) + v.compute()}
}

func (v service) swapSeconds() float64 { return v.weights / (v.stakes.LoadGBPerSec * 1e9) }

// swapped loads another model whenever a request is for another task than the last.
func (v service) swapped(name string) layout {
	others := (v.stakes.Tasks - 1) / v.stakes.Tasks
	swaps := v.requests() * others * v.swapSeconds() / 3600 * v.price.USDPerHour
	return layout{layoutSwapped, name + ", swapped", v.hold(v.weights) + v.compute() + swaps}
}

func (v service) adapters() layout {
	return layout{layoutAdapters, "adapters on one base",
		v.hold(v.weights+v.adapter*v.stakes.Tasks) + v.compute()*(1+v.stakes.AdapterSlow)}
}

// cheapest is the cheapest way in which a method may be served: whole copies, held or
// swapped, for either method, since an adapter can be merged; adapters for LoRA.
func (v service) cheapest(k evidence.Kind) layout {
	if k == evidence.LoRA && v.stakes.AdapterServingOnly {
		return v.adapters()
	}
	name := "full copies"
	if k == evidence.LoRA {
		name = "merged copies"
	}
	best := v.copies(name)
	if v.stakes.Tasks > 1 && v.stakes.RequestsPerMonth > 0 {
		best = lower(best, v.swapped(name))
	}
	if k == evidence.LoRA {
		best = lower(best, v.adapters())
	}
	return best
}

func lower(a, b layout) layout {
	if b.usd < a.usd {
		return b
	}
	return a
}

// storage is the disk that trained weights take: one copy a task, or one base and an
// adapter a task.
func (v service) storage(k evidence.Kind) (usd, bytes float64) {
	bytes = v.weights * v.stakes.Tasks
	if k == evidence.LoRA {
		bytes = v.weights + v.adapter*v.stakes.Tasks
	}
	return bytes / gib * v.stakes.USDPerGiBMonth * v.stakes.Months, bytes
}
