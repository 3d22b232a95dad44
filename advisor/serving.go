package advisor

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
)

// hoursPerMonth is 365.25 x 24 / 12.
const hoursPerMonth = 730.5

// servedBytes are the bytes of a weight when served: half precision.
const servedBytes = 2

// layout is one way of serving a method, and what it costs over all the months.
type layout struct {
	name  string
	usd   float64
	basis string
}

// service prices layouts. Memory is held day and night; a device's hour is shared by
// the bytes held on it, so that half a card costs half its price.
type service struct {
	stakes  Stakes
	price   Price
	weights float64 // bytes of one copy of the model
	adapter float64 // bytes of one adapter
	token   float64 // device seconds a token, from the training step's forward third
}

func (v service) hold(bytes float64) float64 {
	if v.price.MemoryGiB <= 0 {
		return 0
	}
	return bytes / (v.price.MemoryGiB * gib) * v.price.USDPerHour * hoursPerMonth * v.stakes.Months
}

func (v service) compute() float64 {
	tokens := v.stakes.RequestsPerMonth * v.stakes.Tasks * v.stakes.Months * v.stakes.TokensPerRequest
	return tokens * v.token / 3600 * v.price.USDPerHour
}

// copies is one whole model a task, all of them held.
func (v service) copies(name string) layout {
	return layout{name, v.hold(v.weights*v.stakes.Tasks) + v.compute(),
		fmt.Sprintf("%s: %g x %s held", name, v.stakes.Tasks, bytesText(v.weights))}
}

// swapped holds one model and loads another whenever a request is for another task.
func (v service) swapped(name string) layout {
	others := (v.stakes.Tasks - 1) / v.stakes.Tasks
	swaps := v.stakes.RequestsPerMonth * v.stakes.Tasks * v.stakes.Months * others
	usd := swaps * v.weights / (v.stakes.LoadGBPerSec * 1e9) / 3600 * v.price.USDPerHour
	return layout{name + ", swapped", v.hold(v.weights) + v.compute() + usd,
		fmt.Sprintf("%s, swapped: one held, %s a swap", name, seconds(v.weights/(v.stakes.LoadGBPerSec*1e9)))}
}

// adapters hold one base model and an adapter a task.
func (v service) adapters() layout {
	return layout{"adapters on one base", v.hold(v.weights+v.adapter*v.stakes.Tasks) + v.compute()*(1+v.stakes.AdapterSlow),
		fmt.Sprintf("adapters on one base: %s and %g x %s held, %.0f%% slower",
			bytesText(v.weights), v.stakes.Tasks, bytesText(v.adapter), 100*v.stakes.AdapterSlow)}
}

// layouts lists the ways in which a method can be served.
func (v service) layouts(k evidence.Kind) []layout {
	name := "full copies"
	if k == evidence.LoRA {
		if v.stakes.AdapterServingOnly {
			return []layout{v.adapters()}
		}
		name = "merged copies"
	}
	out := []layout{v.copies(name)}
	if v.stakes.Tasks > 1 && v.stakes.RequestsPerMonth > 0 {
		out = append(out, v.swapped(name))
	}
	if k == evidence.LoRA {
		out = append(out, v.adapters())
	}
	return out
}

func (v service) cheapest(k evidence.Kind) layout {
	best := layout{usd: math.Inf(1)}
	for _, l := range v.layouts(k) {
		if l.usd < best.usd {
			best = l
		}
	}
	return best
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
