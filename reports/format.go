package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"ftadvise/calibrate/evidence"
)

// none stands for what was not measured or is not a number.
const none = "–"

// minus is the typographic sign, which screen readers read as such.
const minus = "−"

func bad(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }

// usd prints dollars: cents below 100, thousands apart above.
func usd(v float64) string {
	if bad(v) {
		return none
	}
	sign := ""
	if v < 0 {
		sign, v = minus, -v
	}
	switch {
	case v == 0:
		return "$0"
	case v < 1e-4:
		return "under $0.0001"
	case v < 0.01:
		return sign + "$" + strconv.FormatFloat(v, 'g', 2, 64)
	case v < 100:
		return sign + "$" + strings.TrimSuffix(strconv.FormatFloat(v, 'f', 2, 64), ".00")
	case v < 1e9:
		return sign + "$" + thousands(math.Round(v))
	}
	return sign + "$" + strconv.FormatFloat(v, 'g', 4, 64)
}

// usdRange prints a mean with its 80% interval.
func usdRange(d evidence.Distribution) string {
	return usd(d.Mean) + " (" + usd(d.P10) + " to " + usd(d.P90) + ")"
}

func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func count[T int | int64](n T) string { return thousands(float64(n)) }

// number prints four significant digits without an exponent where that is short.
func number(v float64) string {
	if bad(v) {
		return none
	}
	a := math.Abs(v)
	var s string
	switch {
	case v == 0:
		return "0"
	case a >= 1e9 || a < 1e-4:
		s = strconv.FormatFloat(v, 'e', 2, 64)
	case a >= 1000:
		s = thousands(math.Round(v))
	default:
		s = strconv.FormatFloat(v, 'f', max(0, 3-int(math.Floor(math.Log10(a)))), 64)
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
	}
	return strings.Replace(s, "-", minus, 1)
}

// nats prints a loss or a difference of losses with its sign.
func nats(v float64) string {
	if bad(v) {
		return none
	}
	return strings.Replace(strconv.FormatFloat(v, 'f', 4, 64), "-", minus, 1)
}

// percent prints a share; what is not quite certain never reads as certain.
func percent(share float64) string {
	switch {
	case bad(share):
		return none
	case share > 0 && share < 0.001:
		return "< 0.1%"
	case share < 1 && share > 0.999:
		return "> 99.9%"
	case share > 0.1 && share < 0.99:
		return strconv.FormatFloat(share*100, 'f', 0, 64) + "%"
	}
	return strings.TrimSuffix(strconv.FormatFloat(share*100, 'f', 1, 64), ".0") + "%"
}

// chance prints a forecast probability, which is never quite 0 or 1.
func chance(p float64) string { return percent(math.Min(math.Max(p, 0.0005), 0.9995)) }

// size prints bytes in binary units.
func size(bytes float64) string {
	if bad(bytes) || bytes < 0 {
		return none
	}
	for _, u := range []struct {
		name string
		size float64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes >= u.size {
			return strconv.FormatFloat(bytes/u.size, 'f', digits(bytes/u.size), 64) + " " + u.name
		}
	}
	return strconv.FormatFloat(bytes, 'f', 0, 64) + " B"
}

func digits(v float64) int {
	switch {
	case v >= 100:
		return 0
	case v >= 10:
		return 1
	}
	return 2
}

// span prints a time in the unit that suits it.
func span(seconds float64) string {
	switch {
	case bad(seconds) || seconds < 0:
		return none
	case seconds == 0:
		return "0 s"
	case seconds < 1:
		return strconv.FormatFloat(seconds*1000, 'f', digits(seconds*1000), 64) + " ms"
	case seconds < 120:
		return strconv.FormatFloat(seconds, 'f', digits(seconds), 64) + " s"
	case seconds < 2*3600:
		return strconv.FormatFloat(seconds/60, 'f', 1, 64) + " min"
	case seconds < 72*3600:
		return strconv.FormatFloat(seconds/3600, 'f', 1, 64) + " h"
	}
	return strconv.FormatFloat(seconds/86400, 'f', 1, 64) + " days"
}

// params prints a parameter count in the units of the field.
func params(n float64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"T", 1e12}, {"B", 1e9}, {"M", 1e6}, {"K", 1e3}} {
		if n >= u.size {
			return strconv.FormatFloat(n/u.size, 'f', digits(n/u.size), 64) + " " + u.name
		}
	}
	return number(n)
}

func times(ratio float64) string {
	if bad(ratio) || ratio <= 0 {
		return none
	}
	return strconv.FormatFloat(ratio, 'f', digits(ratio), 64) + " ×"
}

func rate(lr float64) string {
	if bad(lr) || lr == 0 {
		return none
	}
	return strconv.FormatFloat(lr, 'e', 1, 64)
}

func day(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func plural(n int, one string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", one)
	}
	return fmt.Sprintf("%s %ss", count(n), one)
}
