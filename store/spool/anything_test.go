package spool

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/people"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/spooled"
	"relay/store/strangers"
	"relay/store/trace"
)

// anything is an account with a cap of first sendings to which everything happens that may. What mail
// should become is not worked out, only what must hold of it.
type anything struct {
	*fixture
	accepted int64
	claims   []Claimed
	inHand   map[place]bool       // claims that are open, and not released
	until    map[string]time.Time // a recipient of a message that was claimed, until its next try
	sent     map[string]int       // how often it was delivered
	stopped  bool
	spared   map[string]bool // addresses that are suppressed
}

func (a *anything) key(m *spooled.Message, i int) string { return fmt.Sprint(m.ID, " ", i) }

func (a *anything) enqueue(t *rapid.T) {
	var to []string
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 29), 1, 6, rapid.ID).Draw(t, "to") {
		to = append(to, fmt.Sprintf("r%d@d%d.test", n, n%2))
	}
	m := a.message("acme", to...)
	m.Login = rapid.SampledFrom([]string{"phone", "desk"}).Draw(t, "login")
	a.check(a.accept(m))
	a.accepted += int64(len(to))
}

func (a *anything) domain(t *rapid.T) string {
	return fmt.Sprintf("d%d.test", rapid.IntRange(0, 1).Draw(t, "domain"))
}

// take claims, and proves of all that is handed out that it may be tried.
func (a *anything) take(t *rapid.T) {
	for _, c := range a.claim("acme", a.domain(t), rapid.IntRange(1, 4).Draw(t, "most")) {
		if a.stopped {
			t.Fatalf("the account is stopped, and claimed is %+v", c)
		}
		for _, i := range c.Rcpts {
			r, k := &c.Message.Recipients[i], a.key(c.Message, i)
			if r.State.Final() || r.Held || r.Waits() || r.Domain != c.Domain || a.spared[r.Address] && !a.inHand[at(&c)] {
				t.Errorf("claimed %+v of %s", r, c.Domain)
			}
			if a.Now().Before(a.until[k]) {
				t.Errorf("%s is claimed again before %v", k, a.until[k])
			}
			a.until[k] = r.Next
		}
		if len(c.Rcpts) > 0 {
			a.claims = append(a.claims, c)
			a.inHand[at(&c)] = true
		}
	}
}

func at(c *Claimed) place { return place{c.Message.ID, c.Domain} }

// ended forgets a claim.
func (a *anything) ended(c *Claimed) {
	delete(a.inHand, at(c))
	for _, i := range c.Rcpts {
		delete(a.until, a.key(c.Message, i))
	}
}

// hand takes one of the claims in hand.
func (a *anything) hand(t *rapid.T) Claimed {
	if len(a.claims) == 0 {
		t.Skip("nothing is claimed")
	}
	i := rapid.IntRange(0, len(a.claims)-1).Draw(t, "claim")
	c := a.claims[i]
	a.claims = slices.Delete(a.claims, i, i+1)
	return c
}

// end settles attempts at a message, or goes on with it.
func (a *anything) end(t *rapid.T) {
	c := a.hand(t)
	r := Result{ID: c.Message.ID, Domain: c.Domain, Event: trace.Event{Kind: trace.EventAttempt}}
	for _, i := range c.Rcpts {
		o := rapid.SampledFrom([]Outcome{{State: spooled.Delivered, Mark: strangers.MarkDelivered}, {State: spooled.Deferred, Mark: strangers.MarkOther}, {State: spooled.Queued}, failed()}).Draw(t, "outcome")
		o.Rcpt = i
		r.Outcomes = append(r.Outcomes, o)
	}
	a.count(&r)
	a.check(a.Settle(r))
	a.ended(&c)
}

// count the deliveries that a result says of recipients that are not final.
func (a *anything) count(r *Result) {
	m, err := a.QueueMessage(r.ID)
	for _, o := range r.Outcomes {
		if err == nil && o.State == spooled.Delivered && !m.Recipients[o.Rcpt].State.Final() {
			a.sent[a.key(m, o.Rcpt)]++
		}
	}
}

func (a *anything) giveBack(t *rapid.T) {
	c := a.hand(t)
	a.check(a.Return([]Claimed{c}))
	a.ended(&c)
}

func (a *anything) operator(t *rapid.T) {
	list := a.all()
	if len(list) == 0 {
		t.Skip("nothing is queued")
	}
	m := rapid.SampledFrom(list).Draw(t, "message")
	o := Operation{Op: rapid.SampledFrom(ops).Draw(t, "op"), Of: &spooled.Filter{Domain: a.domain(t)}, Tell: true}
	_, err := a.Operate(o, []spooled.ID{m.ID})
	a.check(err)
	if o.Op == OpRetry { // it may be claimed although somebody has it in hand
		for i := range m.Recipients {
			delete(a.until, a.key(m, i))
		}
	}
}

