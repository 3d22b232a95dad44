package reports

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
)

// Note: names are replaced by what they stand for and the beginning of the
// fingerprint, so that two redacted reports of the same data can still be compared.
// A model of a hub keeps its public name: it has a revision.

// Paths within a sentence: from a root, a home or a drive on, or relative with a file's
// extension, up to a space or a quote. What stands before an absolute one is group 1;
// a unit such as nats/token or $/nat is neither.
var (
	absolutePath = regexp.MustCompile(`(^|[\s'"(=\[])((?:~|\.{1,2}|[A-Za-z]:)?[/\\][^\s'"` + "`" + `,;()<>|]*)`)
	relativePath = regexp.MustCompile(`[\w.-]+(?:[/\\][\w.-]+)*[/\\][\w-]*\.[A-Za-z]\w{0,5}\b`)
)

// redact copies run and advice without samples, label names, hosts, file names and
// paths.
func redact(run *evidence.Run, rec *advisor.Recommendation) (*evidence.Run, *advisor.Recommendation) {
	hide := newHiding(run)
	out := rewritten(*run, hide.line)
	out.Data.Samples = nil
	out.Environment.Host = ""
	out.Data.LabelCounts = anonymous(run.Data.LabelCounts)
	for i := range out.Trials {
		out.Trials[i].Outcome.Checkpoint = ""
	}
	if rec == nil {
		return &out, nil
	}
	advice := rewritten(*rec, hide.line)
	return &out, &advice
}

// hiding replaces names in sentences, longest first.
type hiding struct {
	names  []string
	with   map[string]string
	public string // a hub model's name, which looks like a path and stays
}

func newHiding(run *evidence.Run) hiding {
	h := hiding{with: map[string]string{}}
	m, d := run.Setup.Model, run.Data
	if m.Revision == "" {
		h.add(m.Name, "model-"+stamp(m.Fingerprint))
	} else {
		h.public = m.Name
	}
	h.add(d.Validation, "held-"+stamp(d.Fingerprint))
	h.add(d.Name, "data-"+stamp(d.Fingerprint))
	h.add(run.Environment.Host, "host")
	h.names = slices.SortedFunc(maps.Keys(h.with), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return h
}

// add hides a name, and its last part where it is a path. Names of one or two letters
// would hit within words.
func (h *hiding) add(name, with string) {
	slashed := strings.ReplaceAll(name, `\`, "/")
	for _, n := range []string{name, path.Base(slashed)} {
		if len(n) > 2 && n != "..." {
			h.with[n] = with
		}
	}
}

func (h hiding) line(s string) string {
	if s == h.public && s != "" {
		return s
	}
	for _, n := range h.names {
		s = strings.ReplaceAll(s, n, h.with[n])
	}
	s = absolutePath.ReplaceAllString(s, "$1[path]")
	return relativePath.ReplaceAllStringFunc(s, func(found string) string {
		if h.public != "" && strings.Contains(h.public, found) {
			return found
		}
		return "[path]"
	})
}

func stamp(fingerprint string) string {
	return cmp.Or(strings.TrimPrefix(fingerprint, "sha256:")[:min(8, len(strings.TrimPrefix(fingerprint, "sha256:")))], "unnamed")
}

// anonymous keeps the balance of labels and drops their names.
func anonymous(counts map[string]int64) map[string]int64 {
	if counts == nil {
		return nil
	}
	out := map[string]int64{}
	for i, n := range slices.Backward(slices.Sorted(maps.Values(counts))) {
		out[fmt.Sprintf("label-%d", len(counts)-i)] = n
	}
	return out
}
