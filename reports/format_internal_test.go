package reports

import (
	"math"
	"testing"
)

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{usd(0), "$0"}, {usd(0.0042), "$0.0042"}, {usd(12), "$12"}, {usd(12.345), "$12.35"}, {usd(-1234567), "−$1,234,567"}, {usd(math.NaN()), "–"}, {usd(math.Inf(1)), "–"},
		{usdTick(20_000), "$20k"}, {usdTick(-1.5e6), "−$1.50M"},
		{number(0), "0"}, {number(0.00001234), "1.23e−05"}, {number(1.5), "1.5"}, {number(-0.1), "−0.1"}, {number(123456), "123,456"}, {number(100), "100"},
		{percent(0.5), "50%"}, {percent(0.9999), "> 99.9%"}, {percent(1), "100%"}, {percent(0.0002), "< 0.1%"}, {percent(0), "0%"}, {percent(0.024), "2.4%"},
		{chance(1), "> 99.9%"}, {chance(0), "< 0.1%"},
		{size(0), "0 B"}, {size(24 << 30), "24.0 GiB"}, {size(1536), "1.50 KiB"}, {size(-1), "–"},
		{span(0.412), "412 ms"}, {span(0.00123), "1.23 ms"}, {span(571), "9.5 min"}, {span(90), "90.0 s"}, {span(3 * 86400), "3.0 days"}, {span(-1), "–"},
		{params(1_235_814_400), "1.24 B"}, {params(260_032), "260 K"}, {params(12), "12"},
		{nats(-0.00512), "−0.0051"}, {times(2.6667), "2.67 ×"}, {times(math.Inf(1)), "–"}, {rate(2e-5), "2.0e-05"}, {plural(1, "step"), "1 step"}, {plural(2000, "step"), "2,000 steps"},
		{factWords("usd_per_nat"), "worth of a nat"}, {factWords("some_other_fact"), "some other fact"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