func (a *anything) stopOrStart(*rapid.T) {
	if a.stopped = !a.stopped; a.stopped {
		a.stop("acme")
	} else {
		a.startQueue("acme")
	}
}

func (a *anything) login(t *rapid.T) {
	hold := rapid.Bool().Draw(t, "hold")
	a.do(func(t *Tx) error {
		if hold {
			return t.HoldMail(&people.Credential{Login: "phone", Account: "acme", Hold: &people.LoginHold{Since: t.Wall}})
		}
		return t.ReleaseLater("acme", "phone")
	})
}

func (a *anything) suppression(t *rapid.T) {
	n := rapid.IntRange(0, 29).Draw(t, "recipient")
	address := fmt.Sprintf("r%d@d%d.test", n, n%2)
	if a.spared[address] = !a.spared[address]; a.spared[address] {
		a.suppress("acme", address)
		return
	}
	_, err := a.Refusals.LiftSuppressions(behalf.Order{}, "acme", []string{address})
	a.check(err)
}

// cap sets another cap, and has what waits planned by it, or not yet.
func (a *anything) cap(t *rapid.T) {
	a.accounts["acme"].first = rapid.SampledFrom([]int{strangers.NoCap, 1, 3, 20}).Draw(t, "cap")
	if rapid.Bool().Draw(t, "replanned") {
		a.replanAll()
	}
}

func (a *anything) work(t *rapid.T) {
	_, err := a.Chores.Do()
	a.check(err)
	_, _, err = a.SendDSNs()
	a.check(err)
}

func (a *anything) die(t *rapid.T) {
	a.kill()
	clear(a.until)
	clear(a.inHand)
	if rapid.Bool().Draw(t, "nobody has anything in hand") {
		a.claims = nil
	}
}

func (a *anything) pass(t *rapid.T) {
	a.db.Pass(rapid.SampledFrom([]time.Duration{time.Second, 6 * time.Minute, 5 * time.Hour, day, 3 * day}).Draw(t, "time"))
}

// goes has all go in the end.
func (a *anything) goes(t *rapid.T) {
	if a.stopped {
		a.stopOrStart(t)
	}
	a.accounts["acme"].first = 7
	a.do(func(t *Tx) error { return t.ReleaseLater("acme", "phone") })
	a.replanAll()
	a.doChores()
	for _, m := range a.all() {
		_, _, err := a.Change(OpRelease, []spooled.ID{m.ID})
		a.check(err)
	}
	for d := 0; len(a.all()) > 0; d++ {
		if d > 200 {
			t.Fatalf("%d messages wait for ever, the first is %+v", len(a.all()), a.all()[0])
		}
		a.db.Pass(day)
		_, _, err := a.SendDSNs()
		a.check(err)
		for _, domain := range []string{"d0.test", "d1.test", "src.test"} {
			for _, c := range a.claim("acme", domain, 1000) {
				r := result(c, Outcome{State: spooled.Delivered, Mark: strangers.MarkDelivered})
				if c.Message.Period != "" {
					a.count(&r)
				}
				a.check(a.Settle(r))
			}
		}
	}
}

// Whatever happens to an account's mail while first sendings are capped: nothing is handed out that may
// not be tried, or is in hand. Each e-mail has one outcome in the end, and no list keeps anything.
func TestSpool_anything_AgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a := &anything{fixture: begin(t, roomtest.Open), until: map[string]time.Time{}, inHand: map[place]bool{}, sent: map[string]int{}, spared: map[string]bool{}}
		a.TB, a.accounts["acme"].first = r, 3
		r.Repeat(map[string]func(*rapid.T){
			"enqueue": a.enqueue, "enqueue more": a.enqueue, "claim": a.take, "claim more": a.take, "settle": a.end, "return": a.giveBack,
			"operate": a.operator, "stop": a.stopOrStart, "login": a.login, "suppress": a.suppression, "cap": a.cap, "work": a.work,
			"kill": a.die, "wait": a.pass, "": func(*rapid.T) { a.audit() },
		})
		a.goes(r)
		a.audit()
		p, sent := a.progress("acme"), int64(0)
		for k, n := range a.sent {
			if sent += int64(n); n != 1 {
				r.Errorf("%s is delivered %d times", k, n)
			}
		}
		if p.Delivered != sent || p.Delivered+p.Failed != a.accepted {
			r.Errorf("of %d e-mails %d were delivered: %+v", a.accepted, sent, p)
		}
		a.check(a.db.View(func(t room.Tx) error {
			for name, n := range map[string]int{"claims": len(records(a.In(t), bucket.Claims)), "waiting": len(records(a.In(t), bucket.Waiting)),
				"chores": len(records(a.In(t), bucket.Chores)), "held-mail": len(records(a.In(t), bucket.HeldMail))} {
				if n > 0 {
					r.Errorf("%d of %s are left", n, name)
				}
			}
			return nil
		}))
		a.db.Close(t)
	})
}
