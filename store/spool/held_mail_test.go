package spool

import (
	"slices"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/people"
	"relay/store/spooled"
)

// handed queues a message that a login handed over.
func (f *fixture) handed(account, login string, to ...string) *spooled.Message {
	f.Helper()
	m := f.message(account, to...)
	m.Login = login
	f.check(f.accept(m))
	return m
}

// holdLogin holds a login's mail since an instant.
func (f *fixture) holdLogin(account, login string, since time.Time) {
	f.Helper()
	f.do(func(t *Tx) error {
		return t.HoldMail(&people.Credential{Login: login, Account: account, Hold: &people.LoginHold{Since: since}})
	})
}

func (f *fixture) letGo(account, login string) Released {
	f.Helper()
	f.do(func(t *Tx) error { return t.ReleaseLater(account, login) })
	n, err := f.ReleaseNow(account, login)
	f.check(err)
	return n
}

// going are the messages that a claim hands out.
func (f *fixture) going(account, domain string) (ids []spooled.ID) {
	f.Helper()
	for _, c := range f.claim(account, domain, 1000) {
		if len(c.Rcpts) > 0 {
			ids = append(ids, c.Message.ID)
		}
	}
	return ids
}

// Of a login that is held stays what it queued in the hour before and until then. Mail of other logins,
// older mail, and that of an account whose login has the same name goes.
func TestTx_HoldMail(t *testing.T) {
	f := open(t)
	begin := f.Now()
	var want, all []spooled.ID
	queue := func(account, login string, goes bool) {
		if m := f.handed(account, login, "x@a.test"); goes {
			want = append(want, m.ID)
		}
	}
	queue("acme", "phone", true) // more than an hour before
	f.db.Pass(time.Second)
	queue("acme", "phone", false)
	queue("acme", "acme", true)
	queue("acme", "", true)
	queue("other", "phone", true)
	f.db.Pass(time.Hour)
	queue("acme", "phone", false)
	f.holdLogin("acme", "phone", f.Now())
	f.db.Pass(time.Second)
	queue("acme", "phone", true) // by one of that name, who came later
	f.kill()
	all = append(f.going("acme", "a.test"), f.going("other", "a.test")...)
	slices.SortFunc(all, spooled.ID.Compare)
	slices.SortFunc(want, spooled.ID.Compare)
	if !slices.Equal(all, want) {
		t.Errorf("%d go, want %d", len(all), len(want))
	}
	if n := f.letGo("acme", "phone"); n != (Released{2, 2}) {
		t.Errorf("released %+v", n)
	}
	if n := len(f.going("acme", "a.test")); n != 2 {
		t.Errorf("after it is released %d go", n)
	}
	if f.Now().Before(begin) || len(f.db.Keys(t, bucket.Chores)) > 0 {
		t.Error("a chore is left")
	}
}

// A hold that passes to another holder keeps its beginning: what is sent to be held stays held.
func TestTx_HoldMail_again(t *testing.T) {
	f := open(t)
	since := f.Now()
	m := f.handed("acme", "phone", "x@a.test", "y@b.test")
	f.holdLogin("acme", "phone", since)
	f.db.Pass(3 * time.Hour)
	f.holdLogin("acme", "phone", since)
	if ids := f.going("acme", "a.test"); len(ids) > 0 {
		t.Errorf("%v go", ids)
	}
	// resumed, and held again before the chore: what is listed stays held, and what comes later is not
	f.do(func(t *Tx) error { return t.ReleaseLater("acme", "phone") })
	if ids := f.going("acme", "b.test"); !slices.Equal(ids, []spooled.ID{m.ID}) {
		t.Errorf("%v go", ids)
	}
	f.holdLogin("acme", "phone", f.Now())
	f.doChores()
	if r := f.is(m.ID).Recipients; !r[0].Held || r[1].Held {
		t.Errorf("%+v", r)
	}
}

