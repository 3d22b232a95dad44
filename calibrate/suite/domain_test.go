package suite

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftadvise/calibrate/hf"
)

// TestGeneratorsRepeat holds a generator to the same bytes at every call.
func TestGeneratorsRepeat(t *testing.T) {
	for name, text := range map[string]func() string{
		"orders": orders, "grammar": sentences, "sums": sums, "facts": func() string { return facts(200) },
		"permuted": func() string { return permute("Package io provides basic interfaces.") },
	} {
		if a, b := text(), text(); a != b || a == "" {
			t.Errorf("%s: two calls differ", name)
		}
	}
}

func TestPermutationIsBijection(t *testing.T) {
	seen := map[byte]bool{}
	moved := 0
	for from, to := range permutation() {
		if seen[to] {
			t.Fatalf("two characters become %q", to)
		}
		seen[to] = true
		if from != int(to) {
			moved++
		}
	}
	if to := permutation(); to[' '] != ' ' || to['\n'] != '\n' || moved < 85 {
		t.Errorf("%d of 94 characters moved; space becomes %q", moved, to[' '])
	}
	text := "words of äöü and 9 lines\n"
	if got := permute(text); len(got) != len(text) || strings.Count(got, " ") != strings.Count(text, " ") || !strings.Contains(got, "äöü") {
		t.Errorf("got %q", got)
	}
}

// TestFactsAskForTheirShare holds the books to their demand: distinct keys, each with one
// random value of 18 bits, told six ways.
func TestFactsAskForTheirShare(t *testing.T) {
	capacity := adapterBits(bases()[0], 8)
	for _, ratio := range []float64{0.25, 1, 4} {
		if got := float64(factCount(ratio)) * factBits / capacity; math.Abs(got-ratio) > 1e-3 {
			t.Errorf("demand over capacity is %g, not %g", got, ratio)
		}
	}
	values := map[string]string{}
	ways, bits := map[string]int{}, map[string]bool{}
	for line := range strings.Lines(facts(300)) {
		var r struct{ Prompt, Completion string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		key := keyOf(r.Prompt)
		if known, ok := values[key]; ok && known != r.Completion {
			t.Fatalf("%s has two values", key)
		}
		values[key] = r.Completion
		ways[key]++
		bits[r.Completion] = true
	}
	if len(values) != 300 || len(bits) < 299 {
		t.Errorf("%d keys, %d values", len(values), len(bits))
	}
	for key, n := range ways {
		if n != 6 {
			t.Errorf("%s is told %d times", key, n)
		}
	}
}

// keyOf finds the one word of eight letters that no way of telling has.
func keyOf(prompt string) string {
	for _, word := range strings.Fields(prompt) {
		if len(word) == 2*keySyllables {
			return word
		}
	}
	return ""
}

func TestOrdersRepeatThemselves(t *testing.T) {
	count := map[string]int{}
	for line := range strings.Lines(orders()) {
		count[line]++
	}
	if len(count) != distinctOrders {
		t.Errorf("%d distinct lines", len(count))
	}
	for line, n := range count {
		if n != orderCopies {
			t.Errorf("%d times %s", n, line)
		}
	}
}

func TestSumsAreRight(t *testing.T) {
	n := 0
	for line := range strings.Lines(sums()) {
		var r struct{ Prompt, Completion string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		var a, b, c int
		if !read(r.Prompt, &a, &b) || !read(r.Completion, &c) || a+b != c {
			t.Fatalf("%s%s", r.Prompt, r.Completion)
		}
		n++
	}
	if n != sumRecords {
		t.Errorf("%d records", n)
	}
}

// read takes the numbers of a text in order.
func read(text string, into ...*int) bool {
	at := 0
	for _, field := range strings.Fields(text) {
		n := 0
		for _, c := range field {
			if c < '0' || c > '9' {
				n = -1
				break
			}
			n = 10*n + int(c-'0')
		}
		if n >= 0 && at < len(into) {
			*into[at] = n
			at++
		}
	}
	return at == len(into)
}

// TestBasesAreCounted holds the counts to what the model's own configuration says.
func TestBasesAreCounted(t *testing.T) {
	for _, b := range bases() {
		dir := t.TempDir()
		for name, text := range map[string]string{"config.json": b.Config(), "tokenizer.json": "{}"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		model, err := hf.OpenConfig(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer model.Close()
		method := Default().Methods(Unit{Kind: "lora"})[1]
		trainable, err := model.Config.TrainableParams(method)
		if err != nil || trainable != b.PerRank()*int64(method.Rank) || model.Config.Params() != b.Params() {
			t.Errorf("%s: %d parameters, %d trainable, %v; counted %d and %d", b.Name, model.Config.Params(), trainable, err, b.Params(), b.PerRank()*int64(method.Rank))
		}
	}
}

func TestUnknownNames(t *testing.T) {
	if _, err := Domains([]string{"orders", "nowhere"}); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v", err)
	}
	if _, err := Bases([]string{"9b"}); err == nil {
		t.Error("a base that is not there was found")
	}
}

// TestFamilies holds the suite to its breadth: domains of one name would overwrite each
// other, and what is scored leaves a family out.
func TestFamilies(t *testing.T) {
	names, families := map[string]bool{}, map[string]bool{}
	for _, d := range domains() {
		if names[d.Name] || d.EvalRows == 0 || d.About == "" {
			t.Errorf("%+v", d)
		}
		names[d.Name], families[d.Family] = true, true
	}
	for _, d := range domains() {
		if (d.Lesson == nil) == (d.text == nil) {
			t.Errorf("%s has both text and a teacher, or neither", d.Name)
		}
	}
	if len(names) < 12 || len(families) < 8 {
		t.Errorf("%d domains in %d families", len(names), len(families))
	}
}
