package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/room"
	"relay/store/room/roomtest"
)

const (
	gb  = 1_000_000_000
	day = 24 * time.Hour
)

// Plans of the tests: prices in cents.
var (
	blocks = []quota.Block{{Bytes: gb, Price: 1000}, {Bytes: 5 * gb, Price: 2700}}
	silver = quota.Plan{Name: "silver", Term: quota.Year, Bandwidth: gb, Price: 12_000, Blocks: blocks}
	gold   = quota.Plan{Name: "gold", Term: quota.Year, Bandwidth: 5 * gb, Price: 36_000, Blocks: blocks}
	free   = quota.Plan{Name: "free", Term: quota.Year, Bandwidth: gb, Blocks: blocks}
	count  = quota.Plan{Name: "count", Term: quota.Year, Emails: 2000, Price: 9000}
	more   = quota.Plan{Name: "more", Term: quota.Month, Emails: 1400, Price: 700}
	plans  = []quota.Plan{silver, gold, free, count, more}
)

var billing = ledger.Billing{Currency: "EUR", TaxRate: 22 * quota.Percent, Prefix: "R-", DueDays: 14, GraceDays: 7, OrderDays: 30}

// operator is who orders.
var operator = behalf.Order{By: "op"}

// errDone is what the rest of an order fails with.
var errDone = errors.New("done failed")

// fixture is the room in a store of its own, with the books.
type fixture struct {
	*Orders
	testing.TB
	db    *roomtest.Store
	books *books.Books

	heard *Result // what done heard of last
	fails error   // what done returns
}

func open(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t}
	f.db = roomtest.Open(t, f.flush)
	return f.furnish()
}

// openFile is open on a file, as a relay has it.
func openFile(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t}
	f.db = roomtest.OpenFile(t, f.flush)
	return f.furnish()
}

func (f *fixture) flush(b *engine.Tx) error { return f.books.Flush(b) }

func (f *fixture) furnish() *fixture {
	f.Helper()
	f.start()
	for _, p := range plans {
		f.must(f.books.AddPlan(p))
	}
	return f
}

// start makes the rooms of the store, in Rome.
func (f *fixture) start() {
	f.Helper()
	rome, err := time.LoadLocation("Europe/Rome")
	f.must(err)
	f.books = books.New(f.db.DB, books.Options{Zone: rome, Log: slog.New(slog.DiscardHandler), Billing: billing, Print: ledger.PrintPlainly})
	f.Orders = New(f.db.DB, rome, f.books, func(_ *room.Tx, d *Result) error {
		is := *d
		f.heard = &is
		return f.fails
	})
	f.must(f.books.Load(billing, false))
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

// did is what an order came to, which has to be taken.
func (f *fixture) did(r Receipt, err error) Receipt {
	f.Helper()
	f.must(err)
	return r
}

// add adds an account.
func (f *fixture) add(o behalf.Order, name string, p quota.Plan, activate bool) (Receipt, error) {
	return f.AddAccount(o, NewAccount{Account: books.Account{Name: name, Contact: "it@" + name + ".example"}, Plan: p, Activate: activate})
}

// pay pays an invoice.
func (f *fixture) pay(o behalf.Order, invoice uint64, amount int64, ref string) (Receipt, error) {
	return f.RecordPayment(o, ledger.Payment{Invoice: invoice, Method: "bank", Reference: ref, Amount: amount})
}

// use charges an account, as its mail would: what is over is closed, and a day that is over becomes
// an entry. One that is not active is charged nothing.
func (f *fixture) use(account string, c quota.Charge) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		d, err := f.PendingClose(t, account)
		if err != nil || d.Account().Open == "" {
			return err
		}
		open, today := d.Account().Open, room.Day(t.Now, f.zone)
		is := f.books.ChargesIn(t, account, open)
		if is.Day < today && is.Today != (quota.Charge{}) {
			d.EndDay(open, t.Now)
		}
		if err := d.Apply(); err != nil {
			return err
		}
		is.Day, is.Today, is.Charged = max(is.Day, today), is.Today.Add(c), is.Charged.Add(c)
		return nil
	})
}

// closeDue closes what is over of all accounts, and says how many there were.
func (f *fixture) closeDue() (n int) {
	f.Helper()
	f.must(f.CloseBy(context.Background(), f.db.Now(), func(_ string, _ Receipt, err error) {
		n++
		f.must(err)
	}))
	return n
}

func (f *fixture) account(name string) books.Account {
	f.Helper()
	a, err := f.books.Account(name)
	f.must(err)
	return a
}

