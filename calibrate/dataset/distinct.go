package dataset

// distinct estimates how many keys differ, in bounded memory: it remembers the keys
// whose low bits are zero, and asks for one more such bit whenever they become too
// many (Gibbons 2001, "distinct sampling"). Up to maxKeys it is exact.
type distinct struct {
	seen  map[uint64]struct{}
	bits  uint
	total int64 // of the keys that the sample covers
}

const maxKeys = 1 << 20

func newDistinct() distinct { return distinct{seen: map[uint64]struct{}{}} }

func (d *distinct) covers(key uint64) bool { return key&(1<<d.bits-1) == 0 }

func (d *distinct) add(key uint64) {
	if !d.covers(key) {
		return
	}
	d.total++
	d.seen[key] = struct{}{}
	for len(d.seen) > maxKeys {
		d.bits++
		before := len(d.seen)
		for k := range d.seen {
			if !d.covers(k) {
				delete(d.seen, k)
			}
		}
		d.total = d.total * int64(len(d.seen)) / int64(before)
	}
}

// duplicateShare is the share of keys that were seen before.
func (d *distinct) duplicateShare() float64 {
	if d.total == 0 {
		return 0
	}
	return 1 - float64(len(d.seen))/float64(d.total)
}
