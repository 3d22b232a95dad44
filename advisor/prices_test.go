package advisor_test

import (
	"strings"
	"testing"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
)

func TestListPrices(t *testing.T) {
	table, err := advisor.ListPrices()
	if err != nil {
		t.Fatal(err)
	}
	if table.AsOf == "" || table.Source == "" {
		t.Error("the table has no date or no source")
	}
	for _, p := range table.GPUs {
		if p.MemoryGiB <= 0 || p.USDPerHour <= 0 {
			t.Errorf("%+v", p)
		}
	}
}

func TestLookup(t *testing.T) {
	table, err := advisor.ListPrices()
	if err != nil {
		t.Fatal(err)
	}
	for gpu, want := range map[string]string{
		"NVIDIA A100-SXM4-80GB":       "A100 80GB",
		"NVIDIA A100-SXM4-40GB":       "A100 40GB",
		"a100":                        "A100 40GB",
		"NVIDIA H200":                 "H200",
		"NVIDIA H100 80GB HBM3":       "H100",
		"Tesla T4":                    "T4",
		"NVIDIA L4":                   "L4",
		"NVIDIA L40S":                 "L40S",
		"NVIDIA GeForce RTX 4090":     "RTX 4090",
		"NVIDIA RTX 6000 Ada":         "",
		"AMD Instinct MI300X":         "",
		"":                            "",
		"NVIDIA A10":                  "A10",
		"NVIDIA GeForce RTX 3090 24G": "RTX 3090",
	} {
		p, ok := table.Lookup(gpu)
		if p.Name != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", gpu, p.Name, want)
		}
	}
}

func TestReadPricesRefuses(t *testing.T) {
	for file, want := range map[string]string{
		"as_of: x\ngpus: [{name: X, usd_per_hour: -1}]": `p.yaml: price of "X": want 0 <= low <= usd_per_hour <= high`,
		"as_of: x\ngpu: []":                             "p.yaml:2:1: unknown key \"gpu\": did you mean gpus?",
	} {
		_, err := advisor.ReadPrices("p.yaml", []byte(file))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// Which price is taken: the stakes' own, then the stakes' GPU, then the measured one.
func TestPriceOrder(t *testing.T) {
	run := advisortest.New().Run()
	for _, c := range []struct {
		change func(*advisor.Stakes)
		want   float64
		origin string
	}{
		{nil, 2, "list prices of 2026-05"},
		{func(s *advisor.Stakes) { s.GPU = "H100" }, 3, "list prices of 2026-05"},
		{func(s *advisor.Stakes) { s.GPU, s.USDPerGPUHour = "H100", 1.25 }, 1.25, "stakes"},
	} {
		rec := recommend(t, run, c.change)
		if got := rec.Features["usd_per_gpu_hour"]; got != c.want {
			t.Errorf("$%g an hour, want $%g", got, c.want)
		}
		if a := rec.Assumptions[1]; a.Name != "price of the device" || a.Origin != c.origin {
			t.Errorf("%+v", a)
		}
	}
	run.Environment.GPU, run.Environment.GPUMemoryBytes = "", 0
	if got := recommend(t, run, nil).Features["usd_per_gpu_hour"]; got != 0.8 {
		t.Errorf("16 cores at $%g, want $0.8", got)
	}
}
