package tokenizer

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// cpuSeconds is the processor time of this process so far.
func cpuSeconds() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}

// BenchmarkEncode measures one core on the plays of tinyshakespeare.
func BenchmarkEncode(b *testing.B) {
	text, err := os.ReadFile(filepath.Join(sharedData(b, "tinyshakespeare"), "input.txt"))
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		tok  *Tokenizer
	}{
		{"gpt2-50257", load(b, sharedData(b, "gpt2-tokenizer"))},
		{"stories260K", load(b, filepath.Join(sharedData(b, "stories260K"), "hf"))},
		{"llama3", parseFile(b, "testdata/llama3.json")},
		{"qwen2", parseFile(b, "testdata/qwen2.json")},
		{"gpt4", parseFile(b, "testdata/gpt4.json")},
		{"clip", parseFile(b, "testdata/clip.json")},
		{"mistral", parseFile(b, "testdata/mistral.json")},
		{"bert", parseFile(b, "testdata/bert_uncased.json")},
		{"unigram", parseFile(b, "testdata/unigram.json")},
		{"charsmap", parseFile(b, "testdata/charsmap.json")},
	} {
		b.Run(c.name, func(b *testing.B) {
			start := cpuSeconds()
			for b.Loop() {
				c.tok.Encode(string(text), false)
			}
			// Of processor time, so that a busy machine does not count against it.
			b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpuSeconds()-start), "MB/cpu-s")
		})
	}
}
