package history

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"ftadvise/calibrate/evidence"
)

var (
	rankPattern  = regexp.MustCompile(`(?i)(?:^|[^a-z])r(?:ank)?[ _=:-]?(\d{1,4})\b`)
	alphaPattern = regexp.MustCompile(`(?i)(?:^|[^a-z])alpha[ _=:-]?(\d{1,5}(?:\.\d+)?)\b`)
	fullPattern  = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:full|fft|sft-full)(?:[^a-z]|$)`)
	loraPattern  = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:q|rs)?lora(?:[^a-z]|$)`)
	doraPattern  = regexp.MustCompile(`(?i)(?:^|[^a-z])dora(?:[^a-z]|$)`)
	rsPattern    = regexp.MustCompile(`(?i)rslora`)
)

// MethodOf reads a method from a label such as full, lora-r8, "LoRA rank=16 alpha=32"
// or rslora_r64. Kind is empty where the label names neither method.
func MethodOf(label string) evidence.Method {
	switch {
	case fullPattern.MatchString(label):
		return evidence.Method{Kind: evidence.Full}
	case !loraPattern.MatchString(label) && !doraPattern.MatchString(label):
		return evidence.Method{}
	}
	m := evidence.Method{Kind: evidence.LoRA}
	if found := rankPattern.FindStringSubmatch(label); found != nil {
		m.Rank, _ = strconv.Atoi(found[1])
	}
	if found := alphaPattern.FindStringSubmatch(label); found != nil {
		m.Alpha, _ = strconv.ParseFloat(found[1], 64)
	}
	if rsPattern.MatchString(label) {
		m.Variant = "rslora"
	} else if doraPattern.MatchString(label) {
		m.Variant = "dora"
	}
	return m
}

// family is the record's own, or what stands before a double dash in its name, as
// suites of runs are named, or its method, or its name.
func (r Record) family() string {
	head, _, suite := strings.Cut(r.Name, "--")
	switch {
	case r.Family != "":
		return r.Family
	case suite:
		return head
	case r.Method.Kind != "":
		return string(r.Method.Kind)
	}
	return r.Name
}

// nameOf makes a name of a path: the folder's for files that all runs name alike.
func nameOf(path string) string {
	base := filepath.Base(path)
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	if stem == "trainer_state" || stem == "run" || strings.HasPrefix(base, "events.out.tfevents") {
		return folderName(filepath.Dir(path))
	}
	return stem
}

// folderName skips folders that a trainer makes inside a run's own.
func folderName(dir string) string {
	base := filepath.Base(dir)
	if strings.HasPrefix(base, "checkpoint-") || base == "runs" || base == "logs" {
		return folderName(filepath.Dir(dir))
	}
	return base
}