func (f *fixture) entries(name string) (list []ledger.Entry) {
	f.Helper()
	f.must(f.books.Ledger(name, func(e *ledger.Entry) error { list = append(list, *e); return nil }))
	return list
}

// kinds of the entries of a ledger, from some number on.
func (f *fixture) kinds(name string, after int) (list []ledger.Kind) {
	f.Helper()
	for _, e := range f.entries(name)[after:] {
		list = append(list, e.Kind)
	}
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
		return f.books.Verify(&t, context.Background(), each, func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) })
	}))
	return found
}

// order is one of each kind, on accounts as prepared leaves them.
type order struct {
	name string
	do   func(*fixture, behalf.Order) (Receipt, error)
	want []ledger.Kind // entries, of those accounts
}

// prepared has acme on silver, paid and partly used; pack on a month's plan, on credit and unpaid;
// later, which waits for its payment; and one payment, which named invoice 1.
func prepared(f *fixture) {
	f.Helper()
	f.did(f.add(operator, "acme", silver, false))
	f.did(f.pay(operator, 1, 0, "first"))
	f.did(f.add(operator, "pack", more, true))
	f.did(f.add(operator, "later", gold, false))
	f.use("acme", quota.Charge{Messages: 10, Bytes: gb / 2})
	f.db.Pass(3 * day)
}

var everyOrder = []order{
	{"add", func(f *fixture, o behalf.Order) (Receipt, error) { return f.add(o, "new", silver, false) }, []ledger.Kind{ledger.KindInvoice}},
	{"add at once", func(f *fixture, o behalf.Order) (Receipt, error) { return f.add(o, "new", free, false) }, []ledger.Kind{ledger.KindActivated, ledger.KindGrant}},
	{"add with a login", func(f *fixture, o behalf.Order) (Receipt, error) {
		return f.AddAccount(o, NewAccount{Account: books.Account{Name: "new"}, Plan: silver, Credential: &people.Credential{Login: "new", Account: "new"}, Activate: true})
	}, []ledger.Kind{ledger.KindInvoice, ledger.KindActivated, ledger.KindGrant}},
	{"activate", func(f *fixture, o behalf.Order) (Receipt, error) { return f.Activate(o, "later") }, []ledger.Kind{ledger.KindActivated, ledger.KindGrant}},
	{"renew", func(f *fixture, o behalf.Order) (Receipt, error) { return f.Renew(o, "acme", "") }, []ledger.Kind{ledger.KindInvoice}},
	{"upgrade", func(f *fixture, o behalf.Order) (Receipt, error) { return f.Upgrade(o, "acme", "gold") }, []ledger.Kind{ledger.KindUpgraded, ledger.KindInvoice}},
	{"top up", func(f *fixture, o behalf.Order) (Receipt, error) { return f.TopUp(o, "pack", "more") }, []ledger.Kind{ledger.KindTopUp, ledger.KindInvoice}},
	{"block", func(f *fixture, o behalf.Order) (Receipt, error) { return f.BuyBlock(o, "acme", gb, 2) }, []ledger.Kind{ledger.KindTopUp, ledger.KindInvoice}},
	{"pay", func(f *fixture, o behalf.Order) (Receipt, error) { return f.pay(o, 2, 100, "second") }, []ledger.Kind{ledger.KindPayment}},
	{"pay an order", func(f *fixture, o behalf.Order) (Receipt, error) { return f.pay(o, 3, 0, "second") }, []ledger.Kind{ledger.KindPayment, ledger.KindActivated, ledger.KindGrant}},
	{"reverse", func(f *fixture, o behalf.Order) (Receipt, error) {
		return f.ReversePayment(o, Reversal{Invoice: 1, Reference: "first", Text: "bounced", Suspend: true})
	}, []ledger.Kind{ledger.KindReversal, ledger.KindSuspended}},
	{"correct", func(f *fixture, o behalf.Order) (Receipt, error) {
		return f.Correct(o, "acme", Correction{Money: 500, Units: 7, Text: "sorry"})
	}, []ledger.Kind{ledger.KindCorrection, ledger.KindCorrection}},
	{"refund", func(f *fixture, o behalf.Order) (Receipt, error) { return f.Refund(o, "acme") },
		[]ledger.Kind{ledger.KindCreditNote, ledger.KindRefund, ledger.KindCharge, ledger.KindClosed, ledger.KindEnded}},
	{"cancel", func(f *fixture, o behalf.Order) (Receipt, error) { return f.CancelInvoice(o, 2, "sorry") }, []ledger.Kind{ledger.KindCreditNote}},
	{"suspend", func(f *fixture, o behalf.Order) (Receipt, error) { return f.Suspend(o, "acme", "spam") }, []ledger.Kind{ledger.KindSuspended}},
	{"change", func(f *fixture, o behalf.Order) (Receipt, error) {
		return f.ChangeAccount(o, "acme", func(a *books.Account) (Change, error) {
			a.AtLimit, a.Contact = quota.Suspend, "other@acme.example"
			return Change{Abuse: new("spam")}, nil
		})
	}, []ledger.Kind{ledger.KindLimit, ledger.KindAbuse}},
	{"close", func(f *fixture, o behalf.Order) (Receipt, error) { return f.CloseAccount(o, "acme", "moved away") },
		[]ledger.Kind{ledger.KindCharge, ledger.KindClosed, ledger.KindEnded}},
}

