package smtp

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// An account that sends at its rate is never refused, one that sends faster
// gets a minute's share and then its rate.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates()
		for range 600 {
			if wait := r.message(&taken{account: "steady"}, 60); wait != 0 {
				t.Fatalf("steady waits %v", wait)
			}
			time.Sleep(time.Second)
		}
		sent := 0
		for range 1200 { // ten times as fast for two minutes
			if r.message(&taken{account: "fast"}, 60) == 0 {
				sent++
			}
			time.Sleep(100 * time.Millisecond)
		}
		if sent < 60+119 || sent > 60+120 {
			t.Errorf("%d messages in two minutes", sent)
		}
		if wait := r.message(&taken{account: "other"}, 60); wait != 0 {
			t.Errorf("another account waits %v", wait)
		}
		if wait := r.recipient(&taken{account: "fast"}, 60); wait != 0 {
			t.Errorf("recipients wait %v", wait)
		}
		if r.message(&taken{account: "none"}, 0) != 0 || r.message(&taken{account: "none"}, -1) != 0 || r.of["none"] != nil {
			t.Error("no limit is one")
		}
	})
}

// What a message took and did not use comes back, and no more than that.
func TestRates_giveBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates()
		for range 1000 {
			one := &taken{account: "a"}
			if r.message(one, 7) != 0 || r.recipient(one, 11) != 0 || r.recipient(one, 11) != 0 {
				t.Fatal("given back too little")
			}
			r.giveBack(one)
		}
		n := 0
		for r.message(&taken{account: "a"}, 7) == 0 {
			n++
		}
		if n != 7 {
			t.Errorf("%d messages at once", n)
		}
		r.giveBack(&taken{account: "unknown", messages: hold{of: time.Second, until: time.Now().Add(time.Minute)}})
	})
}

// Messages that are begun and left open save nothing up: what has come back by
// itself is not given back once more.
func TestRates_hoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates()
		var open []*taken
		for range 5 { // minutes
			for range 60 {
				one := &taken{account: "a"}
				if wait := r.message(one, 60); wait != 0 {
					t.Fatalf("waits %v", wait)
				}
				open = append(open, one)
			}
			time.Sleep(time.Minute)
		}
		at := func() (n int) {
			for r.message(&taken{account: "a"}, 60) == 0 {
				n++
			}
			return n
		}
		n := at()
		for _, one := range open {
			r.giveBack(one)
		}
		if n += at(); n != 60 {
			t.Errorf("%d messages at once", n)
		}
	})
}

// Accounts that have everything back are forgotten.
func TestRates_bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates()
		for i := range 10 * sharesKept {
			r.message(&taken{account: fmt.Sprint(i)}, 60)
			time.Sleep(10 * time.Millisecond)
		}
		if len(r.of) > sharesKept+1 {
			t.Errorf("%d accounts are remembered", len(r.of))
		}
	})
}

// Many connections share one rate; who breaks off in the middle of a message
// takes nothing of it.
func TestRates_connections(t *testing.T) {
	bubble(t, setup{cfg: Config{MessagesPerMinute: 2}}, func(t *testing.T, f *fixture) {
		one, two, three := f.dial(Implicit, "192.0.2.1"), f.dial(Implicit, "192.0.2.2"), f.dial(Implicit, "192.0.2.3")
		for _, c := range []*client{one, two, three} {
			c.login()
		}
		one.do("MAIL FROM:<a@b.example>", "250 ")
		two.do("MAIL FROM:<a@b.example>", "250 ")
		three.do("MAIL FROM:<a@b.example>", "450 4.7.1 account acme: more than 2 messages a minute")
		_ = two.conn.Close()
		synctest.Wait()
		three.do("MAIL FROM:<a@b.example>", "250 ", "EHLO again", "250 ", "MAIL FROM:<a@b.example>", "250 ")
		_ = one.conn.Close()
		_ = three.conn.Close()
	})
}
