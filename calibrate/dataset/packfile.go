package dataset

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"ftadvise/calibrate/safetensors"
)

// IgnoreLabel marks a token whose prediction carries no loss, as PyTorch's
// cross-entropy and transformers have it.
const IgnoreLabel = -100

// Rows are N rows of SeqLength tokens, each slice holding them one after another.
type Rows struct {
	N, SeqLength int
	IDs          []int32
	// Labels equal IDs, or IgnoreLabel. Label i is predicted at position i-1, so
	// the first of each segment is IgnoreLabel.
	Labels []int32
	// Segments number the documents of a row from 1; 0 is padding. Attention stays
	// within a segment and positions begin anew in each.
	Segments []int32
}

// Predicted counts the labels that carry loss.
func (r Rows) Predicted() int64 {
	var n int64
	for _, label := range r.Labels {
		if label != IgnoreLabel {
			n++
		}
	}
	return n
}

func (r Rows) sources(name string) []safetensors.Source {
	shape := []int64{int64(r.N), int64(r.SeqLength)}
	var out []safetensors.Source
	for _, part := range []struct {
		name   string
		values []int32
	}{{"ids", r.IDs}, {"labels", r.Labels}, {"segments", r.Segments}} {
		data := make([]byte, 0, 4*len(part.values))
		for _, v := range part.values {
			data = binary.LittleEndian.AppendUint32(data, uint32(v))
		}
		out = append(out, safetensors.Source{Name: name + "." + part.name, DType: "I32", Shape: shape, Data: data})
	}
	return out
}

const packVersion = "1"

// WritePack writes rows to a pack file, whole or not at all. Training and held-out rows are
// needed; general ones may be none.
func WritePack(path string, train, eval, general Rows) error {
	var all []safetensors.Source
	for _, set := range []struct {
		name string
		rows Rows
	}{{"train", train}, {"eval", eval}, {"general", general}} {
		if set.rows.N > 0 {
			all = append(all, set.rows.sources(set.name)...)
		}
	}
	meta := map[string]string{"format": "ftadvise-pack", "version": packVersion, "seq_length": strconv.Itoa(train.SeqLength)}
	if err := safetensors.Write(path, all, meta); err != nil {
		return fmt.Errorf("dataset: write pack: %w", err)
	}
	return nil
}

// PackFile is an open pack.
type PackFile struct {
	file                 *safetensors.File
	train, eval, general Rows
}

// OpenPack reads a file that Pack wrote.
func OpenPack(path string) (*PackFile, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("dataset: open pack: %w", err)
	}
	defer root.Close()
	file, err := safetensors.Open(root, filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("dataset: open pack: %w", err)
	}
	p := &PackFile{file: file}
	if err := p.read(path); err != nil {
		file.Close()
		return nil, err
	}
	return p, nil
}

func (p *PackFile) read(path string) error {
	meta := p.file.Metadata()
	if meta["format"] != "ftadvise-pack" || meta["version"] != packVersion {
		return refuse(path, fmt.Sprintf("not a pack of version %s", packVersion), "pack the data again")
	}
	for name, rows := range map[string]*Rows{"train": &p.train, "eval": &p.eval, "general": &p.general} {
		if err := p.readRows(path, name, rows); err != nil {
			return err
		}
	}
	if p.train.N == 0 || p.eval.N == 0 {
		return refuse(path, "the pack has no training or no held-out rows", "pack the data again")
	}
	return nil
}

func (p *PackFile) readRows(path, name string, rows *Rows) error {
	for part, into := range map[string]*[]int32{"ids": &rows.IDs, "labels": &rows.Labels, "segments": &rows.Segments} {
		t, ok := p.file.Lookup(name + "." + part)
		if !ok {
			continue
		}
		if t.DType != "I32" || len(t.Shape) != 2 {
			return refuse(path, t.Name+" is not a matrix of I32", "pack the data again")
		}
		data, err := p.file.Bytes(t)
		if err != nil {
			return fmt.Errorf("dataset: %s: %w", path, err)
		}
		rows.N, rows.SeqLength = int(t.Shape[0]), int(t.Shape[1])
		*into = int32s(data)
	}
	if len(rows.IDs) != len(rows.Labels) || len(rows.IDs) != len(rows.Segments) {
		return refuse(path, name+" has ids, labels and segments of different sizes", "pack the data again")
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

// Train returns the training rows.
func (p *PackFile) Train() Rows { return p.train }

// Eval returns the held-out rows.
func (p *PackFile) Eval() Rows { return p.eval }

// General returns rows of general text; N is 0 where none was given.
func (p *PackFile) General() Rows { return p.general }

// Close releases the file. The rows stay valid.
func (p *PackFile) Close() error { return p.file.Close() }
