package spool

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/room/roomtest"
	"relay/store/spooled"
)

// states of the open claims, in the order of their messages.
func (f *fixture) openClaims() (states string) {
	f.Helper()
	f.check(f.view(func(t *Tx) error {
		c := t.Cursor(bucket.Claims)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			states += string(raw[:1])
		}
		return nil
	}))
	return states
}

// want proves of a recipient how often it was tried, and when it is tried next.
func (f *fixture) want(what string, r spooled.Recipient, tries int, next time.Time) {
	f.Helper()
	if r.Tries != tries || !r.Next.Equal(next) {
		f.Errorf("%s: tried %d times, next %v; want %d, %v", what, r.Tries, r.Next, tries, next)
	}
}

// A claim that lasts longer than until its next try is handed out again. That counts no try, and the wait
// does not grow by it. Given back, the mail is due as it came.
func TestSpool_Claim_renewed(t *testing.T) {
	f := open(t)
	begin := f.Now()
	m := f.queue("acme", "x@a.test")
	for range 20 {
		f.claimOne("acme", "a.test")
		if list := f.claim("acme", "a.test", 1); len(list) > 0 {
			t.Fatalf("claimed twice: %+v", list)
		}
		f.want("claimed", f.is(m.ID).Recipients[0], 0, f.Now().Add(5*time.Minute))
		f.db.Pass(5*time.Minute + time.Second)
	}
	f.check(f.Return([]Claimed{f.claimOne("acme", "a.test")}))
	f.want("given back", f.is(m.ID).Recipients[0], 0, begin)
	if list := f.claim("acme", "a.test", 1); len(list) != 1 || f.openClaims() != "w" {
		t.Errorf("after it was given back %+v are claimed", list)
	}
}

// One transaction claims in several lanes, of each as much as is asked for, the earliest first.
func TestSpool_Claim_lanes(t *testing.T) {
	f := open(t)
	var ids []spooled.ID
	for range 5 {
		f.db.Pass(time.Second)
		ids = append(ids, f.queue("acme", "x@a.test", "y@b.test").ID)
	}
	f.queue("other", "z@a.test")
	want := []Want{{spooled.Lane{Domain: "a.test", Account: "acme"}, 2}, {spooled.Lane{Domain: "b.test", Account: "acme"}, 9}, {spooled.Lane{Domain: "c.test", Account: "acme"}, 9}}
	list, err := f.Claim(want, f.later)
	f.check(err)
	var got []string
	for _, c := range list {
		got = append(got, fmt.Sprint(slices.Index(ids, c.Message.ID), c.Domain, c.Rcpts))
	}
	if ready := f.TakeReady(9); len(f.claim("acme", "a.test", 9)) != 3 || len(f.claim("acme", "a.test", 9)) != 0 || len(f.TakeReady(9)) > 0 {
		t.Errorf("announced were %v; then more is claimed, or announced, than is due", ready)
	}
	if want := []string{"0a.test[0]", "1a.test[0]", "0b.test[1]", "1b.test[1]", "2b.test[1]", "3b.test[1]", "4b.test[1]"}; !slices.Equal(got, want) {
		t.Errorf("claimed %q, want %q", got, want)
	}
}

// Of a message that is gone a claim ends without a word, and those behind it are given back all the same.
func TestSpool_Return_gone(t *testing.T) {
	f := open(t)
	m := f.queue("acme", "x@a.test")
	f.queue("acme", "y@a.test")
	list := f.claim("acme", "a.test", 2)
	_, _, err := f.Change(OpDrop, []spooled.ID{m.ID})
	f.check(err)
	f.audit()
	f.check(f.Dialled(list[:1])) // whoever has it does not know
	f.check(f.Return(list))
	if again := f.claimOne("acme", "a.test"); again.Message.ID == m.ID || f.openClaims() != "w" {
		t.Errorf("claimed %+v, open are %q", again, f.openClaims())
	}
	f.kill()
}

