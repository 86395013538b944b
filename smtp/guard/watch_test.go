package guard

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"relay/smtp/wire"
)

func mark(s string) [sha256.Size]byte { return sha256.Sum256([]byte(s)) }

// However many addresses and names fail, memory is bounded, and who is banned is
// the last to be forgotten.
func TestWatch_bounded(t *testing.T) {
	w := watch[int]{of: make(map[int]*offender)}
	now := time.Now()
	w.failed(-1, mark("x"), 1, time.Hour, now)
	for i := range maxOffenders * 2 {
		w.failed(i, mark("x"), 5, time.Hour, now.Add(time.Duration(i)))
	}
	if len(w.of) > maxOffenders {
		t.Errorf("%d are remembered", len(w.of))
	}
	if w.until(-1, now).IsZero() {
		t.Error("the one that is banned was forgotten")
	}
	for i := range 2 * maxMarks {
		w.failed(0, mark(fmt.Sprint(i)), wire.NoLimit, time.Hour, now)
	}
	if n := len(w.of[0].failed); n > maxMarks {
		t.Errorf("%d logins of one are told apart", n)
	}
	if !w.until(0, now).IsZero() {
		t.Error("banned without a limit")
	}
}

// Bans can all be in force: then any is forgotten.
func TestWatch_boundedBans(t *testing.T) {
	w := watch[int]{of: make(map[int]*offender)}
	now := time.Now()
	for i := range maxOffenders + 10 {
		w.failed(i, mark("x"), 1, time.Hour, now)
	}
	if len(w.of) > maxOffenders {
		t.Errorf("%d are remembered", len(w.of))
	}
}

// Wrong logins count for BanTime, each from its own time: guesses that drip in
// must not lock a customer out for ever.
func TestWatch_window(t *testing.T) {
	w := watch[string]{of: make(map[string]*offender)}
	now := time.Now()
	try := func(password string) Failure {
		return w.failed("acme", mark(password), 3, 15*time.Minute, now)
	}
	for i := range 100 {
		if f := try(fmt.Sprint(i)); f.Begins || f.Failed > 2 {
			t.Fatalf("after %d: %+v", i, f)
		}
		now = now.Add(8 * time.Minute)
	}
	now = now.Add(time.Hour)
	for i, want := range []Failure{{Failed: 1}, {Failed: 1, Again: true}, {Failed: 2}} {
		if got := try([]string{"a", "a", "b"}[i]); got != want {
			t.Errorf("%d: %+v, want %+v", i, got, want)
		}
	}
	if f := try("c"); !f.Begins || f.Failed != 3 {
		t.Errorf("three within the time: %+v", f)
	}
}
