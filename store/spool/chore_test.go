package spool

import (
	"fmt"
	"slices"
	"testing"

	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/room"
	"relay/store/spooled"
	"relay/store/strangers"
)

// chore is the one that there is.
func (f *fixture) chore() chores.Chore {
	f.Helper()
	var list []chores.Chore
	f.check(f.view(func(t *Tx) (err error) {
		list, err = room.All[chores.Chore](&t.Tx, bucket.Chores, nil)
		return err
	}))
	if len(list) != 1 {
		f.Fatalf("chores %+v, want one", list)
	}
	return list[0]
}

// strangersOf queues a message each to so many recipients that acme never wrote to.
func (f *fixture) strangersOf(n int) {
	f.Helper()
	for i := range n {
		f.queue("acme", fmt.Sprintf("r%d@a.test", i))
	}
}

// deliver delivers all that may go now, and returns how many e-mails.
func (f *fixture) deliver() (n int) {
	f.Helper()
	for {
		f.TakeReady(100)
		list := f.claim("acme", "a.test", 100)
		for _, c := range list {
			n += len(c.Rcpts)
			f.check(f.Settle(result(c, Outcome{State: spooled.Delivered, Mark: strangers.MarkDelivered})))
		}
		if len(list) == 0 && len(f.TakeReady(100)) == 0 {
			return n
		}
	}
}

// replanAll has mail that waits for the cap planned anew.
func (f *fixture) replanAll() {
	f.Helper()
	f.do(func(t *Tx) error {
		return chores.Add(&t.Tx, chores.Chore{Kind: chores.Replan, Account: "acme", Due: t.Wall})
	})
}

// What is over the cap of first sendings waits for its day, over kills. Recipients that are known go at
// once, also behind those that wait, and a retry by the operator lets none through.
func TestSpool_Claim_strangers(t *testing.T) {
	f := open(t)
	f.accounts["acme"].first = 20
	f.strangersOf(20)
	f.TakeReady(9)
	f.queue("acme", "r20@a.test")
	if ready := f.TakeReady(9); len(ready) > 0 {
		t.Errorf("what waits is announced: %v", ready)
	}
	for i := 21; i < 50; i++ {
		f.queue("acme", fmt.Sprintf("r%d@a.test", i))
	}
	sent := 0
	for _, want := range []int{20, 20, 10} {
		f.kill()
		if n := f.deliver(); n != want {
			t.Fatalf("%d went, want %d", n, want)
		}
		sent += want
		m := f.queue("acme", "r0@a.test", "new@a.test")
		if c := f.claimOne("acme", "a.test"); want == 20 && (c.Message.ID != m.ID || !slices.Equal(c.Rcpts, []int{0})) {
			t.Errorf("claimed %+v", c)
		}
		if is := f.operate(Operation{Op: OpRetry, Of: &spooled.Filter{Recipient: "new@a.test"}}, m.ID); want == 20 && len(is.Same) != 1 {
			t.Errorf("retried: %+v", is)
		}
		if _, _, err := f.Change(OpDrop, []spooled.ID{m.ID}); err != nil {
			t.Error(err)
		}
		f.kill()
		f.db.Pass(day)
	}
	if len(f.all()) > 0 || sent != 50 {
		t.Errorf("%d were sent, %d are left", sent, len(f.all()))
	}
}

// A greater cap lets go what waits, in steps, also after a kill.
func TestSpool_Replan(t *testing.T) {
	f := open(t)
	f.accounts["acme"].first = 20
	f.strangersOf(2*replanStep + 30)
	sent := f.deliver()
	f.accounts["acme"].first = 50
	f.replanAll()
	if more, err := f.Chores.Do(); err != nil || !more {
		t.Fatalf("Do = %t, %v", more, err)
	}
	f.kill()
	if rounds := f.doChores(); rounds != 2 {
		t.Errorf("the rest takes %d rounds", rounds)
	}
	if sent += f.deliver(); sent != 50 {
		t.Errorf("%d went on the first day, want 50", sent)
	}
}

// A chore that is stored anew after it was handed out is done from its beginning. One that is done, or
// whose account is gone, does nothing.
func TestSpool_Replan_meanwhile(t *testing.T) {
	f := open(t)
	f.accounts["acme"].first = 20
	f.strangersOf(3 * replanStep)
	sent := f.deliver()
	f.accounts["acme"].first = 21
	f.replanAll()
	if more, err := f.Chores.Do(); err != nil || !more {
		t.Fatalf("Do = %t, %v", more, err)
	}
	half := f.chore()
	f.accounts["acme"].first = strangers.NoCap
	f.replanAll()
	replan := f.doers()[chores.Replan]
	if more, err := replan(half); err != nil || !more {
		t.Errorf("half of one: %t, %v", more, err)
	}
	f.doChores()
	if sent += f.deliver(); sent != 3*replanStep {
		t.Errorf("%d went, want %d", sent, 3*replanStep)
	}
	if more, err := replan(half); err != nil || more {
		t.Errorf("one that is done: %t, %v", more, err)
	}
	f.replanAll()
	was := f.accounts["acme"]
	f.accounts["acme"] = nil
	if rounds := f.doChores(); rounds != 1 || len(f.db.Keys(t, bucket.Chores)) > 0 {
		t.Errorf("of an account that is gone: %d rounds, %q is left", rounds, f.db.Keys(t, bucket.Chores))
	}
	f.accounts["acme"] = was
}
