package advisor

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// usd prints an amount to about three figures: $0.0042, $3.20, $840, $12,300.
func usd(v float64) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	switch {
	case v == 0 || v < 0.0001 && sign != "":
		return "$0"
	case v < 0.0001:
		return "under $0.0001"
	case v < 0.01:
		return sign + "$" + strconv.FormatFloat(v, 'g', 2, 64)
	case v < 100:
		return sign + "$" + strconv.FormatFloat(v, 'f', 2, 64)
	}
	return sign + "$" + Thousands(round(v, 3))
}

// round keeps n significant figures.
func round(v float64, n int) float64 {
	if v == 0 || !finite(v) {
		return v
	}
	p := math.Pow(10, float64(n-1)-math.Floor(math.Log10(math.Abs(v))))
	if !finite(p) || p == 0 {
		return v
	}
	return math.Round(v*p) / p
}

// Thousands prints a whole amount, not below zero, with commas: 1,200,000.
func Thousands(v float64) string {
	if v >= 1e15 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// count prints a number of parameters: 260k, 124M, 2B.
func count(v float64) string { return metric(v, "", "k", "M", "B", "T") }

func metric(v float64, units ...string) string {
	i := 0
	for ; math.Abs(round(v, 3)) >= 1000 && i+1 < len(units); i++ {
		v /= 1000
	}
	return strconv.FormatFloat(round(v, 3), 'f', -1, 64) + units[i]
}

func bytesText(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; math.Abs(v) >= 1024 && i+1 < len(units); i++ {
		v /= 1024
	}
	return strconv.FormatFloat(round(v, 3), 'f', -1, 64) + " " + units[i]
}

// seconds prints a duration in the unit that suits it.
func seconds(v float64) string {
	switch {
	case v < 0.9995: // what rounds to a second is one
		return plain(v*1000) + " ms"
	case v < 90:
		return plain(v) + " s"
	case v < 90*60:
		return plain(v/60) + " min"
	}
	return plain(v/3600) + " h"
}

// plain prints a number to three figures, never by a power of ten: 0.0125, 840, 1,200,000.
func plain(v float64) string {
	v = round(v, 3)
	switch {
	case v >= 1000:
		return Thousands(v)
	case v <= -1000:
		return "-" + Thousands(-v)
	}
	return strconv.FormatFloat(v+0, 'f', -1, 64)
}

// percent prints a probability; the ends are never rounded to certainty.
func percent(p float64) string {
	switch {
	case p > 0.99 && p < 1:
		return "over 99%"
	case p < 0.01 && p > 0:
		return "under 1%"
	}
	return fmt.Sprintf("%.0f%%", 100*p)
}

// chance prints a probability, which is never quite 0 or 1.
func chance(p float64) string { return percent(math.Min(math.Max(p, 0.001), 0.999)) }

// nats prints a loss to three figures and no finer than a ten-thousandth, below which
// nothing here can be told apart.
func nats(v float64) string {
	v = math.Round(round(v, 3)*1e4) / 1e4
	return strconv.FormatFloat(v+0, 'f', -1, 64) + " nats"
}

// isTruth reports whether a fact is true or false rather than a number.
func isTruth(name string) bool {
	return slices.ContainsFunc(Vocabulary(), func(f Fact) bool { return f.Name == name && f.Bool() })
}

// FormatFact prints a fact's value with its unit: gap_nats 0.0312 as "0.0312 nats".
func FormatFact(name string, v float64) string {
	switch {
	case isTruth(name):
		return map[bool]string{true: "yes", false: "no"}[v != 0]
	case strings.Contains(name, "usd"):
		return usd(v)
	case strings.HasPrefix(name, "p_"):
		return chance(v)
	case strings.HasSuffix(name, "_share"):
		return percent(v)
	case strings.HasSuffix(name, "_nats"):
		return nats(v)
	case strings.HasSuffix(name, "_bytes"):
		return bytesText(v)
	case strings.HasSuffix(name, "_params"):
		return count(v)
	case strings.HasSuffix(name, "_hours"):
		return seconds(v * 3600)
	case strings.HasSuffix(name, "_seconds"):
		return seconds(v)
	}
	return strconv.FormatFloat(round(v, 3), 'f', -1, 64)
}

// amount prints a stake as it would be typed, with its unit: $0.03/GiB/month, 1 task.
func amount(v float64, unit string) string {
	text := exact(v)
	switch {
	case unit == "":
		return text
	case strings.HasPrefix(unit, "$"):
		return "$" + text + strings.TrimPrefix(unit, "$")
	case v == 1:
		counted, per, _ := strings.Cut(unit, "/")
		return strings.TrimSuffix("1 "+strings.TrimSuffix(counted, "s")+"/"+per, "/")
	}
	return text + " " + unit
}
