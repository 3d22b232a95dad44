package parquet

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"
)

// isText reports a leaf whose bytes are marked as text.
func (n *node) isText() bool { return n.physical == physicalBytes && n.meaning.kind == text }

// appendValue adds a leaf's value as JSON.
func (n *node) appendValue(out []byte, v value) ([]byte, error) {
	switch n.physical {
	case physicalBool:
		return strconv.AppendBool(out, v.bits != 0), nil
	case physicalInt32:
		return n.appendWhole(out, int64(int32(v.bits)), uint64(uint32(v.bits)))
	case physicalInt64:
		return n.appendWhole(out, int64(v.bits), v.bits)
	case physicalInt96:
		nanoseconds, julian := binary.LittleEndian.Uint64(v.bytes), binary.LittleEndian.Uint32(v.bytes[8:])
		const epoch = 2440588 // the Julian day of 1 January 1970
		return quoted(out, time.Unix((int64(julian)-epoch)*86400, int64(nanoseconds)).UTC().Format(stampFormat))
	case physicalFloat:
		return appendFloat(out, float64(math.Float32frombits(uint32(v.bits))), 32), nil
	case physicalDouble:
		return appendFloat(out, math.Float64frombits(v.bits), 64), nil
	}
	return n.appendBytes(out, v.bytes)
}

const stampFormat = "2006-01-02 15:04:05.999999999"

func (n *node) appendWhole(out []byte, signed int64, unsigned uint64) ([]byte, error) {
	m := n.meaning
	switch m.kind {
	case date:
		return quoted(out, time.Unix(signed*86400, 0).UTC().Format("2006-01-02"))
	case timestamp:
		perSecond := unitsPerSecond(m.unit)
		return quoted(out, time.Unix(signed/perSecond, signed%perSecond*(1e9/perSecond)).UTC().Format(stampFormat))
	case timeOfDay:
		perSecond := unitsPerSecond(m.unit)
		return quoted(out, time.Unix(signed/perSecond, signed%perSecond*(1e9/perSecond)).UTC().Format("15:04:05.999999999"))
	case decimal:
		return appendDecimal(out, big.NewInt(signed), m.scale), nil
	default:
	}
	if m.unsigned {
		return strconv.AppendUint(out, unsigned, 10), nil
	}
	return strconv.AppendInt(out, signed, 10), nil
}

func unitsPerSecond(unit int) int64 {
	switch unit {
	case 1:
		return 1e3
	case 2:
		return 1e6
	}
	return 1e9
}

// appendFloat adds a number; JSON has none for what is not finite.
func appendFloat(out []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(out, "null"...)
	}
	return strconv.AppendFloat(out, v, 'g', -1, bits)
}

// appendBytes adds bytes. Old writers did not mark text as such, so that bytes without a
// meaning are text where they can be, and base64 where not.
func (n *node) appendBytes(out, v []byte) ([]byte, error) {
	switch {
	case n.meaning.kind == decimal:
		return appendDecimal(out, twosComplement(v), n.meaning.scale), nil
	case n.meaning.kind == half && len(v) == 2:
		return appendFloat(out, halfFloat(binary.LittleEndian.Uint16(v)), 32), nil
	case n.meaning.kind == uuid && len(v) == 16:
		return quoted(out, fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:]))
	case n.meaning.kind == text || utf8.Valid(v):
		return quoted(out, string(v))
	}
	return quoted(out, base64.StdEncoding.EncodeToString(v))
}

func quoted(out []byte, text string) ([]byte, error) {
	encoded, err := json.Marshal(text)
	return append(out, encoded...), err
}

// twosComplement reads a signed number, the highest byte first.
func twosComplement(v []byte) *big.Int {
	n := new(big.Int).SetBytes(v)
	if len(v) > 0 && v[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
	}
	return n
}

// appendDecimal adds a number of scale digits after the point, each of them.
func appendDecimal(out []byte, n *big.Int, scale int) []byte {
	digits := new(big.Int).Abs(n).String()
	if n.Sign() < 0 {
		out = append(out, '-')
	}
	if scale <= 0 || scale > 1000 {
		return append(out, digits...)
	}
	for len(digits) <= scale {
		digits = "0" + digits
	}
	point := len(digits) - scale
	return append(append(append(out, digits[:point]...), '.'), digits[point:]...)
}

// halfFloat is a number of IEEE 754's binary16.
func halfFloat(bits uint16) float64 {
	sign, exponent, fraction := 1.0, int(bits>>10&31), float64(bits&1023)
	if bits>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		return math.NaN()
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}