// An order is all or nothing: a dry run and one whose rest fails write nothing, the receipt of the dry
// run is the order's, and what is done is there after a kill.
func TestOrders_allOrNothing(t *testing.T) {
	for _, c := range everyOrder {
		t.Run(c.name, func(t *testing.T) {
			f := open(t)
			prepared(f)
			was := f.db.Dump(t)
			f.heard = nil
			dry, err := c.do(f, behalf.Order{By: "op", DryRun: true})
			f.must(err)
			if f.heard != nil || !reflect.DeepEqual(was, f.db.Dump(t)) {
				t.Fatal("a dry run left a trace")
			}
			f.fails = errDone
			if _, err := c.do(f, operator); !errors.Is(err, errDone) || !reflect.DeepEqual(was, f.db.Dump(t)) {
				t.Fatalf("an order whose rest failed (%v) left a trace", err)
			}
			f.fails = nil
			r, err := c.do(f, operator)
			if err != nil || !reflect.DeepEqual(dry, r) {
				t.Fatalf("the order: %v, %+v; its dry run: %+v", err, r, dry)
			}
			if !reflect.DeepEqual(*f.heard.Is, r.After) || !reflect.DeepEqual(f.heard.Entries, r.Entries) {
				t.Errorf("done heard of %+v, %+v", f.heard.Is, f.heard.Entries)
			}
			is := f.db.Dump(t)
			f.kill()
			if !reflect.DeepEqual(is, f.db.Dump(t)) {
				t.Error("the kill took something of it")
			}
			if a := f.account(r.After.Name); a.Seq != r.After.Seq || a.Balance != r.After.Balance || a.State != r.After.State {
				t.Errorf("stored is %+v, the receipt says %+v", a, r.After)
			}
			if got := f.kinds(r.After.Name, int(r.Before.Seq)); !slices.Equal(got, c.want) {
				t.Errorf("entries are %v, want %v", got, c.want)
			}
			if found := f.verify(); found != nil {
				t.Errorf("found %q", found)
			}
		})
	}
}

// The same on a file: what a kill finds behind the commit is the whole order.
func TestOrders_kill(t *testing.T) {
	f := openFile(t)
	prepared(f)
	f.fails = errDone
	was := f.db.Dump(t)
	if _, err := f.Refund(operator, "acme"); !errors.Is(err, errDone) {
		t.Fatal(err)
	}
	f.kill()
	if !reflect.DeepEqual(was, f.db.Dump(t)) {
		t.Error("an order whose rest failed left a trace")
	}
	f.fails = nil
	r := f.did(f.Refund(operator, "acme"))
	f.kill()
	if a := f.account("acme"); a.State != ledger.Closed || a.Balance != 0 || !reflect.DeepEqual(f.entries("acme")[r.Before.Seq:], r.Entries) {
		t.Errorf("after the kill: %+v", a)
	}
	if found := f.verify(); found != nil {
		t.Errorf("found %q", found)
	}
}

// A payment named twice is refused, however its reference was typed, by another invoice or account too.
func TestOrders_RecordPayment_twice(t *testing.T) {
	f := open(t)
	prepared(f)
	f.did(f.pay(operator, 2, 100, "bank 1"))
	was := f.db.Dump(t)
	for _, c := range []struct {
		p    ledger.Payment
		want error
	}{
		{ledger.Payment{Invoice: 2, Method: "bank", Reference: "bank 1", Amount: 100}, room.ErrExists},
		{ledger.Payment{Invoice: 3, Method: "bank", Reference: " bank  1 ", Amount: 5}, room.ErrExists},
		{ledger.Payment{Account: "acme", Method: "bank", Reference: "bank 1", Amount: 5}, room.ErrExists},
		{ledger.Payment{Invoice: 9, Method: "bank", Reference: "bank 2", Amount: 5}, room.ErrNotFound},
	} {
		if r, err := f.RecordPayment(operator, c.p); !errors.Is(err, c.want) || r.Entries != nil {
			t.Errorf("%+v: %v, %+v", c.p, err, r.Entries)
		}
	}
	if !reflect.DeepEqual(was, f.db.Dump(t)) {
		t.Error("a payment that was refused left a trace")
	}
	f.did(f.RecordPayment(operator, ledger.Payment{Invoice: 2, Method: "card", Reference: "bank 1", Amount: 5})) // by another method it is another one
	if found := f.verify(); found != nil {
		t.Errorf("found %q", found)
	}
}

