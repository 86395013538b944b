package standing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/access"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/engine"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/people"
	"relay/store/room"
	"relay/store/room/roomtest"
)

const (
	gb  = 1_000_000_000
	day = 24 * time.Hour
)

// Plans of the tests, which cost nothing: an account on them is active at once.
var (
	blocks = []quota.Block{{Bytes: gb, Price: 1000}, {Bytes: 5 * gb, Price: 2700}}
	billed = quota.Plan{Name: "billed", Term: quota.Year, Bandwidth: gb, Blocks: blocks} // goes on at the limit
	plain  = quota.Plan{Name: "plain", Term: quota.Year, Bandwidth: gb}                  // may go on, unbilled
	count  = quota.Plan{Name: "count", Term: quota.Year, Emails: 1000}
	month  = quota.Plan{Name: "month", Term: quota.Month, Emails: 1000}
)

var operator = behalf.Order{By: "op"}

// fixture is the room in a store of its own, with those that it reads.
type fixture struct {
	*Standings
	testing.TB
	db *roomtest.Store
}

func open(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t}
	f.db = roomtest.Open(t, func(b *engine.Tx) error { return errors.Join(f.r.Books.Flush(b), f.r.Outcomes.Flush(b)) })
	f.start()
	return f
}

// start makes the rooms of the store, in Rome.
func (f *fixture) start() {
	f.Helper()
	rome, err := time.LoadLocation("Europe/Rome")
	f.must(err)
	db, b := f.db.DB, ledger.Billing{Currency: "EUR", DueDays: 14, GraceDays: 7, OrderDays: 30}
	r := Rooms{People: people.New(db), News: news.New(db), Outcomes: outcomes.New(db, outcomes.Options{Zone: rome})}
	r.Books = books.New(db, books.Options{Zone: rome, Log: slog.New(slog.DiscardHandler), Billing: b, Print: ledger.PrintPlainly})
	r.Orders = orders.New(db, rome, r.Books, func(*room.Tx, *orders.Result) error { return nil })
	r.Access = access.New(db, r.People, r.News, access.Options{Zone: rome})
	f.Standings = New(db, rome, r)
	f.must(r.Books.Load(b, false))
}

// kill ends the relay at this instant, and starts it again.
func (f *fixture) kill() {
	f.Helper()
	was := f.db
	f.db = was.Killed(f)
	f.start()
	was.Close(f)
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) did(_ orders.Receipt, err error) {
	f.Helper()
	f.must(err)
}

// add adds an account on a plan that costs nothing.
func (f *fixture) add(a books.Account, p quota.Plan) {
	f.Helper()
	f.did(f.r.Orders.AddAccount(operator, orders.NewAccount{Account: a, Plan: p}))
}

// send charges an account what it asks for, in a transaction as that of its mail, or says why not.
func (f *fixture) send(account, login string, asked quota.Charge) (r *Refusal) {
	f.Helper()
	var st Standing
	f.db.Do(f, func(t *room.Tx) (err error) {
		if r, st, err = f.PermitIn(t, account, login, asked); err != nil || r != nil {
			return err
		}
		return errors.Join(f.TellCrossed(t, &st, asked), f.Charge(t, &st, asked))
	})
	f.TellRefused(&st, r)
	return r
}

// emails of one octet each.
func emails(n int64) quota.Charge { return quota.Charge{Messages: n, Bytes: n} }

// octets in one e-mail.
func octets(n int64) quota.Charge { return quota.Charge{Messages: 1, Bytes: n} }

// told takes what is due to be told, and remembers it as told.
func (f *fixture) told() (list []string) {
	f.Helper()
	all, _, err := f.r.News.Due(100)
	f.must(err)
	for _, n := range all {
		list = append(list, strings.TrimSpace(fmt.Sprint(n.Kind, " ", n.Reason)))
		f.db.Do(f, func(t *room.Tx) error { return errors.Join(f.r.News.Take(t, &n, &n), news.NoteTold(t, &n)) })
	}
	return list
}

