package forecast

import "math"

// drop is how far the loss would fall below the trunk by a final decay.
type drop struct{ mean, sd float64 }

// dropOf takes the newest branch's drop and doubts it by how much the drops of the
// branches differ, or by a third where there is only one.
func dropOf(decays []decay) drop {
	if len(decays) == 0 {
		return drop{}
	}
	newest := decays[len(decays)-1].drop
	spread := math.Abs(newest) / 3
	if len(decays) > 1 {
		spread = math.Abs(newest - decays[len(decays)-2].drop)
	}
	return drop{newest, spread}
}