// A kill delays nothing that nobody has dialled for, however often it was tried before. What was dialled
// for keeps its next try, and that try counts.
func TestSpool_ReleaseClaims(t *testing.T) {
	f := open(t)
	waits, dialled := f.queue("acme", "x@a.test"), f.queue("acme", "x@b.test")
	for range 8 {
		f.settle(spooled.Deferred, f.claimOne("acme", "a.test"), f.claimOne("acme", "b.test"))
		f.db.Pass(6 * time.Hour)
	}
	due := f.is(waits.ID).Recipients[0].Next
	f.claimOne("acme", "a.test")
	f.check(f.Dialled([]Claimed{f.claimOne("acme", "b.test")}))
	next := f.Now().Add(45 * time.Minute)
	f.db.Pass(time.Second)
	f.kill()
	f.want("not dialled for", f.is(waits.ID).Recipients[0], 8, due)
	f.want("dialled for", f.is(dialled.ID).Recipients[0], 9, next)
	if got := f.openClaims(); got != "r" {
		t.Errorf("open are %q", got)
	}
}

// What a start has released is dialled for after that is noted. So what ends relay each time that it is
// tried is not tried at each start.
func TestSpool_ReleaseClaims_again(t *testing.T) {
	f := open(t)
	f.queue("acme", "x@a.test")
	if c := f.claimOne("acme", "a.test"); c.Again {
		t.Error("claimed for the first time, and marked")
	}
	for range 3 { // before anybody has dialled: due at once each time
		f.kill()
		if c := f.claimOne("acme", "a.test"); !c.Again || c.Message.Recipients[0].Tries != 0 {
			t.Fatalf("after a kill: %+v, want it marked, and never tried", c)
		}
	}
	f.db.Pass(6 * time.Minute)
	c := f.claimOne("acme", "a.test")
	if !c.Again {
		t.Fatalf("renewed: %+v, want the mark", c)
	}
	f.check(f.Dialled([]Claimed{c}))
	f.kill()
	if list := f.claim("acme", "a.test", 1); len(list) > 0 {
		t.Error("dialled for, killed, and due at once")
	}
	f.db.Pass(time.Hour)
	if c := f.claimOne("acme", "a.test"); c.Again {
		t.Error("after an attempt it is still marked")
	}
}

// A start releases what was in hand, in steps, and no more than once.
func TestSpool_ReleaseClaims_many(t *testing.T) {
	f := open(t)
	const n = 2*claimsStep + 10
	for range n {
		f.queue("acme", "x@a.test")
	}
	f.queue("acme", "x@b.test")
	f.check(f.Dialled(f.claim("acme", "a.test", n)[:100]))
	f.kill()
	if list := f.claim("acme", "a.test", n); len(list) != n-100 {
		t.Errorf("%d are due after a kill, want %d", len(list), n-100)
	}
	before, _ := f.db.Engine().Commits()
	f.check(f.ReleaseClaims())
	f.check(f.ReleaseClaims())
	if after, _ := f.db.Engine().Commits(); after-before != (n-100)/claimsStep+1 {
		t.Errorf("%d commits", after-before)
	}
}

// Of the recipients at a domain a kill concerns those that were claimed. Others keep their time and tries.
func TestSpool_ReleaseClaims_others(t *testing.T) {
	for _, dialled := range []bool{false, true} {
		f := open(t)
		m := f.queue("acme", "x@a.test", "y@a.test")
		f.settle(spooled.Deferred, f.claimOne("acme", "a.test"))
		next := f.is(m.ID).Recipients[1].Next
		f.db.Pass(time.Second)
		_, err := f.Operate(Operation{Op: OpRetry, Of: &spooled.Filter{Recipient: "x@a.test"}}, []spooled.ID{m.ID})
		f.check(err)
		c, at := f.claimOne("acme", "a.test"), f.Now()
		if !slices.Equal(c.Rcpts, []int{0}) {
			t.Fatalf("claimed %v", c.Rcpts)
		}
		tries := 1
		if dialled {
			f.check(f.Dialled([]Claimed{c}))
			tries, at = 2, at.Add(10*time.Minute)
		}
		f.kill()
		f.want("claimed", f.is(m.ID).Recipients[0], tries, at)
		f.want("not claimed", f.is(m.ID).Recipients[1], 1, next)
	}
}

