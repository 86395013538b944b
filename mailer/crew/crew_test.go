package crew

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/mailer/source"
	"relay/store/spool"
	"relay/store/spooled"
)

func newCrew(connections int) *Crew {
	var cfg atomic.Pointer[settings.Config]
	cfg.Store(&settings.Config{Connections: connections})
	return New(&cfg)
}

func newSite() *site.Site {
	t := site.New(&site.Place{}, site.NewOrigin(&source.Source{}))
	t.Limit = 1000
	return t
}

func jobOf(account string) *attempt.Job {
	return &attempt.Job{Message: &spooled.Message{Account: account}}
}

// hire gives an account a connection.
func (c *Crew) hire(t *site.Site, account string) *site.Hand {
	w := &site.Hand{Worker: &attempt.Worker{Jobs: make(chan *attempt.Job, 1)}, Site: t, Hired: time.Now()}
	c.Hire(w, jobOf(account))
	<-w.Jobs
	return w
}

// One account leaves a quarter of the connections to others, and several leave some as long as
// one is free.
func TestCrew_Within(t *testing.T) {
	c, hop := newCrew(100), newSite()
	n := 0
	for ; c.Within("one"); n++ {
		c.hire(hop, "one")
	}
	if n != 75 {
		t.Errorf("one account has %d of 100 connections, want 75", n)
	}
	for i := range 50 {
		if account := fmt.Sprint("many", i); c.Within(account) {
			c.hire(hop, account)
		}
	}
	if !c.Full() || c.Within("another") || !c.Modest("another") || c.Modest("one") {
		t.Errorf("%d connections; another may have one: %v", c.Connections(), c.Within("another"))
	}
}

// A site without connections is longed for in the turns of the accounts that have mail there.
func TestCrew_Longing(t *testing.T) {
	c, busy, idle := newCrew(1), newSite(), newSite()
	w := c.hire(busy, "one")
	idle.Queue.Push("two", jobOf("two"))
	if stuck := c.Stuck(idle); stuck == nil || !stuck("two") || stuck("one") {
		t.Error("the job that waits for a connection is not stuck")
	}
	c.Await(idle)
	if got := c.Waiting(time.Now()); !slices.Equal(got, []string{"two"}) {
		t.Errorf("%v wait, want two", got)
	}
	if _, got := c.NextWaiting(); got != nil {
		t.Error("a site has its turn though no connection is free")
	}
	if !c.Yields(w, 1) {
		t.Error("a connection without a further job does not make room")
	}
	c.Gone(w)
	if account, got := c.NextWaiting(); account != "two" || got != idle || idle.Waiting != nil {
		t.Errorf("%s has its turn, want two", account)
	}
	if !c.Empty() {
		t.Errorf("left: %+v", c.View(time.Now()))
	}
}

// A worker that waits ends where another site wants its connection, and one that has a job
// on its way does not.
func TestCrew_Dismiss(t *testing.T) {
	c, hop, other := newCrew(2), newSite(), newSite()
	a, b := c.hire(hop, "one"), c.hire(hop, "one")
	for _, w := range []*site.Hand{a, b} {
		c.Release(w)
		c.Park(w)
	}
	if c.Assign(c.Unpark(hop), jobOf("one")); b.Job == nil {
		t.Error("the worker that waited for the shortest time has no job")
	}
	c.Dismiss(b)
	if _, open := <-b.Jobs; !open {
		t.Error("a worker that has a job was ended")
	}
	other.Queue.Push("two", jobOf("two"))
	c.Await(other)
	if _, open := <-a.Jobs; open || len(hop.Idle) != 0 {
		t.Error("the worker that waits goes on, though another site wants its connection")
	}
}

// The store is told of attempts that last, once.
func TestCrew_Dialled(t *testing.T) {
	c, hop := newCrew(10), newSite()
	w := c.hire(hop, "one")
	w.Job.Claims = []spool.Claimed{{}}
	if list := c.Dialled(); list != nil || c.Next().IsZero() {
		t.Errorf("%d claims are told of at once, the next look is at %v", len(list), c.Next())
	}
	w.Since, c.noteAt = w.Since.Add(-noteEvery), c.noteAt.Add(-noteEvery)
	if list := c.Dialled(); len(list) != 1 || !c.noting {
		t.Errorf("%d claims are told of, want 1", len(list))
	}
	c.Noted()
	if list := c.Dialled(); list != nil || !c.Next().IsZero() {
		t.Errorf("%d claims are told of again", len(list))
	}
}
