package store

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// killed is the store as a kill at this moment leaves it, opened again.
func killed(t *testing.T, s *Store, c *clock) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "killed.db")
	if err := killedAs(path, s.path); err != nil {
		t.Fatal(err)
	}
	k := reopen(t, path, c)
	t.Cleanup(func() {
		verify(t, k)
		_ = k.Close()
	})
	return k
}

// What waits for a connection longer than its claim lasts is claimed again: that
// counts no try, and the wait does not grow by it.
func TestClaim_renewedCountsNoTry(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "x@a.test")
	var got []spool.Claimed
	for range 20 {
		if got = claim(t, s, "a.test", "acme", 1); len(got) != 1 {
			t.Fatal("not due when its claim was over")
		}
		c.add(5*time.Minute + time.Second)
	}
	is, _ := s.Spool.QueueMessage(m.ID)
	if r := is.Recipients[0]; r.Tries != 0 {
		t.Errorf("%d tries of what nobody has dialled for", r.Tries)
	}
	verify(t, s)
	if err := s.Spool.Return(got); err != nil {
		t.Fatal(err)
	}
	is, _ = s.Spool.QueueMessage(m.ID)
	if r := is.Recipients[0]; r.Tries != 0 || !r.Next.Equal(is.Accepted.Truncate(time.Millisecond)) {
		t.Errorf("given back: %d tries, next %v, want it as it came", r.Tries, r.Next)
	}
}

// A kill while mail waits for a connection delays none of it, however often it was
// tried before; what was dialled for keeps its next try.
func TestOpen_releasesClaimsThatWaited(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	waits, dialled := accept(t, s, "acme", 100, "x@a.test"), accept(t, s, "acme", 100, "x@b.test")
	for _, d := range []string{"a.test", "b.test"} {
		for range 8 { // six hours until the next one
			c.add(6 * time.Hour)
			for _, one := range claim(t, s, d, "acme", 1) {
				settle(t, s, one, spooled.Deferred)
			}
		}
	}
	c.add(6 * time.Hour)
	now := c.now()
	claim(t, s, "a.test", "acme", 1)
	if err := s.Spool.Dialled(claim(t, s, "b.test", "acme", 1)); err != nil {
		t.Fatal(err)
	}
	c.add(time.Second)

	k := killed(t, s, c)
	is, _ := k.Spool.QueueMessage(waits.ID)
	if r := is.Recipients[0]; r.Tries != 8 || r.Next.After(now) {
		t.Errorf("not dialled for: %d tries, next %v, want 8 and due since %v", r.Tries, r.Next, now)
	}
	is, _ = k.Spool.QueueMessage(dialled.ID)
	if r := is.Recipients[0]; r.Tries != 9 || !r.Next.Equal(now.Add(45*time.Minute)) {
		t.Errorf("dialled for: %d tries, next %v, want 9 and the next try that was stored", r.Tries, r.Next)
	}
}

// What was released at one start is dialled for after the store has noted it, so
// that what ends relay each time it is tried is not tried at each start.
func TestOpen_releasesWithAMark(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	accept(t, s, "acme", 100, "x@a.test")
	if got := claim(t, s, "a.test", "acme", 1); got[0].Again {
		t.Error("claimed for the first time, and marked")
	}
	for range 3 { // killed before anybody dialled: due at once each time
		s = killed(t, s, c)
		got := claim(t, s, "a.test", "acme", 1)
		if len(got) != 1 || !got[0].Again || got[0].Message.Recipients[0].Tries != 0 {
			t.Fatalf("after a kill: %+v, want it due, marked, and never tried", got)
		}
		verify(t, s)
	}
	c.add(6 * time.Minute)
	got := claim(t, s, "a.test", "acme", 1)
	if len(got) != 1 || !got[0].Again {
		t.Fatalf("claimed while it waits: %+v, want the mark", got)
	}
	if err := s.Spool.Dialled(got); err != nil {
		t.Fatal(err)
	}
	if k := killed(t, s, c); len(claim(t, k, "a.test", "acme", 1)) != 0 {
		t.Error("dialled for, killed, and due at once")
	}
	settle(t, s, got[0], spooled.Deferred)
	c.add(time.Hour)
	if got = claim(t, s, "a.test", "acme", 1); len(got) != 1 || got[0].Again {
		t.Errorf("after an attempt: %+v, want no mark", got)
	}
}

// A claim ends with the mail that it is of.
func TestChange_dropEndsClaims(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "x@a.test", "y@b.test")
	got := claim(t, s, "a.test", "acme", 1)
	if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{m.ID}); err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	if err := s.Spool.Dialled(got); err != nil { // the worker did not know
		t.Fatal(err)
	}
	killed(t, s, c)
	verify(t, s)
}

