package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftadvise/calibrate/forecast"
)

// curveFile writes finished block-mean curves of some families.
func curveFile(t *testing.T) string {
	runs := map[string]any{}
	for family := range 5 {
		for arm := range 2 {
			var losses []float64
			for block := 1; block <= 20; block++ {
				losses = append(losses, 1+0.1*float64(arm)+float64(family+1)/10*math.Pow(float64(block), -0.4-0.2*float64(arm)))
			}
			runs[fmt.Sprintf("f%d--%d", family, arm)] = map[string]any{"train_loss_mean_of_50_steps": losses}
		}
	}
	data, err := json.Marshal(map[string]any{"about": map[string]string{"origin": "test", "protocol": "1000 steps, cosine"}, "runs": runs})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "curves.json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTableAndLibrary(t *testing.T) {
	curves := curveFile(t)
	var out bytes.Buffer
	if err := run([]string{"-horizon", "1000", "-ceiling", "9", "-shares", "0.3", "-failures", curves}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| 30 % | last value |", "| 30 % | as shipped |", "last value at 30 %:"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	path := filepath.Join(t.TempDir(), "library.json")
	if err := run([]string{"-library", path, curves}, &out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	library, err := forecast.ParseLibrary(text)
	if err != nil || len(library.Decaying) == 0 || library.Sources[0] != "test" {
		t.Errorf("%v, %+v", err, library)
	}
}

func TestRefusals(t *testing.T) {
	for _, args := range [][]string{{}, {"-shares", "x", curveFile(t)}, {"-horizon", "99999", curveFile(t)}, {"missing.json"}} {
		if err := run(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%v passed", args)
		}
	}
}
