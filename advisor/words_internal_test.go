package advisor

import "testing"

func TestBeyondSaysOnWhichSide(t *testing.T) {
	for _, c := range []struct {
		at, now float64
		want    string
	}{
		{0.485, 0.186, "more than 0.485 nats behind"},
		{0.0674, 0.186, "less than 0.0674 nats behind"},
		{-0.174, 0.282, "more than 0.174 nats ahead of"},
		{-0.05, -0.1, "less than 0.05 nats ahead of"},
		{-0.2, -0.1, "more than 0.2 nats ahead of"},
	} {
		if got := beyond(c.at, c.now); got != c.want {
			t.Errorf("from %g at %g: %q, want %q", c.now, c.at, got, c.want)
		}
	}
}

func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		v          float64
		unit, want string
	}{
		{1, "tasks", "1 task"}, {20, "tasks", "20 tasks"}, {1, "a year", "1 a year"}, {1, "requests/month", "1 request/month"},
		{50000, "$/nat", "$50,000/nat"}, {0.03, "$/GiB/month", "$0.03/GiB/month"}, {0.1, "", "0.1"}, {2.5, "SDs", "2.5 SDs"},
	} {
		if got := amount(c.v, c.unit); got != c.want {
			t.Errorf("%g %s: %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}
