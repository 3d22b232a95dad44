package worker_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/worker"
)

// cpuSeconds is the processor time of this process and of the children that ended.
func cpuSeconds(b *testing.B) float64 {
	var total float64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var r syscall.Rusage
		if err := syscall.Getrusage(who, &r); err != nil {
			b.Fatal(err)
		}
		total += float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
	}
	return total
}

// BenchmarkEvents is what telling of a step costs, from the child's encoder through the
// pipe to the parent's decoder, and into the run's file of events; of processor time of
// both processes, and as a share of a step of 5 ms, which is a short one.
func BenchmarkEvents(b *testing.B) {
	const steps = 20_000
	for b.Loop() {
		file, err := os.Create(filepath.Join(b.TempDir(), "events.jsonl"))
		if err != nil {
			b.Fatal(err)
		}
		told, before := 0, cpuSeconds(b)
		engine := start(b, "plain", worker.Options{})
		err = engine.Train(context.Background(), group(steps), func(e calibrate.Event) {
			line, err := calibrate.EncodeEvent(e)
			if err == nil {
				_, err = file.Write(line)
			}
			if err != nil {
				b.Error(err)
			}
			told++
		})
		if err != nil || told < steps {
			b.Fatal(told, err)
		}
		if err := engine.Close(); err != nil {
			b.Fatal(err)
		}
		each := (cpuSeconds(b) - before) / steps
		b.ReportMetric(each*1e6, "us/event")
		b.ReportMetric(100*each/0.005, "%/step")
		if err := file.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