// A payment is taken back once.
func TestOrders_ReversePayment_twice(t *testing.T) {
	f := open(t)
	prepared(f)
	of := Reversal{Invoice: 1, Reference: "first", Text: "bounced"}
	r := f.did(f.ReversePayment(operator, of))
	if r.Amount != -14_640 || r.After.Balance != -14_640 {
		t.Errorf("it took back %d, the balance is %d", r.Amount, r.After.Balance)
	}
	if _, err := f.ReversePayment(operator, of); !errors.Is(err, ErrReversed) {
		t.Errorf("again: %v", err)
	}
	of.Reference = "other"
	if _, err := f.ReversePayment(operator, of); !errors.Is(err, room.ErrNotFound) {
		t.Errorf("of no payment: %v", err)
	}
}

// Invoices are numbered without gaps, whatever fails and whatever is only worked out.
func TestOrders_numbers(t *testing.T) {
	f := open(t)
	for i := range uint64(4) {
		name := fmt.Sprint("a", i)
		f.fails = errDone
		if _, err := f.add(operator, name, silver, false); !errors.Is(err, errDone) {
			t.Fatal(err)
		}
		f.fails = nil
		f.did(f.add(behalf.Order{DryRun: true}, name, silver, false))
		if r := f.did(f.add(operator, name, silver, false)); r.Invoices[0].Number != i+1 || r.Invoices[0].Name != fmt.Sprint("R-", i+1) {
			t.Errorf("invoice %d is %+v", i+1, r.Invoices[0])
		}
		if _, err := f.add(operator, name, silver, false); !errors.Is(err, room.ErrExists) {
			t.Fatal(err)
		}
	}
	var got []uint64
	for _, k := range f.db.Keys(t, bucket.Invoices) {
		got = append(got, room.LastNumber([]byte(k)))
	}
	if !slices.Equal(got, []uint64{1, 2, 3, 4}) {
		t.Errorf("numbers are %v", got)
	}
}

// A month's term that does not suffice goes on in the next one that is paid, with what it left.
func TestDeal_BeginNextTerm(t *testing.T) {
	f := open(t)
	f.did(f.add(operator, "acme", more, true))
	f.did(f.pay(operator, 1, 0, "1"))
	f.did(f.Renew(operator, "acme", ""))
	f.did(f.pay(operator, 2, 0, "2"))
	f.use("acme", quota.Charge{Messages: 1000, Bytes: 1})
	f.db.Pass(day)
	f.db.Do(t, func(t *room.Tx) error {
		d, err := f.PendingClose(t, "acme")
		if err != nil {
			return err
		}
		return errors.Join(d.BeginNextTerm(), d.Apply())
	})
	a := f.account("acme")
	if len(a.Lots) != 1 || a.Lots[0].Amount != 400 || !a.Lots[0].Expires.Equal(a.TermEnd()) || len(a.Contracts) != 2 || !a.Contracts[1].Start.Equal(f.db.Now()) {
		t.Errorf("it has %+v, terms %+v", a.Lots, a.Contracts)
	}
	if found := f.verify(); found != nil {
		t.Errorf("found %q", found)
	}
}

// An order that nobody pays expires with a credit note, and a payment that comes later revives it.
func TestOrders_lapse(t *testing.T) {
	f := open(t)
	f.did(f.add(operator, "acme", silver, false))
	dun := func(want int) {
		t.Helper()
		n := 0
		f.must(f.DunBy(context.Background(), f.db.Now(), func(_ ledger.Invoice, _ Receipt, err error) { n++; f.must(err) }))
		if n != want {
			t.Errorf("%d are dunned, want %d", n, want)
		}
	}
	f.db.Pass(43 * day) // 14 until it is due, and 30
	dun(0)
	f.db.Pass(2 * day)
	dun(1)
	if a, err := f.books.Invoice(1); err != nil || a.State != ledger.InvoiceCancelled || a.Lapsed == nil || f.account("acme").Balance != 0 {
		t.Errorf("the invoice is %+v, %v", a, err)
	}
	r := f.did(f.pay(operator, 1, 0, "late"))
	if is := r.Invoice("3"); is == nil || is.State != ledger.InvoicePaid || r.After.State != ledger.Active || r.After.Balance != 0 {
		t.Errorf("it came to %+v", r)
	}
	if found := f.verify(); found != nil {
		t.Errorf("found %q", found)
	}
}

