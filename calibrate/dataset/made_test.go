package dataset

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate/dataset/packfile"
)

// rowsOf are n rows of 8 tokens that repeat only where they are told to.
func rowsOf(n, from int) [][]int32 {
	out := make([][]int32, n)
	for i := range out {
		for p := range 8 {
			out[i] = append(out[i], int32(5+(from+i*31+p*p*7)%600))
		}
	}
	return out
}

func TestPackMade(t *testing.T) {
	tok := small(t)
	out := filepath.Join(t.TempDir(), "pack.safetensors")
	made := Made{Train: append(rowsOf(12, 0), rowsOf(4, 0)...), Eval: rowsOf(6, 3)}
	o := Options{Path: "rows", SeqLength: 8, EvalRows: 6, General: strings.NewReader(strings.Repeat("General text of no kind. ", 20))}
	got, err := PackMade(o, made, tok, out)
	if err != nil {
		t.Fatal(err)
	}
	pack, err := packfile.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(pack.Train.IDs, slices.Concat(made.Train...)) || !slices.Equal(pack.Eval.IDs, slices.Concat(made.Eval...)) || pack.General.N == 0 {
		t.Errorf("the rows are not those that were made: %v", pack.Train.IDs)
	}
	if pack.Train.Labels[0] != packfile.IgnoreLabel || pack.Train.Labels[1] != pack.Train.IDs[1] || pack.Train.Predicted() != 16*7 {
		t.Errorf("labels %v", pack.Train.Labels[:8])
	}
	d := got.Data
	if d.Tokens != 16*8 || d.TrainRows != 16 || d.EvalRows != 6 || d.DuplicateShare < 0.1 || got.Domain.TokenDivergence == nil || d.Fingerprint == "" {
		t.Errorf("%+v %+v", d, got.Domain)
	}
	o.General, made.Eval[0][0] = nil, 9
	if other, err := PackMade(o, made, tok, out); err != nil || other.Data.Fingerprint == d.Fingerprint {
		t.Errorf("%v: other rows have the same fingerprint", err)
	}
}

func TestPackMadeRefuses(t *testing.T) {
	tok, out := small(t), filepath.Join(t.TempDir(), "pack.safetensors")
	for name, made := range map[string]Made{
		"7 tokens":   {Train: [][]int32{make([]int32, 7)}, Eval: rowsOf(2, 0)},
		"embeddings": {Train: [][]int32{{1, 2, 3, 4, 5, 6, 7, 9999}}, Eval: rowsOf(2, 0)},
		"too few":    {Train: rowsOf(9, 0)},
	} {
		if _, err := PackMade(Options{Path: "rows", SeqLength: 8, Vocab: 700}, made, tok, out); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
