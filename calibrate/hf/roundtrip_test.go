package hf

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/safetensors"
)

// What is saved here loads in transformers and PEFT with the same values, and what
// they save loads here. It needs FTADVISE_PYTHON, an interpreter that has them; the
// default tests hold names and shapes against committed goldens.
func TestRoundTripThroughPEFT(t *testing.T) {
	python := os.Getenv("FTADVISE_PYTHON")
	if python == "" {
		t.Skip("FTADVISE_PYTHON names no interpreter that has transformers and peft")
	}
	dir := t.TempDir()
	script(t, python, "make", dir)
	for i, r := range references(t) {
		base := filepath.Join(dir, r.Name)
		saveCopy(t, base)
		saveRandomAdapter(t, base, roundTripMethod(i))
	}
	t.Logf("%s", script(t, python, "check", dir))
	for i, r := range references(t) {
		comparePEFT(t, filepath.Join(dir, r.Name), roundTripMethod(i))
	}
}

func roundTripMethod(i int) evidence.Method {
	variants := []string{"", evidence.RsLoRA, evidence.DoRA}
	m := evidence.Method{Kind: evidence.LoRA, Rank: 2 + i%3, Alpha: 8, Dropout: 0.05, Targets: evidence.AllLinear, Variant: variants[i%3]}
	if i%2 == 1 {
		m.ModulesToSave = "lm_head"
	}
	return m
}

func script(t *testing.T, python string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(python, append([]string{filepath.Join("testdata", "roundtrip.py")}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return out
}

func saveCopy(t *testing.T, base string) {
	t.Helper()
	m, err := Open(base)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var all []safetensors.Source
	for _, name := range m.Names() {
		tensor, data, err := m.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, safetensors.Source{Name: name, DType: tensor.DType, Shape: tensor.Shape, Data: data})
	}
	if err := SaveModel(base+"-full", base, all); err != nil {
		t.Fatal(err)
	}
}

func saveRandomAdapter(t *testing.T, base string, m evidence.Method) {
	t.Helper()
	model, err := OpenConfig(base)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	tensors := emptyAdapter(t, model.Config, m)
	source := rand.New(rand.NewPCG(1, 2))
	for _, s := range tensors {
		for i := range s.Data {
			s.Data[i] = byte(source.UintN(64)) // small exponents only: finite values
		}
	}
	if err := SaveAdapter(base+"-adapter", base, m, tensors); err != nil {
		t.Fatal(err)
	}
}

func comparePEFT(t *testing.T, base string, m evidence.Method) {
	t.Helper()
	ours, err := LoadAdapter(base + "-adapter")
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := LoadAdapter(base + "-peft")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if ours.Method != theirs.Method || ours.Base != base || len(ours.Names()) != len(theirs.Names()) {
		t.Errorf("%s: %+v and %+v", base, ours.Method, theirs.Method)
	}
	for _, name := range ours.Names() {
		_, a, errA := ours.Tensor(name)
		_, b, errB := theirs.Tensor(name)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %s differs (%v, %v)", base, name, errA, errB)
		}
	}
}
