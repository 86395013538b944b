package mailer

import (
	"fmt"
	"testing"
)

func TestRota(t *testing.T) {
	var r rota[int]
	for i := range 3 {
		r.push("a", i)
	}
	r.push("b", 10)
	r.unshift("b", 9)
	r.push("c", 20)
	var got []string
	next := func(account string, v int, ok bool) {
		got = append(got, fmt.Sprint(account, v, ok))
	}
	next(r.popIf(func(a string) bool { return a == "b" }))
	v, ok := r.popOf("c")
	next("c", v, ok)
	v, ok = r.popOf("c")
	next("c", v, ok)
	next(r.popIf(func(string) bool { return false }))
	account, v := r.pop()
	next(account, v, true)
	if n := r.len(); n != 3 || r.count("a")+r.count("b") != 3 || r.has("c") || r.count("c") != 0 {
		t.Errorf("%d left, %d of a, %d of b", n, r.count("a"), r.count("b"))
	}
	if all := r.take(); len(all) != 3 || r.len() != 0 || r.has("a") || r.turns.len() != 0 {
		t.Errorf("took %v", all)
	}
	if want := "[b9 true c20 true c0 false 0 false a0 true]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// While all that wait may not, each keeps its place.
func TestRota_popIfKeepsTurns(t *testing.T) {
	var r rota[int]
	for i, a := range []string{"a", "b", "c", "d"} {
		r.push(a, i)
	}
	for range 3 {
		if _, _, ok := r.popIf(func(string) bool { return false }); ok {
			t.Fatal("popped what may not")
		}
	}
	if a, _ := r.pop(); a != "a" {
		t.Errorf("%s is next, want a", a)
	}
}
