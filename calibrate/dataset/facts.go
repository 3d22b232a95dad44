package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/evidence"
)

// findings turn a packed dataset into evidence.
type findings struct {
	*collected
	split       split
	train, eval packfile.Rows
	general     generalText
}

func (f findings) data() evidence.Data {
	near, leak := nearDuplicates(f.split)
	d := evidence.Data{
		Name: filepath.Base(f.o.Path), Format: f.format, Shape: f.shaper.shape,
		Fingerprint: f.fingerprint(), Records: f.records, Bytes: f.bytes,
		Tokens: f.trainTokens(), TrainRows: f.train.N, EvalRows: f.eval.N,
		EvalTokens: f.eval.Predicted(), LabelledShare: labelledShare(f.train),
		DuplicateShare: f.distinct.duplicateShare(), NearDupShare: near, LeakShare: leak,
		Samples: f.samples(), Validation: f.o.Validation,
	}
	if f.encoded > 0 {
		d.TruncatedShare = float64(f.cut) / float64(f.encoded)
	}
	if f.format == "text" {
		d.Records = max(1, f.lines) // the only line may have no end
	}
	if len(f.labels) > 0 {
		d.LabelCounts = f.labels
	}
	return d
}

// fingerprint covers the content of the files and how they were read, for the same
// file read another way is other data.
func (f findings) fingerprint() string {
	h := sha256.New()
	fmt.Fprintln(h, f.format, f.shaper.shape, f.o.Template)
	roles := make([]string, 0, len(f.shaper.fields))
	for role, name := range f.shaper.fields {
		roles = append(roles, role+"="+name)
	}
	sort.Strings(roles)
	fmt.Fprintln(h, strings.Join(roles, "\n"))
	fmt.Fprintln(h, strings.Join(f.digests, "\n"))
	if f.held != nil {
		fmt.Fprintln(h, "held out by", f.held.format)
		fmt.Fprintln(h, strings.Join(f.held.digests, "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// trainTokens scales the tokens of the sample to the bytes of the whole.
func (f findings) trainTokens() int64 {
	train, eval := costOf(f.split.train), costOf(f.split.eval)
	if f.held != nil {
		eval = 0
	}
	var bytes int64
	for _, k := range f.pool.items {
		bytes += k.bytes
	}
	if !f.pool.left || bytes == 0 {
		return train
	}
	usable := float64(f.bytes) * float64(f.encoded-f.empty) / float64(f.encoded)
	return int64(float64(train+eval)/float64(bytes)*usable) - eval
}

// labelledShare is the share of tokens that carry loss; padding does not count.
func labelledShare(r packfile.Rows) float64 {
	var tokens int64
	for _, s := range r.Segments {
		if s != 0 {
			tokens++
		}
	}
	if tokens == 0 {
		return 0
	}
	return float64(r.Predicted()) / float64(tokens)
}

const (
	sampleCount = 3
	sampleBytes = 600
)

// samples show a few examples with what carries loss apart from what does not.
func (f findings) samples() []evidence.Sample {
	var out []evidence.Sample
	for _, k := range f.split.train[:min(sampleCount, len(f.split.train))] {
		var prompt, completion strings.Builder
		for _, p := range k.parts {
			if p.loss {
				completion.WriteString(p.text)
			} else {
				prompt.WriteString(p.text)
			}
		}
		out = append(out, evidence.Sample{Prompt: clip(prompt.String()), Completion: clip(completion.String())})
	}
	return out
}

func clip(s string) string {
	if len(s) <= sampleBytes {
		return s
	}
	return strings.ToValidUTF8(s[:sampleBytes], "") + " ..."
}

func (f findings) warnings(d evidence.Data) []evidence.Warning {
	var out []evidence.Warning
	warn := func(when bool, code, format string, args ...any) {
		if when {
			out = append(out, evidence.Warning{Code: code, Text: fmt.Sprintf(format, args...)})
		}
	}
	warn(d.EvalTokens < fewEvalTokens, "few-eval-tokens", "Only %d held-out tokens are predicted, so the held-out loss is coarse; bring more data or hold out more rows.", d.EvalTokens)
	warn(f.split.torn, "identical-records", "Most records are equal, so training memorises them and the held-out loss says nothing; bring data with variety.")
	warn(!f.split.torn && d.DuplicateShare > 0.1, "duplicates", "%.0f%% of the records repeat earlier ones; remove the duplicates, or training memorises them.", 100*d.DuplicateShare)
	warn(!f.split.torn && d.LeakShare > 0.05, "leakage", "%.0f%% of the held-out records resemble training ones, so the held-out loss is too good; remove near duplicates.", 100*d.LeakShare)
	warn(d.Shape == classes && d.LeakShare > leakedAccuracy, "accuracy-withheld", "Most held-out records also train, so no accuracy is measured; hold out others with --validation.")
	warn(d.TruncatedShare > 0.1, "truncated", "%.0f%% of the records are longer than %d tokens and are cut; raise the sequence length.", 100*d.TruncatedShare, f.o.SeqLength)
	warn(len(d.LabelCounts) == 1, "one-label", "All records have one label, so there is nothing to tell apart; check the label field.")
	warn(len(d.LabelCounts) >= maxLabels, "many-labels", "There are %d labels or more, which is no classification; give the shape prompt-completion.", maxLabels)
	warn(f.skipped > 0, "bad-records", "%d records could not be read and were skipped; the first: %v.", f.skipped, f.firstBad)
	warn(f.held != nil && f.held.skipped > 0, "bad-held-out-records", "%d held-out records could not be read and were skipped; the first: %v.", f.heldBy().skipped, f.heldBy().firstBad)
	warn(f.empty > 0, "no-loss-records", "%d records have no token that carries loss within %d tokens and were left out; raise the sequence length.", f.empty, f.o.SeqLength)
	warn(f.splits[0] != "", "mixed-splits", "%s and %s, by their names two splits, are read as one and trained on; give each by itself: --data and --validation.", f.splits[0], f.splits[1])
	warn(f.encoder.eos < 0, "no-end-token", "The tokenizer has no end token, so the model cannot learn where a text ends; set eos_token in tokenizer_config.json.")
	return out
}

const fewEvalTokens = 2000
