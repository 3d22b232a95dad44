package parquet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// records reads a file to its end as JSON objects.
func records(data []byte) ([]map[string]any, error) {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	for {
		fields, err := f.Next()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		row := map[string]any{}
		for _, field := range fields {
			value := field.Value
			if raw, ok := value.(json.RawMessage); ok {
				if value, err = decoded(raw); err != nil {
					return out, fmt.Errorf("%s: %s: %w", field.Name, raw, err)
				}
			}
			row[field.Name] = value
		}
		out = append(out, row)
	}
}

func decoded(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// alike makes numbers of the same value equal, and decimals as the goldens mark them.
func alike(v any) any {
	switch v := v.(type) {
	case json.Number:
		if exact, ok := new(big.Rat).SetString(v.String()); ok {
			return exact.RatString()
		}
		return v.String()
	case []any:
		for i := range v {
			v[i] = alike(v[i])
		}
	case map[string]any:
		if text, ok := v["decimal"].(string); ok {
			return alike(json.Number(text))
		}
		for k := range v {
			v[k] = alike(v[k])
		}
	}
	return v
}

// TestAsPyarrow reads every type, encoding and nesting that pyarrow writes as it does.
func TestAsPyarrow(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.parquet"))
	if err != nil || len(paths) < 7 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden, err := os.ReadFile(strings.TrimSuffix(path, ".parquet") + ".jsonl")
			if err != nil {
				t.Fatal(err)
			}
			got, err := records(data)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(golden)), "\n")
			if len(got) != len(lines) {
				t.Fatalf("%d records, want %d", len(got), len(lines))
			}
			for i, line := range lines {
				want, err := decoded([]byte(line))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(alike(want), alike(any(got[i]))); diff != "" {
					t.Fatalf("record %d: %s", i, diff)
				}
			}
		})
	}
}

// TestDamaged changes and cuts bytes of files: there is an error or a record, never a
// panic, and nothing is allocated that the file cannot hold.
func TestDamaged(t *testing.T) {
	const step = 97
	for _, name := range []string{"nested", "numbers-encoded", "others-encoded"} {
		whole, err := os.ReadFile(filepath.Join("testdata", name+".parquet"))
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		refused := 0
		for i := 0; i < len(whole); i += step {
			data := bytes.Clone(whole)
			data[i] ^= byte(1 << (i % 7))
			if _, err := records(data); err != nil {
				refused++
			}
			if _, err := records(whole[:i]); err == nil {
				t.Fatalf("%s cut to %d bytes was read", name, i)
			}
		}
		runtime.ReadMemStats(&after)
		if refused < len(whole)/step/10 {
			t.Errorf("%s: %d of %d damaged files refused", name, refused, len(whole)/step)
		}
		if each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(whole)/step); each > 64<<20 {
			t.Errorf("%s: %d bytes for each damaged file", name, each)
		}
	}
}

func TestRefusals(t *testing.T) {
	end := func(length uint32, magic string) string {
		return "PAR1" + string([]byte{byte(length), byte(length >> 8), byte(length >> 16), byte(length >> 24)}) + magic
	}
	for name, c := range map[string]struct{ data, want string }{
		"short":        {"PAR1PAR1", "too short"},
		"cut":          {"PAR1 nothing else", "cut short"},
		"encrypted":    {end(0, "PARE"), "encrypted"},
		"long":         {end(1<<31, "PAR1"), "a description of 2147483648 bytes"},
		"empty":        {end(0, "PAR1"), "ends in the middle"},
		"no schema":    {"PAR1\x00\x01\x00\x00\x00PAR1", "no schema"},
		"nested deep":  {"PAR1" + strings.Repeat("\x1c", 100) + "\x64\x00\x00\x00PAR1", "nested deeper"},
		"endless list": {"PAR1\x29\xfc\xff\xff\xff\xff\x0f\x07\x00\x00\x00PAR1", "ends in the middle"},
	} {
		if _, err := records([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnpackRefusals(t *testing.T) {
	for codec := -1; codec < 9; codec++ {
		for _, size := range []int{5, 1 << 20, maxPageBytes + 1} {
			if _, err := unpack(codec, []byte("rubbish that is no page"), size); err == nil {
				t.Errorf("codec %d unpacked rubbish to %d bytes", codec, size)
			}
		}
	}
}

// TestOldLevels reads levels whose highest bits come first.
func TestOldLevels(t *testing.T) {
	l, rest, err := levels([]byte{0b00_01_10_11, 0b01_000000, 7}, 3, encodingBits, 5)
	if err != nil || len(rest) != 1 {
		t.Fatal(rest, err)
	}
	for i, want := range []uint64{0, 1, 2, 3, 1} {
		if got, err := l.next(); got != want || err != nil {
			t.Errorf("level %d is %d, want %d: %v", i, got, want, err)
		}
	}
}

// A number of values of which the bits are more than a number can count.
func TestOldLevelsOfTooManyValues(t *testing.T) {
	for _, values := range []int{9, 1 << 61, 1 << 62, math.MaxInt} {
		if _, _, err := levels(make([]byte, 3), 7, encodingBits, values); !errors.Is(err, errCut) {
			t.Errorf("%d values of 3 bits in 3 bytes: %v", values, err)
		}
	}
	if _, rest, err := levels(make([]byte, 3), 7, encodingBits, 8); err != nil || len(rest) != 0 {
		t.Errorf("8 values of 3 bits in 3 bytes leave %d bytes: %v", len(rest), err)
	}
}

func TestHadoopFrames(t *testing.T) {
	block := []byte{0x50, 'h', 'e', 'l', 'l', 'o'} // five literals
	framed := append([]byte{0, 0, 0, 5, 0, 0, 0, 6}, block...)
	for name, data := range map[string][]byte{"framed": framed, "bare": block, "two": append(bytes.Clone(framed), framed...)} {
		want := strings.Repeat("hello", max(1, len(data)/len(framed)))
		if got, err := unpack(codecHadoop, data, len(want)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzFile(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.parquet"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		for n := 0; err == nil && n < 10000; n++ {
			_, err = file.Next()
		}
		if err != nil && err.Error() == "" {
			t.Fatal(err)
		}
	})
}
