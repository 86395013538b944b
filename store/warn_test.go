package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/room"
	"relay/store/spooled"
)

// warning runs Warn with steps of 14 and 3 days and returns what it told.
type warning struct {
	t      testing.TB
	dryRun bool
	fail   error
}

func (x warning) run(s *Store) (list []string) {
	x.t.Helper()
	err := s.Orders.Warn(x.t.Context(), orders.Endings{DryRun: x.dryRun, Steps: []int{14, 3}, May: func(*orders.Warning) error { return x.fail },
		Told: func(w *orders.Warning, err error) {
			line := fmt.Sprintf("%s %d of %d", w.Account.Name, w.Days, w.Step)
			switch {
			case err != nil:
				line = w.Account.Name + ": " + err.Error()
			case w.To() == "":
				line += ", no mail"
			}
			list = append(list, line)
		}})
	if err != nil {
		x.t.Error(err)
	}
	return list
}

// ending is a store with an account whose term ends with 22 November 2027.
func ending(t testing.TB, s *Store, name string, p quota.Plan) {
	t.Helper()
	a := books.Account{Name: name, Contact: "boss@acme.test", AtLimit: quota.Suspend}
	if _, err := s.Orders.AddAccount(behalf.Order{By: "op"}, orders.NewAccount{Account: a, Plan: p, Activate: true}); err != nil {
		t.Fatal(err)
	}
}

// fleeting is free, and ends.
var fleeting = func() quota.Plan { p := free; p.Ends = true; return p }()

func atEnd(day, hour int) time.Time {
	return time.Date(2027, 10, day+22, hour, 0, 0, 0, time.UTC)
}

func wantWarned(t testing.TB, when string, s *Store, want ...string) {
	t.Helper()
	if got := (warning{t: t}).run(s); !slices.Equal(got, want) {
		t.Errorf("%s: told %q, want %q", when, got, want)
	}
}

