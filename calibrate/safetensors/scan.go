package safetensors

import (
	"encoding/binary"
	"fmt"
)

// Health is what one look over a tensor's values says.
type Health struct {
	NonFinite int64 // index of the first NaN or infinity, or -1
	Value     string
	Zero      bool // nothing but zeros
	Subnormal bool // no value of normal size, but not all zero
}

// layout places the bits of a floating-point type in words of eight bytes. Adding
// carry to the exponent's bits sets sign where the exponent is all ones, that is in NaN
// and infinity, and never reaches the neighbouring value.
type layout struct {
	exponent, carry, sign uint64
	bytes                 int
	mantissa              uint64 // of one value
}

func layoutOf(dtype string) (layout, bool) {
	switch dtype {
	case "F64":
		return layout{0x7ff0000000000000, 0x0010000000000000, 1 << 63, 8, 1<<52 - 1}, true
	case "F32":
		return layout{0x7f8000007f800000, 0x0080000000800000, 0x8000000080000000, 4, 1<<23 - 1}, true
	case "F16":
		return layout{0x7c007c007c007c00, 0x0400040004000400, 0x8000800080008000, 2, 1<<10 - 1}, true
	case "BF16":
		return layout{0x7f807f807f807f80, 0x0080008000800080, 0x8000800080008000, 2, 1<<7 - 1}, true
	}
	return layout{}, false
}

// Scan looks through the values of a tensor. Types that are not floating-point are
// sound by definition. It runs at the speed of memory.
func Scan(dtype string, data []byte) Health {
	l, ok := layoutOf(dtype)
	if !ok || len(data) == 0 {
		return Health{NonFinite: -1}
	}
	var seen uint64 // all bits seen but the signs
	for i := 0; i < len(data); i += 8 {
		word := wordAt(data, i)
		if (word&l.exponent+l.carry)&l.sign != 0 {
			return l.locate(data, i)
		}
		seen |= word &^ l.sign
	}
	return Health{NonFinite: -1, Zero: seen == 0, Subnormal: seen != 0 && seen&l.exponent == 0}
}

// wordAt reads eight bytes, with zeros after the end.
func wordAt(data []byte, i int) uint64 {
	if len(data)-i >= 8 {
		return binary.LittleEndian.Uint64(data[i:])
	}
	var tail [8]byte
	copy(tail[:], data[i:])
	return binary.LittleEndian.Uint64(tail[:])
}

// locate finds the value in the word at i that is not finite.
func (l layout) locate(data []byte, i int) Health {
	word := wordAt(data, i)
	for lane := 0; lane*l.bytes < 8; lane++ {
		shifted := word >> (8 * lane * l.bytes)
		lowest := uint64(1)<<(8*l.bytes-1)<<1 - 1 // a mask of one value; wraps to all ones for eight bytes
		if (shifted&l.exponent+l.carry)&l.sign&lowest == 0 {
			continue
		}
		value := "Inf"
		if shifted&l.mantissa != 0 {
			value = "NaN"
		}
		return Health{NonFinite: int64(i/l.bytes + lane), Value: value}
	}
	return Health{NonFinite: -1}
}

// NotFinite turns a bad Health into the error that names its tensor, or nil.
func NotFinite(file string, t Tensor, h Health) error {
	if h.NonFinite < 0 {
		return nil
	}
	return &InputError{
		Where:  file,
		What:   fmt.Sprintf("tensor %q holds %s at index %d", t.Name, h.Value, h.NonFinite),
		Advice: "the weights are damaged or come from a diverged training; take another checkpoint",
	}
}
