package beside

import (
	"testing"
	"testing/synctest"
)

// All that was told reaches the owner, also what is told when something ends.
func TestWork_End(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, sum, steps := New(), 0, 0
		for i := range 3 * mostTold {
			w.Do(func() { w.Tell(func() { sum += i }) })
		}
		w.Do(func() { w.Tell(func() { w.Do(func() { w.Tell(func() { sum++ }) }) }) })
		synctest.Wait()
		w.More(10)
		w.End(func() { steps++ })
		n := 3 * mostTold
		if want := n*(n-1)/2 + 1; sum != want || w.Running() || steps != 2*(n+2)-10 {
			t.Errorf("the sum is %d, want %d; %d steps, running %v", sum, want, steps, w.Running())
		}
	})
}

// More does not wait.
func TestWork_More(t *testing.T) {
	w, ran := New(), 0
	for range 5 {
		w.Tell(func() { ran++ })
	}
	if w.More(3); ran != 3 {
		t.Errorf("%d ran, want 3", ran)
	}
	if w.More(10); ran != 5 || w.Running() {
		t.Errorf("%d ran, want 5", ran)
	}
}
