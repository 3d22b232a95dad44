package suite

import (
	"math"
	"math/rand/v2"
	"strings"
)

const (
	sentenceBytes = 1_200_000
	lexiconSize   = 60 // words of a category
	nounClasses   = 4
)

// grammar generates sentences: noun phrases with adjectives and nested prepositional
// phrases, and verbs whose ending agrees with the subject's class, however much stands
// between them. Words follow Zipf's law.
type grammar struct {
	rng                             *rand.Rand
	nouns, verbs, adjectives, links []string
}

// sentences is text of the grammar.
func sentences() string {
	rng := generator(seedGrammar)
	g := grammar{rng: rng, nouns: lexicon(rng, 2), verbs: lexicon(rng, 2), adjectives: lexicon(rng, 3), links: lexicon(rng, 1)[:8]}
	var out strings.Builder
	for out.Len() < sentenceBytes {
		out.WriteString(g.sentence() + ".\n")
	}
	return out.String()
}

func lexicon(rng *rand.Rand, syllables int) []string {
	out := make([]string, lexiconSize)
	for i := range out {
		out[i] = word(rng.IntN(1<<18), syllables)
	}
	return out
}

// zipf draws a rank in proportion to 1/(rank+1).
func (g grammar) zipf(n int) int {
	return int(math.Pow(float64(n+1), g.rng.Float64())) - 1
}

func (g grammar) draw(words []string) string { return words[g.zipf(len(words))] }

func (g grammar) sentence() string {
	subject, class := g.phrase(0)
	object, _ := g.phrase(1)
	return subject + " " + g.draw(g.verbs) + ending(class) + " " + object
}

// phrase is [adjective] noun [link phrase] with the class of its noun.
func (g grammar) phrase(depth int) (text string, class int) {
	n := g.zipf(len(g.nouns))
	class = n % nounClasses
	text = g.nouns[n] + ending(class)
	for g.rng.Float64() < 0.4 {
		text = g.draw(g.adjectives) + ending(class) + " " + text
	}
	if depth < 3 && g.rng.Float64() < 0.35 {
		more, _ := g.phrase(depth + 1)
		text += " " + g.draw(g.links) + " " + more
	}
	return text, class
}

func ending(class int) string { return []string{"", "s", "um", "ek"}[class] }
