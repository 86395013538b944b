package jobs

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// What was due at an instant, and nothing else.
func TestRunner_Close(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	st := openAt(t, func() time.Time { return now })
	for _, name := range []string{"a", "b"} {
		if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name}, Plan: quota.Builtin()[0], Activate: true}); err != nil {
			t.Fatal(err)
		}
	}
	now = time.Date(2027, 2, 10, 9, 0, 0, 0, time.UTC)
	r, _ := runner(st, Config{})
	for _, c := range []struct {
		at                time.Time
		accounts, periods int
	}{
		{time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC), 0, 0},
		{time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), 2, 2},
		{time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), 0, 0},
		{now.AddDate(1, 0, 0), 2, 4}, // now at most
	} {
		is, err := r.Close(t.Context(), c.at)
		if err != nil || is.Accounts != c.accounts || is.Periods != c.periods {
			t.Errorf("at %v: %+v, %v; want %d accounts, %d periods", c.at, is, err, c.accounts, c.periods)
		}
	}
	verify(t, st)
}

// A close that is told to end begins no other account, and leaves them to the next one.
func TestRunner_Close_interrupted(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	st := openAt(t, func() time.Time { return now })
	if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "a"}, Plan: quota.Builtin()[0], Activate: true}); err != nil {
		t.Fatal(err)
	}
	now = now.AddDate(0, 1, 0)
	r, log := runner(st, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.runClose(ctx)
	log.mustMatch(t, "close interrupted")
	for range 200 { // whichever of its goroutines is there first
		if v, err := r.Close(ctx, now); err == nil || v.Accounts != 0 {
			t.Fatalf("told to end, it came to %+v, %v", v, err)
		}
	}
	if state, err := st.Jobs.State(Close); err != nil || !state.Done.IsZero() {
		t.Errorf("%+v, %v: it is not done", state, err)
	}
	r.runClose(t.Context())
	log.mustMatch(t, `msg="month closed" accounts=1 periods=1 invoices=0 failed=0`)
}

// Messages are accepted while the month turns and is being closed: each is charged
// once, in one of the two.
func TestRunner_Close_whileAccepting(t *testing.T) {
	turn := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	var clock atomic.Int64
	set := func(at time.Time) { clock.Store(at.UnixNano()) }
	set(turn.Add(-time.Hour))
	st := openAt(t, func() time.Time { return time.Unix(0, clock.Load()).UTC() })
	free := quota.Plan{Name: "free", Term: quota.Year, Bandwidth: 10_000, Emails: 100_000, Recipients: 100, CreditStep: 500_000,
		Blocks: []quota.Block{{Bytes: 1_000_000, Price: 12_00}, {Bytes: 2_000_000, Price: 20_00}, {Bytes: 5_000_000, Price: 45_00}}}
	names := []string{"a", "b", "c"}
	for _, name := range names {
		if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name, AtLimit: quota.Continue}, Plan: free}); err != nil {
			t.Fatal(err)
		}
	}
	set(turn.Add(-time.Millisecond))
	r, _ := runner(st, Config{})
	const senders, each, octets = 6, 60, 1000
	var sent atomic.Int64
	var senderGroup, closing sync.WaitGroup
	over, turned := make(chan struct{}), make(chan struct{})
	var begun sync.WaitGroup
	begun.Add(senders)
	closing.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				r.runClose(t.Context())
			}
		}
	})
	for i := range senders {
		senderGroup.Go(func() {
			for n := range each {
				if n == each-1 { // each account sends in both months, however the machine shares its time out
					<-turned
				}
				send(t, st, names[i%len(names)], octets)
				if n == 0 {
					begun.Done()
					begun.Wait()
				}
				if sent.Add(1) == senders*each/2 {
					set(turn)
					close(turned)
				}
			}
		})
	}
	senderGroup.Wait()
	close(over)
	closing.Wait()
	verify(t, st)
	set(turn.AddDate(0, 1, 0))
	r.runClose(t.Context())
	for _, name := range names {
		var used, charged [2]int64
		closedTimes := 0
		for i, month := range []string{"2026-11", "2026-12"} {
			u, err := st.Standings.Usage(name, month)
			if err != nil || u.Today != (quota.Charge{}) {
				t.Errorf("%s %s: %+v, %v", name, month, u, err)
			}
			used[i] = u.Charged.Bytes
			err = st.Books.Ledger(name, func(e *ledger.Entry) error {
				if e.Period == month && e.Kind == ledger.KindCharge {
					charged[i] += e.Bytes
				}
				if e.Period == month && e.Kind == ledger.KindClosed {
					closedTimes++
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if used != charged || used[0] == 0 || used[1] == 0 || used[0]+used[1] != senders/3*each*octets || closedTimes != 2 {
			t.Errorf("%s: used %v, charged %v, closed %d times; %d were accepted", name, used, charged, closedTimes, senders/3*each*octets)
		}
	}
	verify(t, st)
}