// What a start has to release is what was in hand, however much waits.
func TestOpen_releasesMany(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	const n = 2*256 + 10
	for range n {
		accept(t, s, "acme", 10, "x@a.test")
	}
	got := claim(t, s, "a.test", "acme", n)
	if err := s.Spool.Dialled(got[:100]); err != nil {
		t.Fatal(err)
	}
	k := killed(t, s, c)
	if again := claim(t, k, "a.test", "acme", n); len(again) != n-100 {
		t.Errorf("%d due after a kill, want %d", len(again), n-100)
	}
}

// An attempt goes on at the next host with whom the first did not take. However long
// that takes, a kill then is one in an attempt: it counts for those, and they wait for
// their next try.
func TestSettle_openKeepsTheClaim(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "x@a.test", "y@a.test")
	got := claim(t, s, "a.test", "acme", 1)
	part := spool.Result{ID: m.ID, Domain: "a.test", Open: true, Event: trace.Event{Kind: trace.EventAttempt},
		Outcomes: []spool.Outcome{{Rcpt: 0, State: spooled.Delivered, Reply: "250 ok"}}}
	if err := s.Spool.Settle(part); err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	c.add(5*time.Minute + time.Second)
	if again := claim(t, s, "a.test", "acme", 1); len(again) != 1 { // the attempt lasts
		t.Fatal("not due when its claim was over")
	}
	k := killed(t, s, c)
	is, _ := k.Spool.QueueMessage(m.ID)
	if r := is.Recipients[1]; r.Tries != 1 || !r.Next.After(c.now()) {
		t.Errorf("killed in an attempt: %d tries, next %v at %v, want 1 and a wait", r.Tries, r.Next, c.now())
	}
	settle(t, s, got[0], spooled.Deferred)
	if k := killed(t, s, c); len(openClaimsOf(t, k)) != 0 {
		t.Error("the claim is open after the attempt")
	}
	part.Outcomes[0].Rcpt = 1 // nobody is left
	if err := s.Spool.Settle(part); err != nil {
		t.Fatal(err)
	}
	verify(t, s)
}

func openClaimsOf(t *testing.T, s *Store) (keys [][]byte) {
	t.Helper()
	err := s.view(func(t *tx) error {
		c := t.Cursor(bucket.Claims)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			if spooled.ReadClaim(raw).State != spooled.ClaimReleased {
				keys = append(keys, slices.Clone(k))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Of the recipients at a domain a kill concerns those that were claimed: others keep
// their time and their tries.
func TestOpen_releasesWhoWasClaimed(t *testing.T) {
	for _, dialled := range []bool{false, true} {
		s, c := newStore(t)
		addAccount(t, s, "acme", quota.Plan{})
		m := accept(t, s, "acme", 100, "x@a.test", "y@a.test")
		settle(t, s, claim(t, s, "a.test", "acme", 1)[0], spooled.Deferred)
		before, _ := s.Spool.QueueMessage(m.ID)
		c.add(time.Second)
		if _, err := s.Spool.Operate(spool.Operation{Op: spool.OpRetry, Of: &spooled.Filter{Recipient: "x@a.test"}}, []spooled.ID{m.ID}); err != nil {
			t.Fatal(err)
		}
		got := claim(t, s, "a.test", "acme", 1)
		if len(got) != 1 || len(got[0].Rcpts) != 1 {
			t.Fatalf("claimed %+v, want one recipient", got)
		}
		if dialled {
			if err := s.Spool.Dialled(got); err != nil {
				t.Fatal(err)
			}
		}
		is, _ := killed(t, s, c).Spool.QueueMessage(m.ID)
		if x, y, was := is.Recipients[0], is.Recipients[1], before.Recipients[1]; y.Tries != was.Tries || !y.Next.Equal(was.Next) || (x.Tries == 2) != dialled {
			t.Errorf("dialled %v: the one tried %d times, the other %d, next %v; want it as it was: %d, %v",
				dialled, x.Tries, y.Tries, y.Next, was.Tries, was.Next)
		}
	}
}

// A store of a relay whose claims did not say when they are due next opens, and
// releases them for all recipients at the domain.
func TestOpen_releasesOldClaims(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "x@a.test", "y@a.test")
	claim(t, s, "a.test", "acme", 1)
	err := s.update(0, func(t *tx) error {
		key := spooled.ClaimKey(m.ID, "a.test")
		return t.Put(bucket.Claims, key, t.Get(bucket.Claims, key)[:9])
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := claim(t, killed(t, s, c), "a.test", "acme", 1); len(got) != 1 || len(got[0].Rcpts) != 2 || !got[0].Again {
		t.Errorf("claimed %+v, want both, marked", got)
	}
}
