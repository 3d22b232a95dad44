package safetensors

import "math/bits"

// elementBits returns the size of one element of a type of the format, or 0 where
// the type is unknown. The names are those of the reference implementation 0.8.
func elementBits(dtype string) uint64 {
	switch dtype {
	case "F4":
		return 4
	case "F6_E2M3", "F6_E3M2":
		return 6
	case "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ":
		return 8
	case "I16", "U16", "F16", "BF16":
		return 16
	case "I32", "U32", "F32":
		return 32
	case "I64", "U64", "F64", "C64":
		return 64
	}
	return 0
}

// byteLength returns the bytes of a tensor, and false where the product of its shape
// wraps around or does not fill whole bytes.
func byteLength(dtype string, shape []int64) (int64, bool) {
	total := elementBits(dtype)
	for _, dim := range shape {
		high, low := bits.Mul64(total, uint64(dim))
		if dim < 0 || high != 0 {
			return 0, false
		}
		total = low
	}
	if total%8 != 0 || total/8 > 1<<62 {
		return 0, false
	}
	return int64(total / 8), true
}
