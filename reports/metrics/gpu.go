package metrics

import (
	"context"
	"encoding/csv"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Note: NVML's own library needs cgo; the program that serves metrics links none, so
// it asks nvidia-smi, which ships with every driver.

// GPU is one reading of a GPU's sensors; what a card does not report is negative.
type GPU struct {
	Index, Name           string
	Utilization           float64 // share
	PowerWatts            float64
	TemperatureCelsius    float64
	UsedBytes, TotalBytes float64
}

// WatchGPU reads the GPUs' sensors every so often until ctx ends. It returns at once
// where there is no nvidia-smi.
func (e *Exporter) WatchGPU(ctx context.Context, every time.Duration) error {
	path, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return nil
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		gpus, err := readGPUs(ctx, path)
		if err != nil {
			return err
		}
		e.PublishGPUs(gpus)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readGPUs runs nvidia-smi once, for at most ten seconds: a broken driver hangs it.
func readGPUs(ctx context.Context, path string) ([]GPU, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--format=csv,noheader,nounits",
		"--query-gpu=index,name,utilization.gpu,power.draw,temperature.gpu,memory.used,memory.total").Output()
	if err != nil {
		return nil, fmt.Errorf("nvidia-smi: %w", err)
	}
	return ParseSMI(string(out))
}

// ParseSMI reads nvidia-smi's comma-separated answer: index, name, utilisation in
// percent, watts, degrees Celsius, used and total memory in MiB.
func ParseSMI(text string) ([]GPU, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.TrimLeadingSpace = true
	r.FieldsPerRecord = 7
	r.LazyQuotes = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("nvidia-smi's answer: %w", err)
	}
	var out []GPU
	for _, row := range rows {
		out = append(out, GPU{Index: row[0], Name: row[1], Utilization: reading(row[2], 0.01), PowerWatts: reading(row[3], 1),
			TemperatureCelsius: reading(row[4], 1), UsedBytes: reading(row[5], 1<<20), TotalBytes: reading(row[6], 1<<20)})
	}
	return out, nil
}

// reading is a sensor's value, -1 for [N/A] and the like.
func reading(field string, unit float64) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
	if err != nil || !(v >= 0 && v < 1e12) {
		return -1
	}
	return v * unit
}

// PublishGPUs shows one reading of all GPUs.
func (e *Exporter) PublishGPUs(gpus []GPU) {
	f := e.families
	for _, g := range gpus {
		for _, v := range []struct {
			gauge gaugeVec
			value float64
		}{
			{f.gpuUtil, g.Utilization}, {f.gpuPower, g.PowerWatts}, {f.gpuHeat, g.TemperatureCelsius},
			{f.gpuUsed, g.UsedBytes}, {f.gpuTotal, g.TotalBytes},
		} {
			if v.value >= 0 {
				v.gauge.WithLabelValues(label(g.Index), label(g.Name)).Set(v.value)
			}
		}
	}
}
