package turns

import (
	"fmt"
	"testing"
)

func TestRota(t *testing.T) {
	var r Rota[int]
	for i := range 3 {
		r.Push("a", i)
	}
	r.Push("b", 10)
	r.Unshift("b", 9)
	r.Push("c", 20)
	var got []string
	next := func(account string, v int, ok bool) {
		got = append(got, fmt.Sprint(account, v, ok))
	}
	next(r.PopIf(func(a string) bool { return a == "b" }))
	v, ok := r.PopOf("c")
	next("c", v, ok)
	v, ok = r.PopOf("c")
	next("c", v, ok)
	next(r.PopIf(func(string) bool { return false }))
	account, v := r.Pop()
	next(account, v, true)
	if n := r.Len(); n != 3 || r.Count("a")+r.Count("b") != 3 || r.Has("c") || r.Count("c") != 0 {
		t.Errorf("%d left, %d of a, %d of b", n, r.Count("a"), r.Count("b"))
	}
	if all := r.Take(); len(all) != 3 || r.Len() != 0 || r.Has("a") || r.turns.Len() != 0 {
		t.Errorf("took %v", all)
	}
	if want := "[b9 true c20 true c0 false 0 false a0 true]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// While all that wait may not, each keeps its place.
func TestRota_popIfKeepsTurns(t *testing.T) {
	var r Rota[int]
	for i, a := range []string{"a", "b", "c", "d"} {
		r.Push(a, i)
	}
	for range 3 {
		if _, _, ok := r.PopIf(func(string) bool { return false }); ok {
			t.Fatal("popped what may not")
		}
	}
	if a, _ := r.Pop(); a != "a" {
		t.Errorf("%s is next, want a", a)
	}
}
