package safetensors

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func openAt(path string) (*File, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return Open(root, filepath.Base(path))
}

// What was written reads back, whatever types and shapes there are.
func TestWriteThenOpen(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		sources := drawSources(t)
		metadata := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "metadata")
		path := filepath.Join(dir, "model.safetensors")
		if err := Write(path, sources, metadata); err != nil {
			t.Fatal(err)
		}
		f, err := openAt(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if len(f.Tensors()) != len(sources) {
			t.Fatalf("%d tensors of %d", len(f.Tensors()), len(sources))
		}
		for _, s := range sources {
			checkSame(t, f, s)
		}
		if len(metadata) > 0 && !cmp.Equal(f.Metadata(), metadata) {
			t.Fatal(cmp.Diff(f.Metadata(), metadata))
		}
	})
}

func drawSources(t *rapid.T) []Source {
	names := rapid.SliceOfNDistinct(rapid.StringN(1, 20, -1), 1, 6, func(s string) string { return s }).Draw(t, "names")
	var sources []Source
	for _, name := range names {
		if name == metadataKey {
			continue
		}
		s := Source{
			Name:  name,
			DType: rapid.SampledFrom([]string{"F64", "F32", "BF16", "F16", "I32", "U8", "BOOL", "F8_E4M3"}).Draw(t, "dtype"),
			Shape: rapid.SliceOfN(rapid.Int64Range(0, 4), 0, 3).Draw(t, "shape"),
		}
		size, _ := byteLength(s.DType, s.Shape)
		s.Data = rapid.SliceOfN(rapid.Byte(), int(size), int(size)).Draw(t, "data")
		sources = append(sources, s)
	}
	if len(sources) == 0 {
		t.Skip("no tensor drawn")
	}
	return sources
}

func checkSame(t *rapid.T, f *File, s Source) {
	got, ok := f.Lookup(s.Name)
	if !ok {
		t.Fatalf("%q is gone", s.Name)
	}
	data, err := f.Bytes(got)
	if err != nil {
		t.Fatal(err)
	}
	if got.DType != s.DType || !cmp.Equal(got.Shape, s.Shape) || string(data) != string(s.Data) {
		t.Fatalf("%q: wrote %v, read %v", s.Name, s, got)
	}
}

func TestWriteRefuses(t *testing.T) {
	one := Source{Name: "a", DType: "F32", Shape: []int64{1}, Data: make([]byte, 4)}
	for name, sources := range map[string][]Source{
		"twice":         {one, one},
		"reserved name": {{Name: metadataKey, DType: "F32", Shape: []int64{1}, Data: make([]byte, 4)}},
		"short data":    {{Name: "a", DType: "F32", Shape: []int64{2}, Data: make([]byte, 4)}},
		"unknown dtype": {{Name: "a", DType: "Q4", Shape: []int64{2}, Data: make([]byte, 4)}},
		"negative":      {{Name: "a", DType: "F32", Shape: []int64{-1}, Data: nil}},
	} {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		if err := Write(path, sources, nil); err == nil {
			t.Errorf("%s: written", name)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: left a file", name)
		}
	}
}
