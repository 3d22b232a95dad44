package calibrate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
)

func TestSpecSurvivesItsFile(t *testing.T) {
	want := newBench(t, enginetest.Trap()).spec
	want.Library = nil // what was learned is the program's, not the run's
	data, err := calibrate.EncodeSpec(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := calibrate.DecodeSpec(data)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestDecodeSpecRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"empty":         ``,
		"no schema":     `{"spec": {}}`,
		"newer":         `{"schema": 2, "spec": {}}`,
		"unknown field": `{"schema": 1, "spec": {"surprise": 1}}`,
		"wrong type":    `{"schema": 1, "spec": {"seed": "seven"}}`,
	} {
		_, err := calibrate.DecodeSpec([]byte(data))
		var input *calibrate.InputError
		if !errors.As(err, &input) || input.Hint == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzDecodeSpec(f *testing.F) {
	f.Add(`{"schema": 1, "spec": {"seed": 7, "lora": [{"kind": "lora", "rank": 8}]}}`)
	f.Fuzz(func(t *testing.T, data string) {
		spec, err := calibrate.DecodeSpec([]byte(data))
		if err != nil {
			return
		}
		again, err := calibrate.EncodeSpec(spec)
		if err != nil || !strings.Contains(string(again), `"schema": 1`) {
			t.Fatalf("read but not written: %v", err)
		}
	})
}