// Claims of a relay that did not note the next try are released for all recipients at the domain. An
// entry that cannot be read stops the start.
func TestSpool_ReleaseClaims_old(t *testing.T) {
	f := begin(t, roomtest.Open)
	m := f.queue("acme", "x@a.test", "y@a.test")
	f.claimOne("acme", "a.test")
	key := spooled.ClaimKey(m.ID, "a.test")
	cut := func(n int) {
		f.do(func(t *Tx) error { return t.Put(bucket.Claims, key, slices.Clone(t.Get(bucket.Claims, key)[:n])) })
	}
	cut(9)
	f.kill()
	if c := f.claimOne("acme", "a.test"); len(c.Rcpts) != 2 || !c.Again {
		t.Errorf("claimed %+v, want both, marked", c)
	}
	cut(5)
	if err := f.ReleaseClaims(); err == nil {
		t.Error("an entry that cannot be read is released")
	}
}

// An attempt goes on at the next host with those whom the first one did not take. A kill then is one
// within an attempt: it counts for those, and they wait for their next try.
func TestSpool_Settle_open(t *testing.T) {
	f := open(t)
	m := f.queue("acme", "x@a.test", "y@a.test")
	c := f.claimOne("acme", "a.test")
	part := result(c, Outcome{State: spooled.Delivered})
	part.Open, part.Outcomes = true, part.Outcomes[:1]
	f.check(f.Settle(part))
	if got := f.openClaims(); got != "d" {
		t.Errorf("open are %q", got)
	}
	f.db.Pass(5*time.Minute + time.Second)
	f.claimOne("acme", "a.test") // the attempt lasts
	f.kill()
	f.want("killed in an attempt", f.is(m.ID).Recipients[1], 1, f.Now().Add(5*time.Minute))
	f.settle(spooled.Deferred, c)
	if got := f.openClaims(); got != "" {
		t.Errorf("after the attempt are open %q", got)
	}
	m2 := f.queue("acme", "x@a.test", "z@b.test")
	whole := result(f.claimOne("acme", "a.test"), Outcome{State: spooled.Delivered})
	whole.Open = true
	f.check(f.Settle(whole))
	if got := f.openClaims(); got != "" || len(f.is(m2.ID).Domains()) != 1 {
		t.Errorf("with nobody left there, open are %q", got)
	}
	f.settle(spooled.Delivered, f.claimOne("acme", "b.test"))
	part.Outcomes[0].Rcpt = 1
	f.check(f.Settle(part)) // nobody is left
	if list := f.all(); len(list) > 0 {
		t.Errorf("left are %+v", list)
	}
}

// Those that are left of an attempt go together again: at the earliest of their times, with the most tries.
func TestSpool_Settle_together(t *testing.T) {
	f := open(t)
	m := f.queue("acme", "x@a.test", "y@a.test", "z@a.test")
	c := f.claimOne("acme", "a.test")
	r := result(c, Outcome{State: spooled.Deferred})
	r.Outcomes[1].Next = f.Now().Add(time.Minute)
	r.Outcomes[2].State = spooled.Failed
	f.check(f.Settle(r))
	for i := range 2 {
		f.want(fmt.Sprint("recipient ", i), f.is(m.ID).Recipients[i], 1, f.Now().Add(time.Minute))
	}
	f.db.Pass(time.Minute)
	if c := f.claimOne("acme", "a.test"); !slices.Equal(c.Rcpts, []int{0, 1}) {
		t.Errorf("claimed %v", c.Rcpts)
	}
}