func (f *fixture) wantTold(want ...string) {
	f.Helper()
	if got := f.told(); !slices.Equal(got, want) {
		f.Errorf("told %q, want %q", got, want)
	}
}

// charges of a ledger, each as its period, day and e-mails, and closes.
func (f *fixture) charges(account string) (list []string) {
	f.Helper()
	f.must(f.r.Books.Ledger(account, func(e *ledger.Entry) error {
		switch e.Kind {
		case ledger.KindCharge:
			list = append(list, fmt.Sprint(e.Period, " ", e.Day, " ", e.Messages))
		case ledger.KindClosed:
			list = append(list, "closed "+e.Period)
		}
		return nil
	}))
	return list
}

// verify returns what is found at fault with the books.
func (f *fixture) verify() (found []string) {
	f.Helper()
	f.must(f.db.View(func(t room.Tx) error {
		each := func(b engine.Bucket, fn func(k, raw []byte)) error {
			c := t.Cursor(b)
			for k, raw := c.First(); k != nil; k, raw = c.Next() {
				fn(k, raw)
			}
			return nil
		}
		return f.r.Books.Verify(&t, context.Background(), each, func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) })
	}))
	return found
}

// The charges of a day are one entry, which the first message of another day makes; that of another
// period closes what is over first. A kill between them changes nothing.
func TestStandings_Charge(t *testing.T) {
	f := open(t)
	f.add(books.Account{Name: "acme"}, count)
	for range 3 {
		f.send("acme", "", emails(2))
	}
	if got := f.charges("acme"); got != nil {
		t.Errorf("entries of the first day: %q", got)
	}
	f.db.Pass(day)
	f.send("acme", "", emails(5))
	f.kill()
	f.send("acme", "", emails(6))
	f.db.Pass(-day) // a clock that goes back does not make a day come twice
	f.send("acme", "", emails(7))
	f.db.Pass(31 * day)
	f.send("acme", "", emails(1))
	want := []string{"2026-03 2026-03-01 6", "2026-03 2026-03-02 18", "closed 2026-03"}
	if got := f.charges("acme"); !slices.Equal(got, want) {
		t.Errorf("entries are %q, want %q", got, want)
	}
	if u, err := f.Usage("acme", "2026-04"); err != nil || u.Charged != emails(1) || u.Today != emails(1) || u.Day != "2026-04-01" {
		t.Errorf("used %+v, %v", u, err)
	}
	if list, err := f.Usages("acme"); err != nil || len(list) != 2 || list[0].Charged != emails(24) || list[0].Today != (quota.Charge{}) {
		t.Errorf("used %+v, %v", list, err)
	}
	if found := f.verify(); found != nil {
		t.Errorf("found %q", found)
	}
}

// A period that is over counts as closed before anything closes it, and a look stores nothing.
func TestStandings_Standing(t *testing.T) {
	f := open(t)
	f.add(books.Account{Name: "acme"}, billed)
	f.send("acme", "", octets(3*gb))
	f.db.Pass(31 * day)
	st, err := f.Standing("acme")
	f.must(err)
	if st.Period.Key != "2026-04" || st.Used.Charged != (quota.Charge{}) || st.Account.Balance >= 0 || !st.InTerm || st.State() != "active" {
		t.Errorf("it stands %+v", st)
	}
	if f.charges("acme") != nil {
		t.Error("the look closed it")
	}
	f.send("acme", "", octets(1))
	if a, err := f.r.Books.Account("acme"); err != nil || a.Balance != st.Account.Balance || a.Open != "2026-04" {
		t.Errorf("after the next message: %+v, %v", a, err)
	}
}