// What an operator releases while its login is held goes. A kill in the middle of a release leaves the
// rest to the chore, and each message is counted once.
func TestSpool_ReleaseNow(t *testing.T) {
	f := open(t)
	const n = 2*releaseStep + 5
	first := f.handed("acme", "phone", "x@a.test")
	for range n {
		f.handed("acme", "phone", "x@b.test", "y@b.test")
	}
	gone := f.handed("acme", "phone", "x@a.test")
	f.holdLogin("acme", "phone", f.Now())
	f.going("acme", "a.test")
	for range 3 { // mostPutOff with a claim
		f.going("acme", "b.test")
	}
	_, _, err := f.Change(OpRelease, []spooled.ID{first.ID})
	f.check(err)
	if ids := f.going("acme", "a.test"); !slices.Equal(ids, []spooled.ID{first.ID}) {
		t.Errorf("released by hand: %v", ids)
	}
	_, _, err = f.Change(OpDrop, []spooled.ID{gone.ID})
	f.check(err)
	want := Released{n, 2 * n}
	count := func() (is Released) {
		f.check(f.view(func(t *Tx) (err error) { is, err = t.HeldMail("acme", "phone"); return err }))
		return is
	}
	if is := count(); is != want {
		t.Errorf("%+v are held, want %+v", is, want)
	}
	f.do(func(t *Tx) error { return t.ReleaseLater("acme", "phone") })
	f.commits = 1
	is, err := f.ReleaseNow("acme", "phone")
	if err == nil || is.Messages == 0 || is.Messages > releaseStep {
		t.Errorf("released before the power failed: %+v, %v", is, err)
	}
	f.kill()
	if left := count(); left.Messages+is.Messages != n || left.Recipients+is.Recipients != 2*n {
		t.Errorf("%+v are left of %+v after %+v", left, want, is)
	}
	f.doChores()
	if got := len(f.going("acme", "b.test")); got != n || len(f.db.Keys(t, bucket.HeldMail)) > 0 {
		t.Errorf("%d go, want %d", got, n)
	}
}

// A message is held at its domains from when each of them comes up. It lives longer by the longest of these
// times, whatever their order, and not by the sum. A domain that the operator has released does not count.
func TestSpool_ReleaseNow_domains(t *testing.T) {
	for name, c := range map[string]struct {
		order    []string // in which the domains come up, a day apart
		released string   // by the operator before that
		want     time.Duration
	}{
		"one":                       {[]string{"a.test"}, "", day},
		"in order":                  {[]string{"a.test", "b.test"}, "", 2 * day},
		"the other way round":       {[]string{"b.test", "a.test"}, "", 2 * day},
		"the first one is released": {[]string{"b.test", "a.test"}, "b.test", day},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			m := f.handed("acme", "phone", "x@a.test", "y@b.test")
			f.holdLogin("acme", "phone", f.Now())
			for _, domain := range c.order {
				f.going("acme", domain)
				f.db.Pass(day)
			}
			if c.released != "" {
				f.operate(Operation{Op: OpRelease, Of: &spooled.Filter{Domain: c.released}}, m.ID)
			}
			f.letGo("acme", "phone")
			if is := f.is(m.ID); !is.Expires.Equal(m.Expires.Add(c.want)) {
				t.Errorf("it lives longer by %v, want %v", is.Expires.Sub(m.Expires), c.want)
			}
		})
	}
}

// An entry of a relay that did not note since when mail is held makes it live no longer.
func TestSpool_ReleaseNow_old(t *testing.T) {
	f := open(t)
	m := f.handed("acme", "phone", "x@a.test")
	f.holdLogin("acme", "phone", f.Now())
	f.going("acme", "a.test")
	f.do(func(t *Tx) error {
		return t.Put(bucket.HeldMail, spooled.ListKey(heldBy("acme", "phone"), m.ID, "a.test"), []byte{})
	})
	f.db.Pass(day)
	f.letGo("acme", "phone")
	if is := f.is(m.ID); !is.Expires.Equal(m.Expires) {
		t.Errorf("it expires %v, want %v", is.Expires, m.Expires)
	}
}
