package spool

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/bucket"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room/roomtest"
	"relay/store/sites"
	"relay/store/spooled"
)

func (f *fixture) stop(account string) {
	f.Helper()
	f.do(func(t *Tx) error { return t.StopQueue(account) })
}

// start lets an account's mail go on, and reports whether it was stopped.
func (f *fixture) startQueue(account string) (was bool) {
	f.Helper()
	f.do(func(t *Tx) (err error) { was, err = t.StartQueue(account); return err })
	return was
}

// What a stopped account has in the queue is not handed out, and lies in nobody's way. When it goes on,
// all of it does, in steps.
func TestSpool_StopQueue(t *testing.T) {
	f := open(t)
	const n = 2*replanStep + 10
	for i := range n {
		f.queue("acme", fmt.Sprintf("x@d%d.test", i))
	}
	f.queue("other", "x@d1.test")
	f.stop("acme")
	if !f.Stopped("acme") || f.Stopped("other") || !f.AnyStopped() || !f.StoppedSince("acme").Equal(f.Now()) {
		t.Error("acme is to be stopped since now, and other is not")
	}
	if at, ok, err := f.NextDue("d0.test", ""); ok || err != nil {
		t.Errorf("at d0.test is due %v, %v", at, err)
	}
	for i := range n {
		if list := f.claim("acme", fmt.Sprintf("d%d.test", i), 9); len(list) > 0 {
			t.Fatalf("claimed: %+v", list)
		}
	}
	if list := f.dueLanes(); !slices.Equal(list, []spooled.Lane{{Domain: "d1.test", Account: "other"}}) {
		t.Errorf("due are %v", list)
	}
	f.kill()
	if f.TakeReady(n); !f.startQueue("acme") || f.startQueue("acme") {
		t.Error("it goes on once")
	}
	f.kill()
	if rounds := f.doChores(); rounds != 3 {
		t.Errorf("%d lanes in %d rounds", n, rounds)
	}
	if due, ready := len(f.dueLanes()), len(f.TakeReady(2*n)); due != n+1 || ready != n {
		t.Errorf("%d lanes are due, %d were announced; want %d, %d", due, ready, n+1, n)
	}
	if list := f.claim("acme", "d0.test", 9); len(list) != 1 {
		t.Errorf("claimed %+v", list)
	}
}

// A claim that was open when its account was stopped goes back and waits with the others. What was sent
// meanwhile counts. An account that is stopped again before the chore stays as it is.
func TestSpool_StopQueue_claims(t *testing.T) {
	f := open(t)
	for range 3 {
		f.queue("acme", "x@a.test")
	}
	list := f.claim("acme", "a.test", 2)
	f.stop("acme")
	since := f.StoppedSince("acme")
	f.db.Pass(time.Second)
	f.stop("acme")
	if !f.StoppedSince("acme").Equal(since) {
		t.Error("stopped a second time, it begins again")
	}
	f.settle(spooled.Delivered, list[0])
	f.check(f.Return(list[1:]))
	if list := f.claim("acme", "a.test", 5); len(list) > 0 {
		t.Fatalf("claimed: %v", list)
	}
	f.startQueue("acme")
	f.stop("acme")
	if f.doChores(); len(f.dueLanes()) > 0 {
		t.Errorf("due while it is stopped again: %v", f.dueLanes())
	}
	f.startQueue("acme")
	f.doChores()
	if list := f.claim("acme", "a.test", 5); len(list) != 2 {
		t.Errorf("%d are claimed, want 2", len(list))
	}
}