// What is delivered and not paid holds the account back after the days of grace, until it is paid.
func TestOrders_DunBy(t *testing.T) {
	f := open(t)
	f.did(f.add(operator, "acme", silver, true))
	for _, c := range []struct {
		days int
		held bool
	}{{20, false}, {2, true}, {1, true}} {
		f.db.Pass(time.Duration(c.days) * day)
		f.must(f.DunBy(context.Background(), f.db.Now(), func(_ ledger.Invoice, _ Receipt, err error) { f.must(err) }))
		if a := f.account("acme"); (a.Status() == ledger.Suspended) != c.held {
			t.Errorf("%d days later it is %s", c.days, a.Status())
		}
	}
	f.did(f.pay(operator, 1, 14_639, "1"))
	if a := f.account("acme"); a.Hold == "" {
		t.Error("it goes on, a cent is open")
	}
	f.did(f.pay(operator, 1, 1, "2"))
	want := []ledger.Kind{ledger.KindInvoice, ledger.KindActivated, ledger.KindGrant, ledger.KindSuspended, ledger.KindPayment, ledger.KindPayment, ledger.KindResumed}
	if got := f.kinds("acme", 0); !slices.Equal(got, want) || f.account("acme").Hold != "" {
		t.Errorf("entries are %v", got)
	}
}

// Another plan of the operator ends the term where it is of another kind, and changes it where not.
func TestOrders_ChangeAccount_plan(t *testing.T) {
	for name, c := range map[string]struct {
		to   quota.Plan
		want []ledger.Kind
	}{
		"larger":       {gold, []ledger.Kind{ledger.KindPlan}},
		"another kind": {count, []ledger.Kind{ledger.KindCharge, ledger.KindClosed, ledger.KindPlan, ledger.KindGrant}},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			prepared(f)
			r := f.did(f.ChangeAccount(operator, "acme", func(*books.Account) (Change, error) { return Change{Plan: &c.to}, nil }))
			if got := f.kinds("acme", int(r.Before.Seq)); !slices.Equal(got, c.want) || r.After.Plan(f.db.Now()).Name != c.to.Name {
				t.Errorf("entries are %v", got)
			}
			if found := f.verify(); found != nil {
				t.Errorf("found %q", found)
			}
		})
	}
}

// What orders keep is changed by no one else.
func TestOrders_ChangeAccount_book(t *testing.T) {
	f := open(t)
	prepared(f)
	was := f.db.Dump(t)
	for what, fn := range map[string]func(*books.Account){
		"balance": func(a *books.Account) { a.Balance++ },
		"lots":    func(a *books.Account) { a.Lots = append(a.Lots, quota.Lot{Ref: "x", Amount: 1}) },
		"terms":   func(a *books.Account) { a.Contracts[0].End = a.Contracts[0].End.Add(day) },
		"name":    func(a *books.Account) { a.Name = "other" },
		"state":   func(a *books.Account) { a.State = ledger.Closed },
	} {
		if _, err := f.ChangeAccount(operator, "acme", func(a *books.Account) (Change, error) { fn(a); return Change{}, nil }); err == nil {
			t.Errorf("%s was changed", what)
		}
	}
	if !reflect.DeepEqual(was, f.db.Dump(t)) {
		t.Error("something of it is stored")
	}
}

// An account is removed only where nothing is owed either way.
func TestOrders_CloseRemoved(t *testing.T) {
	f := open(t)
	prepared(f)
	end := func(name string) error {
		return f.db.Update(0, func(t room.Tx) error { return f.CloseRemoved(&t, &operator, name) })
	}
	if err := end("pack"); !errors.Is(err, ErrOwing) || f.account("pack").State != ledger.Active {
		t.Errorf("one that owes: %v", err)
	}
	for _, name := range []string{"acme", "later"} {
		if err := end(name); err != nil || f.account(name).State != ledger.Closed {
			t.Errorf("%s: %v, %s", name, err, f.account(name).State)
		}
	}
	if found := f.verify(); found != nil {
		t.Errorf("found %q", found)
	}
}
