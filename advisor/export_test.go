package advisor

// StakeKey documents one stake: its key in files, its unit, and what it means.
type StakeKey struct {
	Key, Unit, Text string
	Default         string
}

// StakeKeys lists all stakes in the order in which they are shown.
func StakeKeys() []StakeKey {
	d := DefaultStakes()
	out := []StakeKey{{Key: "gpu", Text: "type of the device, for the price table; empty takes the measured one"}}
	for _, f := range stakeFields() {
		k := StakeKey{Key: f.key, Unit: f.unit, Text: f.text, Default: "false"}
		if f.number != nil {
			k.Default = plain(*f.number(&d))
		}
		out = append(out, k)
	}
	return out
}
