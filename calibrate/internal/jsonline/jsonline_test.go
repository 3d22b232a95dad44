package jsonline

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		name string
		body any
		want string
	}{
		{"empty", struct{}{}, `{"type":"x"}` + "\n"},
		{"fields", map[string]int{"a": 1}, `{"type":"x","a":1}` + "\n"},
	} {
		got, err := Encode("x", c.body)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, body := range map[string]any{
		"not finite": map[string]float64{"a": math.NaN()},
		"no object":  []int{1},
		"too long":   map[string]string{"a": strings.Repeat("x", MaxBytes)},
	} {
		if line, err := Encode("x", body); err == nil {
			t.Errorf("%s: wrote %d bytes", name, len(line))
		}
	}
}

func TestKind(t *testing.T) {
	if got, err := Kind([]byte(`{"type":"step","n":1}`)); got != "step" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range []string{"", "{}", "[]", "step", `{"type":1}`, `{"type":"a"} {}`} {
		if got, err := Kind([]byte(bad)); err == nil {
			t.Errorf("%q: got type %q", bad, got)
		}
	}
}

func TestRead(t *testing.T) {
	long := strings.Repeat("y", MaxBytes)
	r := bufio.NewReader(strings.NewReader("a\r\n\n" + long + "\nlast"))
	for _, want := range []string{"a", "", long, "last"} {
		got, err := Read(r)
		if err != nil || string(got) != want {
			t.Fatalf("got %d bytes, %v, want %d", len(got), err, len(want))
		}
	}
	if _, err := Read(r); !errors.Is(err, io.EOF) {
		t.Errorf("after the last line: %v", err)
	}
	r = bufio.NewReader(bytes.NewReader(bytes.Repeat([]byte("z"), MaxBytes+2)))
	if got, err := Read(r); !errors.Is(err, ErrTooLong) || len(got) != MaxBytes {
		t.Errorf("over the cap: got %d bytes, %v", len(got), err)
	}
}
