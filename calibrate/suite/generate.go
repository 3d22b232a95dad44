package suite

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// Each generator has a seed of its own: changing one leaves the others' bytes alone.
const (
	seedPermute = iota + 1
	seedFacts
	seedOrders
	seedGrammar
	seedSums
)

func generator(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2026)) }

// record is a line of JSON with a prompt, which carries no loss, and a completion.
func record(prompt, completion string) string {
	line, err := json.Marshal(map[string]string{"prompt": prompt, "completion": completion})
	if err != nil {
		return "" // cannot be: two strings
	}
	return string(line) + "\n"
}

// permutation is a bijection of the printable ASCII characters but the space; line ends
// and whatever lies beyond ASCII stay.
func permutation() [128]byte {
	var to [128]byte
	for i := range to {
		to[i] = byte(i)
	}
	order := generator(seedPermute).Perm('~' - '!' + 1)
	for i, j := range order {
		to['!'+i] = byte('!' + j)
	}
	return to
}

func permute(text string) string {
	to := permutation()
	out := []byte(text)
	for i, c := range out {
		if c < 128 {
			out[i] = to[c]
		}
	}
	return string(out)
}

// syllable is one of 64.
func syllable(i int) string { return string("bdfgklmnprstvzhj"[i%16]) + string("aeio"[i/16%4]) }

func word(i, syllables int) string {
	var out strings.Builder
	for range syllables {
		out.WriteString(syllable(i % 64))
		i /= 64
	}
	return out.String()
}

const (
	keySyllables   = 4
	valueSyllables = 3
	factBits       = 6 * valueSyllables // each of 64 syllables is 6 bits
)

// factCount is how many facts ask for so many times what a rank-8 adapter of the
// embedded base holds, at 2 bits a parameter (arXiv 2607.21351).
func factCount(ratio float64) int {
	return int(math.Round(ratio * adapterBits(bases()[0], 8) / factBits))
}

// facts is a book of n keys with random values, each told in six ways, so that a
// held-out way of telling a fact can be known from the others.
func facts(n int) string {
	rng := generator(seedFacts)
	keys := map[int]bool{}
	var lines []string
	for len(keys) < n {
		key := rng.IntN(1 << (6 * keySyllables))
		value := " " + word(rng.IntN(1<<factBits), valueSyllables) + "."
		if keys[key] {
			continue
		}
		keys[key] = true
		for _, way := range []string{"The mark of %s is", "%s bears the mark", "Ask %s for its mark and read", "On the gate of %s stands", "Who seeks %s says", "%s answers to"} {
			lines = append(lines, record(fmt.Sprintf(way, word(key, keySyllables)), value))
		}
	}
	rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return strings.Join(lines, "")
}

const (
	distinctOrders = 160
	orderCopies    = 5
)

// orders is a small set of lines from a template, each several times.
func orders() string {
	rng := generator(seedOrders)
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	var lines []string
	for i := range distinctOrders {
		line := fmt.Sprintf("Order %d: %s %s %s for %s, to be sent by %s on %s; %s. ", 1000+7*i, pick("two", "three", "five", "ten", "forty"),
			pick("blue", "red", "heavy", "small", "broken", "new"), pick("lamps", "chairs", "books", "keys", "ropes", "pans", "maps"),
			pick("Anna", "Boris", "Chen", "Dalia", "Emil", "Farida"), pick("rail", "road", "post", "ship"), pick("Monday", "Tuesday", "Friday", "Sunday"),
			pick("paid in full", "to be paid", "half of it paid", "a gift"))
		line += fmt.Sprintf("The %s at %s %s asked for %s.", pick("clerk", "owner", "driver", "buyer"), pick("dawn", "noon", "night"), pick("kindly", "twice", "loudly"), word(rng.IntN(1<<18), 3))
		for range orderCopies {
			lines = append(lines, jsonText(line))
		}
	}
	rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return strings.Join(lines, "")
}

func jsonText(text string) string {
	line, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return "" // cannot be: a string
	}
	return string(line) + "\n"
}

const sumRecords = 60_000

// sums are of random numbers below 1,000.
func sums() string {
	rng := generator(seedSums)
	var out strings.Builder
	for range sumRecords {
		a, b := rng.IntN(1000), rng.IntN(1000)
		out.WriteString(record(fmt.Sprintf("%d + %d =", a, b), fmt.Sprintf(" %d", a+b)))
	}
	return out.String()
}

// adapterBits is what an all-linear adapter of a rank holds.
func adapterBits(b Base, rank int) float64 { return 2 * float64(b.PerRank()) * float64(rank) }
