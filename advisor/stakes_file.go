package advisor

import (
	"errors"
	"fmt"

	"ftadvise/advisor/strictyaml"
)

// ReadStakes lays a stakes file over base: keys that the file lacks keep base's value.
// origins names file and line of each key that the file sets. Unknown and doubled keys,
// wrong types and values out of bounds are errors with file, line and column.
func ReadStakes(file string, data []byte, base Stakes) (s Stakes, origins map[string]string, err error) {
	s = base
	if err := strictyaml.Decode(file, data, &s); err != nil {
		return base, nil, err
	}
	lines := strictyaml.Lines(data)
	if err := s.Validate(); err != nil {
		return base, nil, placed(file, data, lines, err)
	}
	origins = make(map[string]string, len(lines))
	for key, line := range lines {
		origins[key] = fmt.Sprintf("%s:%d", file, line)
	}
	return s, origins, nil
}

// placed adds the line to an error about a key that stands in the file.
func placed(file string, data []byte, lines map[string]int, err error) error {
	var in *InputError
	if !errors.As(err, &in) || lines[in.Where] == 0 {
		return err
	}
	return strictyaml.At(file, data, lines[in.Where], 1, in.Where+": "+in.What, in.Fix)
}

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
