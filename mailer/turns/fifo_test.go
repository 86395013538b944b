package turns

import (
	"slices"
	"testing"
)

func TestFifo(t *testing.T) {
	var q FIFO[int]
	next := 0
	for i := range 1000 {
		q.Push(i)
		if i%3 > 0 {
			if v := q.Pop(); v != next {
				t.Fatalf("pop = %d, want %d", v, next)
			}
			next++
		}
	}
	q.Unshift(-1)
	if v := q.Pop(); v != -1 {
		t.Errorf("pop after unshift = %d", v)
	}
	if all := slices.Collect(q.All()); len(all) != 1000-next || all[0] != next {
		t.Errorf("%d left from %d", len(all), all[0])
	}
}
