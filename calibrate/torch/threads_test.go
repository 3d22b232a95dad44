package torch

import (
	"slices"
	"testing"
)

func TestOtherThreads(t *testing.T) {
	for _, c := range []struct {
		choice, most, sequences int
		want                    []int
	}{
		{2, 2, 16, []int{1}},
		{16, 32, 8, []int{32, 8, 1}},
		{16, 16, 1, []int{1}},
		{1, 1, 4, []int{}},
	} {
		if got := otherThreads(c.choice, c.most, c.sequences); !slices.Equal(got, c.want) {
			t.Errorf("choice %d of %d, %d sequences: %v, want %v", c.choice, c.most, c.sequences, got, c.want)
		}
	}
}