// Whenever an account is stopped, and its logins are held, for however long, and whenever relay is killed:
// mail lives longer by the time for which it could not go, and by no more than it takes to find that out.
func TestSpool_ExpiresOf(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := begin(t, roomtest.Open)
		f.TB = r
		m := f.message("acme", "x@a.test", "y@b.test")
		m.Login = "phone"
		f.check(f.accept(m))
		longer, stops := time.Duration(0), 0
		pass := func(what string) time.Duration {
			d := time.Duration(rapid.IntRange(1, 100).Draw(r, what)) * time.Minute
			f.db.Pass(d)
			return d
		}
		for range rapid.IntRange(0, spooled.MostSpans/2).Draw(r, "stops") {
			pass("goes for")
			f.stop("acme")
			if rapid.Bool().Draw(r, "kill") {
				f.kill()
			}
			if at := f.ExpiresOf(f.is(m.ID)); !at.Equal(m.Expires.Add(longer)) {
				r.Fatalf("stopped, it expires %v, want %v", at, m.Expires.Add(longer))
			}
			longer, stops = longer+pass("stopped for"), stops+1
			f.startQueue("acme")
			f.doChores()
			if rapid.Bool().Draw(r, "held too") { // from its claim until it is released
				f.do(func(t *Tx) error {
					return t.HoldMail(&people.Credential{Login: "phone", Account: "acme", Hold: &people.LoginHold{Since: t.Wall}})
				})
				f.claim("acme", "a.test", 1)
				listed := f.is(m.ID).Recipients[0].Held
				held, stopped := pass("held for"), time.Duration(0)
				if rapid.Bool().Draw(r, "stopped while it is held") {
					f.stop("acme")
					stopped = pass("stopped for")
					f.startQueue("acme")
					held += pass("held for")
					f.doChores()
				}
				if longer += stopped; listed { // else it was older than the window
					longer += held
				}
				f.do(func(t *Tx) error { return t.ReleaseLater("acme", "phone") })
				f.doChores()
			}
			if list := f.claim("acme", "b.test", 1); len(list) > 0 {
				if at := list[0].Message.Expires; !at.Equal(m.Expires.Add(longer)) {
					r.Fatalf("claimed, it expires %v, want %v", at, m.Expires.Add(longer))
				}
				if rapid.Bool().Draw(r, "tried") {
					f.settle(spooled.Deferred, list...)
				}
			}
			if at := f.ExpiresOf(f.is(m.ID)); !at.Equal(m.Expires.Add(longer)) {
				r.Fatalf("after %d stops it expires %v, want %v", stops, at, m.Expires.Add(longer))
			}
		}
		f.db.Close(t)
	})
}

// Another account's mail is as old as it is.
func TestSpool_ExpiresOf_other(t *testing.T) {
	f := open(t)
	m := f.queue("other", "x@a.test")
	f.stop("acme")
	f.db.Pass(day)
	f.startQueue("acme")
	if at := f.ExpiresOf(m); !at.Equal(m.Expires) {
		t.Errorf("it expires %v, want %v", at, m.Expires)
	}
}

// A stopped account is told that it is, and nothing of what slowed or held its mail before, unless it was
// told that first.
func TestTx_TellOfQueue(t *testing.T) {
	f := open(t)
	due := func(want ...string) {
		t.Helper()
		list, _, err := f.News.Due(20)
		f.check(err)
		var got []string
		for _, n := range list {
			got = append(got, fmt.Sprintf("%s %s %s", n.Kind, n.Account, n.About))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("to be told: %q, want %q", got, want)
		}
	}
	hold := func(provider string) {
		t.Helper()
		f.check(f.HoldAccount(Hold{Account: "acme", Provider: provider, Reason: "unknown", Until: f.Now().Add(day), State: sites.PaceEntry{Key: provider, Value: []byte("v")}}))
		f.check(f.SlowAccount("acme", provider, "blame", "421 slow down"))
	}
	hold("Google")
	hold("Google")
	due("held acme Google", "slowed acme Google")
	f.do(func(t *Tx) error { return t.TellOfQueue(news.Item{Kind: news.Warned, Account: "acme"}) })
	f.check(f.update(0, func(t *Tx) error { return t.TellOfQueue(news.Item{Kind: news.Waits, Account: "other"}) }))
	f.stop("acme")
	due("waits other ")
	hold("Yahoo")
	due("waits other ")
	paces, err := f.Sites.PaceEntries()
	if err != nil || len(paces) != 2 {
		t.Errorf("%d paces are stored, %v", len(paces), err)
	}
	f.startQueue("acme")
	hold("Yahoo")
	due("held acme Yahoo", "slowed acme Yahoo", "waits other ")
}

