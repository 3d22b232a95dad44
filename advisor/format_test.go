package advisor

import "testing"

// Numbers in sentences are never powers of ten, and round to the unit above where they
// reach it.
func TestNumbersForPeople(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{seconds(0), "0 ms"},
		{seconds(0.0123), "12.3 ms"},
		{seconds(0.9994), "999 ms"},
		{seconds(0.9996), "1 s"},
		{seconds(89), "89 s"},
		{seconds(100), "1.67 min"},
		{seconds(4_435_200), "1,230 h"},
		{plain(0.25), "0.25"},
		{plain(1_234_567), "1,230,000"},
		{plain(-1_234_567), "-1,230,000"},
		{exact(10_000), "10,000"},
		{exact(7e9), "7,000,000,000"},
		{count(999_499), "999k"},
		{count(999_600), "1M"},
		{count(124_439_808), "124M"},
		{count(2e15), "2000T"},
		{usd(-0.00001), "$0"},
		{usd(12_345), "$12,300"},
		{nats(-0.00001), "0 nats"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}
