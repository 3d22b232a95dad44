package safetensors

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "ask the Python package again and rewrite the goldens")

// parse opens a file from memory.
func parse(data []byte) (*File, error) {
	if len(data) < lengthBytes {
		return nil, tooShort("x", int64(len(data)))
	}
	f := &File{name: "x", data: data}
	return f, f.readHeader()
}

func TestHostileFiles(t *testing.T) {
	dir := t.TempDir()
	for _, h := range hostileFiles() {
		path := filepath.Join(dir, h.name+".safetensors")
		if err := os.WriteFile(path, h.data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := openAt(path)
		if err == nil {
			f.Close()
		}
		checkRefusal(t, h, err)
	}
}

func checkRefusal(t *testing.T, h hostile, err error) {
	t.Helper()
	if h.want == "" {
		if err != nil {
			t.Errorf("%s: %v", h.name, err)
		}
		return
	}
	var refused *InputError
	if !errors.As(err, &refused) {
		t.Fatalf("%s: %v, not an InputError", h.name, err)
	}
	if !strings.Contains(refused.What, h.want) || refused.Where != h.name+".safetensors" || refused.Hint() == "" {
		t.Errorf("%s: %q (hint %q), wanted %q", h.name, refused, refused.Hint(), h.want)
	}
	if strings.ContainsRune(refused.Error(), '\n') {
		t.Errorf("%s: more than one line: %q", h.name, refused)
	}
}

// stricter are the refusals in which this reader goes beyond the Python package.
var stricter = []string{"stands there twice", "does not start with {", "holds no tensor", "JSON goes on", "which is no size"}

// The Python package's verdicts stand in testdata/verdicts.json. With FTADVISE_PYTHON
// naming an interpreter that has safetensors, it is asked anew.
func TestVerdictsOfThePythonPackage(t *testing.T) {
	verdicts := pythonVerdicts(t)
	all := append(hostileFiles(), mutants()...)
	accepted := 0
	for _, h := range all {
		verdict, ok := verdicts[h.name]
		if !ok {
			t.Fatalf("no verdict on %s; run with -update", h.name)
		}
		_, err := parse(h.data)
		if verdict != "accepted" && err == nil {
			t.Errorf("%s: accepted; the Python package says %s", h.name, verdict)
		}
		if verdict == "accepted" && err != nil && !containsAny(err.Error(), stricter) {
			t.Errorf("%s: %v; the Python package accepts it", h.name, err)
		}
		if err == nil {
			accepted++
		}
	}
	if accepted < 20 || accepted > len(all)-100 {
		t.Errorf("%d of %d accepted: the files no longer try both sides", accepted, len(all))
	}
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

func pythonVerdicts(t *testing.T) map[string]string {
	t.Helper()
	golden := filepath.Join("testdata", "verdicts.json")
	python := os.Getenv("FTADVISE_PYTHON")
	text, err := os.ReadFile(golden)
	if python != "" {
		text, err = askPython(t, python)
	} else if *update {
		t.Fatal("-update needs FTADVISE_PYTHON, an interpreter that has safetensors")
	}
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var verdicts map[string]string
	if err := json.Unmarshal(text, &verdicts); err != nil {
		t.Fatal(err)
	}
	return verdicts
}

func askPython(t *testing.T, python string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	for _, h := range append(hostileFiles(), mutants()...) {
		if err := os.WriteFile(filepath.Join(dir, h.name), h.data, 0o600); err != nil {
			return nil, err
		}
	}
	return exec.Command(python, filepath.Join("testdata", "verdicts.py"), dir).Output()
}

// A header of 9 MB with 100,000 tensors is read in well under two seconds.
func TestManyTinyTensors(t *testing.T) {
	var b strings.Builder
	const count = 100_000
	b.WriteByte('{')
	for i := range count {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"model.layers.%06d.weight":{"dtype":"U8","shape":[1],"data_offsets":[%d,%d]}`, i, i, i+1)
	}
	b.WriteByte('}')
	start := time.Now()
	f, err := parse(file(b.String(), make([]byte, count)))
	if err != nil || len(f.Tensors()) != count {
		t.Fatalf("%v", err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

// A hostile length is refused without an allocation of its size.
func TestHostileLengthAllocatesNothing(t *testing.T) {
	var before, after runtime.MemStats
	data := withLength(99_000_000, "{}")
	runtime.ReadMemStats(&before)
	if _, err := parse(data); err == nil {
		t.Fatal("accepted")
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("allocated %d bytes", grown)
	}
}

func TestCloseTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	if err := os.WriteFile(path, file("{"+tensorA+"}", floats(1, 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openAt(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	a, _ := f.Lookup("a")
	if _, err := f.Bytes(a); err == nil {
		t.Error("bytes of a closed file")
	}
}

// Whatever the bytes, the reader neither panics nor hands out bytes beyond the file.
func FuzzOpen(f *testing.F) {
	for _, h := range append(hostileFiles(), mutants()[:40]...) {
		f.Add(h.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parse(data)
		if err != nil {
			return
		}
		var total int64
		for _, tensor := range file.Tensors() {
			b, err := file.Bytes(tensor)
			if err != nil || int64(len(b)) != tensor.Bytes {
				t.Fatalf("%v: %d bytes, %v", tensor, len(b), err)
			}
			Scan(tensor.DType, b)
			total += tensor.Bytes
		}
		if file.start+total != int64(len(data)) {
			t.Fatalf("%d bytes of header and %d of tensors in %d", file.start, total, len(data))
		}
	})
}
