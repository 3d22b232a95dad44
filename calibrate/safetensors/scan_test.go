package safetensors

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// encode writes a value of a type given by its bits in float32's layout.
func encode(dtype string, v float64) []byte {
	bits := math.Float32bits(float32(v))
	switch dtype {
	case "F64":
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
	case "F32":
		return binary.LittleEndian.AppendUint32(nil, bits)
	case "BF16":
		return binary.LittleEndian.AppendUint16(nil, uint16(bits>>16))
	}
	sign := uint16(bits >> 16 & 0x8000) // F16: enough for what the tests write
	switch {
	case math.IsNaN(v):
		return binary.LittleEndian.AppendUint16(nil, 0x7e00)
	case math.IsInf(v, 0):
		return binary.LittleEndian.AppendUint16(nil, sign|0x7c00)
	case v == 0:
		return binary.LittleEndian.AppendUint16(nil, sign)
	}
	return binary.LittleEndian.AppendUint16(nil, sign|0x3c00) // 1
}

// Scan finds the first value that is not finite, wherever it lies, and nothing else.
func TestScanFindsTheFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dtype := rapid.SampledFrom([]string{"F64", "F32", "F16", "BF16"}).Draw(t, "dtype")
		values := rapid.SliceOfN(rapid.SampledFrom([]float64{0, 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(0, -1)}), 1, 40).Draw(t, "values")
		want, zero := int64(-1), true
		var data []byte
		for i, v := range values {
			data = append(data, encode(dtype, v)...)
			zero = zero && v == 0
			if want < 0 && (math.IsNaN(v) || math.IsInf(v, 0)) {
				want = int64(i)
			}
		}
		h := Scan(dtype, data)
		if h.NonFinite != want || h.Zero != zero || h.Subnormal {
			t.Fatalf("%s %v: %+v, wanted index %d", dtype, values, h, want)
		}
		if want >= 0 && (h.Value == "NaN") != math.IsNaN(values[want]) {
			t.Fatalf("%s %v: called %s", dtype, values, h.Value)
		}
	})
}

func TestScanSubnormal(t *testing.T) {
	tiny := binary.LittleEndian.AppendUint32(nil, 1)
	if h := Scan("F32", append(tiny, 0, 0, 0, 0)); !h.Subnormal || h.Zero || h.NonFinite >= 0 {
		t.Errorf("%+v", h)
	}
	if h := Scan("F32", append(tiny, floats(1)...)); h.Subnormal {
		t.Errorf("%+v", h)
	}
	if h := Scan("I32", []byte{0xff, 0xff, 0xff, 0x7f}); h.NonFinite >= 0 || h.Zero {
		t.Errorf("integers: %+v", h)
	}
}

func TestNotFinite(t *testing.T) {
	a := Tensor{Name: "a", DType: "F32"}
	if err := NotFinite("w", a, Scan(a.DType, floats(1, math.Inf(-1)))); err == nil || !strings.Contains(err.Error(), `tensor "a" holds Inf at index 1`) {
		t.Errorf("%v", err)
	}
	if err := NotFinite("w", a, Scan(a.DType, floats(1, 2))); err != nil {
		t.Errorf("%v", err)
	}
}

func BenchmarkScan(b *testing.B) {
	data := make([]byte, 64<<20)
	for _, dtype := range []string{"F32", "BF16"} {
		b.Run(dtype, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				Scan(dtype, data)
			}
		})
	}
}