// mails of relay's own that wait, oldest first.
func mails(t testing.TB, s *Store) []*spooled.Message {
	t.Helper()
	list, err := s.Spool.Sweep(spooled.ID{}, s.Now().AddDate(2, 0, 0), 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// warned is an entry of a warning in short.
func warned(e *ledger.Entry) string { return fmt.Sprintf("%d days, %s, %s", e.Days, e.LastDay, e.To) }

func warnings(t testing.TB, s *Store, name string) (list []string) {
	t.Helper()
	err := s.Books.Ledger(name, func(e *ledger.Entry) error {
		if e.Kind == ledger.KindWarned {
			list = append(list, strings.Join(strings.Fields(e.Period+" "+e.Ref+" "+warned(e)), " "))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// M19: each step of a term is told once, whatever runs how often.
func TestWarn_once(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "relay.db"), &clock{t: epoch}
	s := openBooks(t, path, c)
	again := func() {
		t.Helper()
		verify(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openBooks(t, path, c)
	}
	ending(t, s, "acme", fleeting)
	c.set(atEnd(16, 12))
	wantWarned(t, "15 days before", s)
	c.set(atEnd(17, 6))
	if got := (warning{t: t, dryRun: true}).run(s); !slices.Equal(got, []string{"acme 14 of 14"}) || len(pendingNews(t, s, "acme", news.Ending)) != 0 {
		t.Errorf("a dry run told %q and left %q", got, pendingNews(t, s, "acme", news.Ending))
	}
	wantWarned(t, "the day", s, "acme 14 of 14")
	wantWarned(t, "twice", s)
	again()
	wantWarned(t, "opened again", s)
	c.set(atEnd(2, 6))
	wantWarned(t, "the clock went back", s)
	c.set(atEnd(20, 6))
	wantWarned(t, "between the steps", s)
	c.set(atEnd(29, 6))
	again()
	wantWarned(t, "the second step, a day late", s, "acme 2 of 3")
	c.set(atEnd(18, 6))
	wantWarned(t, "the clock went back behind it", s)
	c.set(atEnd(31, 22))
	wantWarned(t, "the last hour", s)
	c.set(atEnd(31, 23))
	wantWarned(t, "the end", s)

	want := []string{"2026-11 14 days, 2027-11-22, boss@acme.test",
		"2026-11 3 days, 2027-11-22, boss@acme.test"}
	if got := warnings(t, s, "acme"); !slices.Equal(got, want) {
		t.Errorf("ledger %q, want %q", got, want)
	}
	if got, want := pendingNews(t, s, "acme", news.Ending), []string{"ending 2026-11 14", "ending 2026-11 3"}; !slices.Equal(got, want) {
		t.Fatalf("news %q, want %q", got, want)
	}
	c.set(atEnd(31, 22))
	tellNews(t, s, news.Ending)
	list := mails(t, s)
	if len(list) != 2 {
		t.Fatalf("%d mails, want 2", len(list))
	}
	m := list[0]
	if m.Account != "" || m.Whose() != "acme" || m.Sender != "" || m.Period != "" || m.Size != 17 || !m.Expires.Equal(atEnd(31, 23)) {
		t.Errorf("mail %+v", m)
	}
	if e, err := s.Trace.Of(m.ID); err != nil || len(e) != 1 || e[0].Note != spooled.NoteEnding || e[0].Recipients[0].Address != "boss@acme.test" {
		t.Errorf("trace %+v, %v", e, err)
	}
	if list, err := s.Standings.Usages("acme"); err != nil || len(list) != 0 {
		t.Errorf("usage %+v, %v: it is free", list, err)
	}
	again()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// It is relay's own mail from its acceptance to its end: no usage counts it, the account can
// go while it waits, and it is in the lane of no account, so that none of its mail is in front.
func TestWarn_mailIsNotCharged(t *testing.T) {
	s, c := newBooks(t)
	ending(t, s, "acme", fleeting)
	c.set(atEnd(18, 6))
	mustSend(t, s, "acme", 100, 1)
	wantWarned(t, "due", s, "acme 13 of 14")
	before, err := s.Standings.Usage("acme", "2027-11")
	if err != nil {
		t.Fatal(err)
	}
	if before.Charged.Messages != 1 || before.Queued != 1 {
		t.Errorf("usage %+v", before)
	}
	tellNews(t, s, news.Ending)
	if got := s.Spool.TakeReady(1000); !slices.Contains(got, spooled.Lane{Domain: "acme.test", Account: ""}) {
		t.Errorf("ready %v: the mail is not announced", got)
	}
	list := claim(t, s, "acme.test", "", 9)
	if len(list) != 1 {
		t.Fatalf("%d to claim, want 1", len(list))
	}
	settle(t, s, list[0], spooled.Delivered)
	if after, err := s.Standings.Usage("acme", "2027-11"); err != nil || after != before {
		t.Errorf("usage %+v, %v; before %+v", after, err, before)
	}
}

// A term that goes on is not told to end; another one is told of again.
func TestWarn_renewed(t *testing.T) {
	s, c := newBooks(t)
	ending(t, s, "acme", silver)
	ending(t, s, "paid", silver)
	pay(t, s, 1, 0, "a")
	pay(t, s, 2, 0, "b")
	c.set(atEnd(10, 6))
	renew := func(name string) uint64 {
		t.Helper()
		r, err := s.Orders.Renew(behalf.Order{}, name, "")
		if err != nil {
			t.Fatal(err)
		}
		return r.Invoices[0].Number
	}
	pay(t, s, renew("paid"), 0, "c")
	c.set(atEnd(17, 6))
	wantWarned(t, "one is renewed", s, "acme 14 of 14")
	number := renew("acme")
	c.set(atEnd(28, 6))
	var told *orders.Warning
	err := s.Orders.Warn(t.Context(), orders.Endings{Steps: []int{14, 3}, DryRun: true, Told: func(w *orders.Warning, err error) { told = w }})
	if err != nil || told == nil || told.Renewal == nil || told.Renewal.Number != number || told.Sold == nil || told.Price != 14_640 || told.Currency != "EUR" {
		t.Fatalf("warning %+v, %v: want the renewal that waits, and silver at EUR 146.40", told, err)
	}
	wantWarned(t, "a renewal waits", s, "acme 3 of 3")
	if got := warnings(t, s, "acme"); len(got) != 2 || !strings.HasPrefix(got[1], fmt.Sprintf("2026-11 %d 3 days", number)) {
		t.Errorf("ledger %q", got)
	}
	pay(t, s, number, 0, "d")
	wantWarned(t, "paid", s)
	c.set(atEnd(17, 6).AddDate(1, 0, 0))
	wantWarned(t, "the next term", s, "acme 14 of 14", "paid 14 of 14")
	if got := warnings(t, s, "acme"); len(got) != 3 || !strings.HasPrefix(got[2], "2027-11-2 14 days") {
		t.Errorf("ledger %q", got)
	}
}

// What is paid after the walk has seen the account, and before its turn, counts.
func TestWarn_renewedMeanwhile(t *testing.T) {
	s, c := newBooks(t)
	ending(t, s, "acme", fleeting)
	ending(t, s, "beta", fleeting)
	c.set(atEnd(17, 6))
	var told []string
	err := s.Orders.Warn(t.Context(), orders.Endings{Steps: []int{14}, Told: func(w *orders.Warning, err error) {
		told = append(told, w.Account.Name)
		if _, err := s.Orders.Renew(behalf.Order{}, "beta", ""); err != nil {
			t.Error(err)
		}
	}})
	if err != nil || !slices.Equal(told, []string{"acme"}) || warnings(t, s, "beta") != nil {
		t.Errorf("told %q, %v; beta goes on", told, err)
	}
}

// Who is told: active or held back, with a last term that ends.
func TestWarn_who(t *testing.T) {
	s, c := newBooks(t)
	for _, name := range []string{"closed", "held", "mute", "stopped"} {
		ending(t, s, name, fleeting)
	}
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "pending", Contact: "boss@acme.test"}, Plan: silver}); err != nil {
		t.Fatal(err)
	}
	contact := func(to string) {
		t.Helper()
		_, err := s.Orders.ChangeAccount(behalf.Order{}, "mute", func(a *books.Account) (orders.Change, error) { a.Contact = to; return orders.Change{}, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	contact("")
	if _, err := s.Orders.CloseAccount(behalf.Order{}, "closed", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.Suspend(behalf.Order{}, "stopped", "complaints"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "held", gb, 1); err != nil {
		t.Fatal(err)
	}
	c.set(atEnd(17, 6))
	if _, err := dunNow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if a := account(t, s, "held"); a.Status() != ledger.Suspended {
		t.Fatalf("%+v: not held back", a)
	}
	wantWarned(t, "the day", s, "held 14 of 14", "mute 14 of 14, no mail", "stopped 14 of 14")
	wantWarned(t, "without a contact it is told of each time", s, "mute 14 of 14, no mail")
	if got := warnings(t, s, "mute"); got != nil {
		t.Errorf("ledger %q: nobody was told", got)
	}
	contact("new@acme.test")
	wantWarned(t, "a contact now", s, "mute 14 of 14")
}

// What is lost is the credit that is left, and what is not sold has no price.
func TestWarn_figures(t *testing.T) {
	s, c := newBooks(t)
	ending(t, s, "acme", silver)
	if _, err := s.Books.UpdatePlan("silver", func(p *quota.Plan) error { p.Retired = true; return nil }); err != nil {
		t.Fatal(err)
	}
	c.set(atEnd(17, 6))
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", 2*gb, 1); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 1500*mb, 1)
	err := s.Orders.Warn(t.Context(), orders.Endings{Steps: []int{14}, Told: func(w *orders.Warning, err error) {
		if err != nil || w.Credit != 1_233_333_334 || w.Sold != nil || w.Price != 0 {
			t.Errorf("%+v, %v: want what 733,333,334 octets of allowance leave of the credit, and a plan that is not sold", w, err)
		}
	}})
	if err != nil {
		t.Error(err)
	}
}

// A price in a currency that the books are not kept in is none.
func TestWarn_otherCurrency(t *testing.T) {
	s, c := newBooks(t)
	ending(t, s, "acme", silver)
	b := s.Books.Billing()
	b.Currency = "CHF"
	s.Books.SetBilling(b)
	c.set(atEnd(17, 6))
	err := s.Orders.Warn(t.Context(), orders.Endings{Steps: []int{14}, Told: func(w *orders.Warning, err error) {
		if err != nil || w.Sold != nil || w.Currency != "EUR" {
			t.Errorf("%+v, %v: want no price", w, err)
		}
	}})
	if err != nil || len(warnings(t, s, "acme")) != 1 {
		t.Errorf("%v, %q", err, warnings(t, s, "acme"))
	}
}

// A customer that cannot be told holds up no other, and is tried again.
func TestWarn_fails(t *testing.T) {
	s, c := newBooks(t)
	ending(t, s, "acme", fleeting)
	ending(t, s, "beta", fleeting)
	c.set(atEnd(17, 6))
	got := (warning{t: t, fail: errors.New("no such thing")}).run(s)
	if want := []string{`acme: warn account "acme": no such thing`, `beta: warn account "beta": no such thing`}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if len(pendingNews(t, s, "acme", news.Ending)) != 0 || warnings(t, s, "acme") != nil {
		t.Error("something of it is there")
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Orders.Warn(ctx, orders.Endings{Steps: []int{14}, Told: func(*orders.Warning, error) { cancel() }})
	if !errors.Is(err, context.Canceled) || len(pendingNews(t, s, "acme", news.Ending)) != 1 || len(pendingNews(t, s, "beta", news.Ending)) != 0 {
		t.Errorf("told to end after the first one: %v", err)
	}
	wantWarned(t, "the others later", s, "beta 14 of 14")
}

// What was told is in the books: Verify compares both.
func TestVerify_warned(t *testing.T) {
	for name, harm := range map[string]func(*books.Account){
		"forgotten":    func(a *books.Account) { a.Warned = books.WarnStep{} },
		"another step": func(a *books.Account) { a.Warned.Days = 4 },
		"another term": func(a *books.Account) { a.Warned.Term = "2027-11" },
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{t: epoch}
			s := openBooks(t, filepath.Join(t.TempDir(), "relay.db"), c)
			defer s.Close()
			ending(t, s, "acme", fleeting)
			c.set(atEnd(17, 6))
			wantWarned(t, "due", s, "acme 14 of 14")
			verify(t, s)
			err := s.update(0, func(t *tx) error {
				a, err := room.Load[books.Account](&t.Tx, bucket.Accounts, "acme")
				if err != nil {
					return err
				}
				harm(&a)
				return t.Write(bucket.Accounts, []byte(a.Name), a)
			})
			if err != nil {
				t.Fatal(err)
			}
			var says []string
			if _, err := s.Verify(t.Context(), func(p string) { says = append(says, p) }); err != nil || len(says) == 0 {
				t.Errorf("Verify says %q, %v", says, err)
			}
		})
	}
}

// A new account of the name is told anew, and an older record has nothing of it.
func TestWarn_accountAgain(t *testing.T) {
	s, c := newBooks(t)
	ending(t, s, "acme", fleeting)
	c.set(atEnd(17, 6))
	wantWarned(t, "the first", s, "acme 14 of 14")
	tellNews(t, s, news.Ending)
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatalf("with a warning in the queue: %v", err)
	}
	ending(t, s, "acme", fleeting)
	verify(t, s)
	if a := account(t, s, "acme"); !reflect.DeepEqual(a.Warned, books.WarnStep{}) {
		t.Errorf("warned %+v", a.Warned)
	}
	c.set(time.Date(2028, 10, 24, 6, 0, 0, 0, time.UTC))
	wantWarned(t, "its term is another", s, "acme 14 of 14")
}