// What the limit does to mail is told once a period, after a kill too, and again where more may be used.
func TestStandings_TellRefused(t *testing.T) {
	f := open(t)
	f.add(books.Account{Name: "acme"}, count)
	f.send("acme", "", emails(990))
	f.wantTold()
	for range 3 {
		if r := f.send("acme", "", emails(11)); r == nil || r.Exceeded == nil {
			t.Fatalf("it was taken: %+v", r)
		}
	}
	f.wantTold("reached refused")
	f.kill()
	f.send("acme", "", emails(11))
	f.wantTold()
	f.send("acme", "", emails(10)) // nothing is left now, which is known
	f.wantTold()
	f.did(f.r.Orders.Correct(operator, "acme", orders.Correction{Units: 5, Text: "more"}))
	f.send("acme", "", emails(5))
	f.send("acme", "", emails(1))
	f.wantTold("reached used")
	f.db.Pass(31 * day)
	f.send("acme", "", emails(1001)) // it is larger than all that there is, and smaller ones fit
	f.wantTold()
	f.send("acme", "", emails(1))
	f.send("acme", "", emails(1000))
	f.wantTold("reached refused")
}

// An account that goes on hears of overage and its ceiling, each once a period.
func TestStandings_TellCrossed(t *testing.T) {
	f := open(t)
	f.add(books.Account{Name: "acme", OverMax: 3 * gb / 2}, billed)
	f.send("acme", "", octets(gb-1))
	f.wantTold()
	f.send("acme", "", octets(1)) // all of it; that waits, since overage says more
	f.wantTold()
	f.send("acme", "", octets(1))
	f.wantTold("overage used")
	f.send("acme", "", octets(gb))
	f.wantTold()
	f.send("acme", "", octets(gb/2-1))
	f.wantTold("ceiling used")
	for range 2 {
		if r := f.send("acme", "", octets(1)); r == nil {
			t.Error("beyond the ceiling it was taken")
		}
		f.wantTold()
	}
	f.db.Pass(31 * day)
	f.wantTold("reached used")
	f.send("acme", "", octets(3*gb/2)) // the block that was bought had half of it left
	f.wantTold()
	f.send("acme", "", octets(1))
	f.wantTold("overage used")
}

// look is what a look at this instant finds, of each account with news.
func (f *fixture) look() (list []string) {
	f.Helper()
	l := Look{Near: 90, Day: f.db.Now().In(f.zone).AddDate(0, 0, -1).Format(time.DateOnly)}
	l.Found = func(account string, n *news.Item, err error) {
		if err != nil {
			f.Errorf("look at %s: %v", account, err)
			return
		}
		list = append(list, fmt.Sprintf("%s %s %d", account, n.Kind, n.Step))
	}
	f.must(f.LookAtUse(context.Background(), l))
	slices.Sort(list)
	return list
}

// Each step of use is told by one look, and by no later one, whether a kill came between or not.
func TestStandings_LookAtUse(t *testing.T) {
	f := open(t)
	f.add(books.Account{Name: "acme"}, count)
	f.add(books.Account{Name: "going"}, billed)
	for _, c := range []struct {
		acme, going int64 // e-mails, octets
		want        []string
	}{
		{50, 1, nil},
		{60, gb / 4, []string{"acme usage 1", "going usage 2"}},
		{1, 1, nil},
		{250, 1, []string{"acme usage 3"}},
		{540, 5 * gb / 4, []string{"acme near 0", "going overage-step 1"}},
		{10, 1, nil},
		{1, gb, []string{"going overage-step 3"}},
	} {
		f.send("acme", "", emails(c.acme))
		f.send("going", "", octets(c.going))
		if got := f.look(); !slices.Equal(got, c.want) {
			t.Errorf("after %+v found %q", c, got)
		}
		if got := f.look(); got != nil {
			t.Errorf("after %+v, again found %q", c, got)
		}
		f.kill()
		f.told()
		if got := f.look(); got != nil {
			t.Errorf("after %+v, once told found %q", c, got)
		}
		f.db.Pass(day)
	}
	f.db.Pass(31 * day)
	f.send("acme", "", emails(100))
	if got := f.look(); !slices.Equal(got, []string{"acme usage 1"}) {
		t.Errorf("in another month found %q", got)
	}
}