// A hold at a provider makes the account's day a bad one. What slows an account is told once a week.
// Of an account that is gone nothing is kept but the pace.
func TestSpool_HoldAccount(t *testing.T) {
	f := open(t)
	for _, account := range []string{"acme", "gone"} {
		f.check(f.HoldAccount(Hold{Account: account, Provider: "Google", Until: f.Now(), State: sites.PaceEntry{Key: account, Value: []byte("v")}}))
		f.check(f.SlowAccount(account, "Google", "blame", "421"))
	}
	if r, _, err := f.Strangers.Record("acme"); err != nil || !r.Today.Bad {
		t.Errorf("record %+v, %v", r, err)
	}
	if keys := f.db.Keys(t, bucket.NewsOf); len(keys) != 2 {
		t.Errorf("news %q", keys)
	}
	if keys := f.db.Keys(t, bucket.Paces); !slices.Equal(keys, []string{"acme", "gone"}) {
		t.Errorf("paces %q", keys)
	}
	n := news.Item{Kind: news.Slowed, Account: "acme", About: "Google"}
	f.check(f.update(0, func(t *Tx) error {
		if err := news.NoteTold(&t.Tx, &n); err != nil {
			return err
		}
		return news.Drop(&t.Tx, "acme", news.Slowed)
	}))
	before, _ := f.db.Engine().Commits()
	f.check(f.SlowAccount("acme", "Google", "blame", "421"))
	if after, _ := f.db.Engine().Commits(); after != before {
		t.Error("it is told again within the week")
	}
	f.db.Pass(8 * day)
	f.check(f.SlowAccount("acme", "Google", "blame", "421"))
	if keys := f.db.Keys(t, bucket.NewsOf); len(keys) != 2 {
		t.Errorf("a week later news %q", keys)
	}
}

// An account that is removed leaves nothing of its stops, windows and hours.
func TestTx_Forget(t *testing.T) {
	f := open(t)
	f.SetDSNs(DSNs{Build: buildDSN, PerHour: 5})
	for _, account := range []string{"acme", "other"} {
		m := f.message(account, "x@a.test")
		m.Login = "phone"
		f.check(f.accept(m))
		f.do(func(t *Tx) error {
			_, err := t.TakeDSN(account)
			if err != nil {
				return err
			}
			return t.HoldMail(&people.Credential{Login: "phone", Account: account, Hold: &people.LoginHold{Since: t.Wall}})
		})
		f.claim(account, "a.test", 1)
		f.stop(account)
		f.claim(account, "a.test", 1)
		f.startQueue(account)
		f.doChores()
		f.stop(account)
		f.queue(account, "x@b.test")
		f.claim(account, "b.test", 1)
	}
	var ids []spooled.ID
	for _, m := range f.all() {
		if m.Account == "acme" {
			ids = append(ids, m.ID)
		}
	}
	_, _, err := f.Change(OpDrop, ids)
	f.check(err)
	f.do(func(t *Tx) error { return t.Forget("acme") })
	for _, again := range []bool{false, true} {
		if again {
			f.kill()
		}
		for name, keys := range map[string][]string{"stops": f.db.Keys(t, bucket.StopsOf), "parked": f.db.Keys(t, bucket.Parked), "mail-holds": f.db.Keys(t, bucket.MailHolds),
			"held-mail": f.db.Keys(t, bucket.HeldMail), "dsn-hours": f.db.Keys(t, bucket.DsnHours)} {
			if len(keys) != 1 || keys[0][:5] != "other" {
				t.Errorf("%s has %q, want other's", name, keys)
			}
		}
		if f.Stopped("acme") || !f.Stopped("other") || len(*f.mailHolds.Load()) != 1 {
			t.Error("in memory it is stopped, or held")
		}
	}
}
