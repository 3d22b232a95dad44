package packfile

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"ftadvise/calibrate/safetensors"
)

// Pack is what every arm of a run trains on and is measured by.
type Pack struct {
	Train, Eval Rows
	General     Rows // text of no particular domain; N is 0 where none was given
	// Classes says that the labels of each segment spell one of a few answers, so that
	// the share of segments whose labels are all predicted is an accuracy.
	Classes bool
}

// Error is a file that is no pack.
type Error struct {
	Where string // the file
	What  string
}

func (e *Error) Error() string { return e.Where + ": " + e.What }

// Hint says what to do about it.
func (e *Error) Hint() string { return "pack the data again" }

// What the file's metadata say.
const (
	format  = "ftadvise-pack"
	version = "1"
	classes = "classes"
)

// Write makes a pack file, whole or not at all. Training and held-out rows are needed.
func Write(path string, p Pack) error {
	var all []safetensors.Source
	for _, set := range p.sets() {
		if set.rows.N > 0 {
			all = append(all, set.sources()...)
		}
	}
	meta := map[string]string{"format": format, "version": version, "seq_length": strconv.Itoa(p.Train.SeqLength)}
	if p.Classes {
		meta["labels"] = classes
	}
	if err := safetensors.Write(path, all, meta); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	return nil
}

// Read takes a pack from its file.
func Read(path string) (Pack, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return Pack{}, fmt.Errorf("open pack: %w", err)
	}
	defer root.Close()
	file, err := safetensors.Open(root, filepath.Base(path))
	if err != nil {
		return Pack{}, fmt.Errorf("open pack: %w", err)
	}
	defer file.Close()
	meta := file.Metadata()
	if meta["format"] != format || meta["version"] != version {
		return Pack{}, &Error{path, "not a pack of version " + version}
	}
	p := Pack{Classes: meta["labels"] == classes}
	for _, set := range p.sets() {
		if err := set.read(file, path); err != nil {
			return Pack{}, err
		}
	}
	if p.Train.N == 0 || p.Eval.N == 0 {
		return Pack{}, &Error{path, "the pack has no training or no held-out rows"}
	}
	return p, nil
}

// namedRows are rows with the name that their tensors begin with.
type namedRows struct {
	name string
	rows *Rows
}

func (p *Pack) sets() []namedRows {
	return []namedRows{{"train", &p.Train}, {"eval", &p.Eval}, {"general", &p.General}}
}

type part struct {
	name   string
	values *[]int32
}

func (s namedRows) parts() []part {
	return []part{{s.name + ".ids", &s.rows.IDs}, {s.name + ".labels", &s.rows.Labels}, {s.name + ".segments", &s.rows.Segments}}
}

func (s namedRows) sources() []safetensors.Source {
	shape := []int64{int64(s.rows.N), int64(s.rows.SeqLength)}
	var out []safetensors.Source
	for _, part := range s.parts() {
		out = append(out, safetensors.Source{Name: part.name, DType: "I32", Shape: shape, Int32s: *part.values})
	}
	return out
}

func (s namedRows) read(file *safetensors.File, path string) error {
	for _, part := range s.parts() {
		t, ok := file.Lookup(part.name)
		if !ok {
			continue
		}
		if t.DType != "I32" || len(t.Shape) != 2 {
			return &Error{path, t.Name + " is not a matrix of I32"}
		}
		data, err := file.Bytes(t)
		if err != nil {
			return fmt.Errorf("read pack %s: %w", path, err)
		}
		s.rows.N, s.rows.SeqLength = int(t.Shape[0]), int(t.Shape[1])
		*part.values = int32s(data)
	}
	if len(s.rows.IDs) != len(s.rows.Labels) || len(s.rows.IDs) != len(s.rows.Segments) {
		return &Error{path, s.name + " has ids, labels and segments of different sizes"}
	}
	return nil
}

func int32s(data []byte) []int32 {
	out := make([]int32, len(data)/4)
	for i := range out {
		out[i] = int32(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}
