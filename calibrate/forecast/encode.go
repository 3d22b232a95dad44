package forecast

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode is the library's JSON with one course a line, so that a change of one
// shows as such.
func (l Library) Encode() ([]byte, error) {
	var b bytes.Buffer
	head, err := json.Marshal(struct {
		Schema  int      `json:"schema"`
		Command string   `json:"command"`
		Sources []string `json:"sources"`
		Drift   Drift    `json:"drift,omitzero"`
	}{l.Schema, l.Command, l.Sources, l.Drift})
	if err != nil {
		return nil, fmt.Errorf("encode library: %w", err)
	}
	b.Write(head[:len(head)-1])
	for _, kind := range []struct {
		name    string
		courses []Course
	}{{"decaying", l.Decaying}, {"constant", l.Constant}, {"gaps", l.Gaps}} {
		fmt.Fprintf(&b, ",\n%q: [", kind.name)
		for i, c := range kind.courses {
			line, err := json.Marshal(c)
			if err != nil {
				return nil, fmt.Errorf("encode library: course at share %g: %w", c.Share, err)
			}
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
			b.Write(line)
		}
		b.WriteByte(']')
	}
	b.WriteString("}\n")
	return b.Bytes(), nil
}
