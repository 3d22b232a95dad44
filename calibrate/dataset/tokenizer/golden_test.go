package tokenizer

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// splitMix is the generator that testdata/make.py has too.
type splitMix uint64

func (s *splitMix) below(n int) int {
	*s += 0x9E3779B97F4A7C15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return int((z ^ z>>31) % uint64(n))
}

type fragments struct {
	Texts  []string  `json:"texts"`
	Spaces []string  `json:"spaces"`
	Ranges [][2]rune `json:"ranges"`
}

func (f fragments) sentence(r *splitMix) string {
	var b strings.Builder
	for range 1 + r.below(12) {
		switch kind := r.below(8); {
		case kind < 4:
			b.WriteString(f.Texts[r.below(len(f.Texts))])
		case kind < 6:
			for range 1 + r.below(8) {
				b.WriteByte(byte('a' + r.below(26)))
			}
		case kind < 7:
			low := f.Ranges[r.below(len(f.Ranges))]
			for range 1 + r.below(5) {
				b.WriteRune(low[0] + rune(r.below(int(low[1]-low[0]+1))))
			}
		default:
			b.WriteString(f.Spaces[r.below(len(f.Spaces))])
		}
	}
	return b.String()
}

func sentences(t testing.TB, seed uint64, n int) []string {
	var f fragments
	unmarshal(t, filepath.Join("testdata", "fragments.json"), &f)
	r := splitMix(seed)
	out := make([]string, n)
	for i := range out {
		out[i] = f.sentence(&r)
	}
	return out
}

// TestGoldens holds ids and decoded texts of ten thousand random and nasty strings
// equal to those of the Python package tokenizers, for each kind of pipeline.
func TestGoldens(t *testing.T) {
	var want struct {
		Strings, Block int
		Seed           uint64
		CRC32          map[string][]uint32
	}
	unmarshal(t, filepath.Join("testdata", "goldens.json"), &want)
	if len(want.CRC32) < 20 || want.Strings < 10000 {
		t.Fatalf("%d kinds, %d strings", len(want.CRC32), want.Strings)
	}
	texts := sentences(t, want.Seed, want.Strings)
	for name, blocks := range want.CRC32 {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok := parseFile(t, filepath.Join("testdata", name+".json"))
			wrong := 0
			for i, sum := range blocks {
				if got := checksum(tok, texts[i*want.Block:(i+1)*want.Block]); got != sum {
					wrong++
				}
			}
			if wrong > 0 {
				t.Errorf("%d of %d blocks of %d strings differ", wrong, len(blocks), want.Block)
			}
			if err := tok.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

func parseFile(t testing.TB, path string) *Tokenizer {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return tok
}

// checksum is over what Python prints: lists of ids and the decoded text.
func checksum(tok *Tokenizer, texts []string) uint32 {
	sum := uint32(0)
	for _, text := range texts {
		bare := tok.Encode(text, false)
		line := list(tok.Encode(text, true)) + "|" + list(bare) + "|" + tok.Decode(bare)
		sum = crc32.Update(sum, crc32.IEEETable, []byte(line))
	}
	return sum
}

func list(ids []int32) string {
	return strings.ReplaceAll(fmt.Sprint(ids), " ", ", ")
}
