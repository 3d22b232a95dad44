package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// hostile is a damaged or malicious file and what is to be said of it; want is empty
// where it is harmless.
type hostile struct {
	name string
	data []byte
	want string
}

// file puts a header of any form before data.
func file(header string, data []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

func withLength(length uint64, rest string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, length), rest...)
}

// tensorA is a header's entry for two float32.
const tensorA = `"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`

// entry changes one field of tensorA.
func entry(dtype, shape, offsets string) string {
	return fmt.Sprintf(`{"a":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
}

func floats(values ...float64) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(v)))
	}
	return out
}

func hostileFiles() []hostile {
	eight := make([]byte, 8)
	return append(damagedContainers(eight), append(damagedHeaders(eight), harmless(eight)...)...)
}

func damagedContainers(eight []byte) []hostile {
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n"
	good := "{" + tensorA + "}"
	return []hostile{
		{"empty", nil, "is no safetensors file: 0 bytes long"},
		{"seven-bytes", make([]byte, 7), "is no safetensors file: 7 bytes long"},
		{"header-of-zero", withLength(0, "abc"), "header of 0 bytes in a file of 11"},
		{"header-longer-than-file", withLength(1000, "{}"), "header of 1000 bytes in a file of 10"},
		{"header-2-63", withLength(1<<63, "{}"), "header of 9223372036854775808 bytes is over the format's limit"},
		{"header-101MB", withLength(101_000_000, "{}"), "header of 101000000 bytes is over the format's limit"},
		{"truncated-download", file(good, eight[:5]), "truncated: 5 of 8 bytes of data are there"},
		{"trailing-zip", file(good, append(eight, "PK\x03\x04"...)), "4 bytes after the last tensor"},
		{"git-lfs-pointer", []byte(pointer), "is a Git LFS pointer, not the weights"},
		{"pickle-zip", []byte("PK\x03\x04\x00\x00\x08\x08\x00\x00archive/data.pkl"), "is a pickle, which is never opened"},
		{"pickle-legacy", []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."), "is a pickle, which is never opened"},
		{"gguf", []byte("GGUF\x03\x00\x00\x00\x00\x00\x00\x00"), "is a GGUF file, made for inference"},
		{"web-page", []byte("<!DOCTYPE html><html></html>"), "is a web page, not the weights"},
	}
}

func damagedHeaders(eight []byte) []hostile {
	deep := strings.Repeat("[", 100_000)
	two := func(second string) []byte {
		return file("{"+tensorA+`,"b":{"dtype":"F32","shape":[1],"data_offsets":`+second+"}}", make([]byte, 16))
	}
	return []hostile{
		{"not-json", file("hello world", eight), "header does not start with {"},
		{"half-json", file(`{"a":{"dtype":"F32"`, eight), "JSON ends in the middle"},
		{"json-then-more", file("{"+tensorA+"}{}", eight), "JSON goes on after its end"},
		{"bad-utf8", file("{\"\xff\xfe\":{}}", eight), "header is not valid UTF-8"},
		{"leading-space", file(" {"+tensorA+"}", eight), "header does not start with {"},
		{"duplicate-key", file("{"+tensorA+","+tensorA+"}", eight), `"a" stands there twice`},
		{"duplicate-field", file(`{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, eight), `"dtype" stands there twice`},
		{"no-tensors", file("{}", nil), "holds no tensor"},
		{"only-metadata", file(`{"__metadata__":{"format":"pt"}}`, nil), "holds no tensor"},
		{"overlap", two("[4,8]"), `tensor "b" overlaps the one before it by 4 bytes`},
		{"hole", two("[12,16]"), `a hole of 4 bytes before tensor "b"`},
		{"hole-at-start", file(entry(`"F32"`, "[1]", "[4,8]"), eight), `a hole of 4 bytes before tensor "a"`},
		{"begin-after-end", file(entry(`"F32"`, "[2]", "[8,0]"), eight), "data_offsets [8 0] are no begin and end"},
		{"one-offset", file(entry(`"F32"`, "[2]", "[8]"), eight), "data_offsets [8] are no begin and end"},
		{"float-offsets", file(entry(`"F32"`, "[2]", "[0.0,8.0]"), eight), "data_offsets holds 0.0, which is no size"},
		{"shape-wraps", file(entry(`"F32"`, "[4294967296,4294967296,1]", "[0,8]"), eight), "has no size in bytes"},
		{"shape-wraps-to-8", file(entry(`"U8"`, "[4611686018427387906,4]", "[0,8]"), eight), "has no size in bytes"},
		{"shape-mismatch", file(entry(`"F32"`, "[3]", "[0,8]"), eight), "shape [3] of F32 takes 12 bytes, data_offsets give 8"},
		{"negative-shape", file(entry(`"F32"`, "[-2]", "[0,8]"), eight), "shape holds -2, which is no size"},
		{"float-shape", file(entry(`"F32"`, "[2.0]", "[0,8]"), eight), "shape holds 2.0, which is no size"},
		{"string-shape", file(entry(`"F32"`, `["2"]`, "[0,8]"), eight), "shape holds 2, which is no number"},
		{"null-shape", file(entry(`"F32"`, "null", "[0,8]"), eight), "shape: found <nil> in place of ["},
		{"shape-missing", file(`{"a":{"dtype":"F32","data_offsets":[0,8]}}`, eight), "shape is missing"},
		{"entry-is-list", file(`{"a":[]}`, nil), "found [ in place of {"},
		{"unknown-dtype", file(entry(`"I4"`, "[2]", "[0,8]"), eight), `dtype "I4" is not supported`},
		{"dtype-number", file(entry("32", "[2]", "[0,8]"), eight), "cannot unmarshal number"},
		{"odd-nibbles", file(entry(`"F4"`, "[3]", "[0,1]"), eight[:1]), "has no size in bytes"},
		{"metadata-number", file(`{"__metadata__":{"x":1},`+tensorA+"}", eight), `the value of "x" is no string`},
		{"metadata-deep", file(`{"__metadata__":{"x":`+deep, eight), `the value of "x" is no string`},
		{"field-deep", file(`{"a":{"x":`+deep, eight), "exceeded max depth"},
	}
}

func harmless(eight []byte) []hostile {
	empty := `"b":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}`
	return []hostile{
		{"good", file("{"+tensorA+"}", eight), ""},
		{"empty-tensor-shares-offset", file("{"+tensorA+","+empty+"}", eight), ""},
		{"scalar", file(entry(`"F64"`, "[]", "[0,8]"), eight), ""},
		{"nan", file("{"+tensorA+"}", floats(math.NaN(), 1)), ""},
		{"padded-header", file("{"+tensorA+"}      ", eight), ""},
		{"unaligned-header", file("{"+tensorA+"} ", eight), ""},
		{"unknown-field", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":[{}]}}`, eight), ""},
		{"eight-bit-floats", file(entry(`"F8_E4M3"`, "[8]", "[0,8]"), eight), ""},
	}
}

// mutants are damaged copies of a sound file, the same in each run.
func mutants() []hostile {
	header := `{"__metadata__":{"format":"pt"},` + tensorA + `,"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]}}`
	sound := file(header, make([]byte, 12))
	bytes := []byte("\"{}[],:0123456789-.eE \x00\xff\\ab")
	var out []hostile
	state := uint64(1)
	next := func(n int) int { // a linear congruence: the same everywhere, for ever
		state = state*6364136223846793005 + 1442695040888963407
		return int(state>>33) % n
	}
	for i := range 400 {
		data := append([]byte{}, sound...)
		for range 1 + next(2) {
			at := 8 + next(len(header))
			data[at] = bytes[next(len(bytes))]
		}
		out = append(out, hostile{name: fmt.Sprintf("mutant-%03d", i), data: data})
	}
	return out
}
