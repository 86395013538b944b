package books

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/highwater"
	"relay/store/ledger"
	"relay/store/room"
	"relay/store/room/roomtest"
)

const day = 24 * time.Hour

// fixture is the room in a store of its own.
type fixture struct {
	*Books
	testing.TB
	db *roomtest.Store
	o  Options
}

func open(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t, o: Options{Zone: time.UTC, Log: slog.New(slog.DiscardHandler), Billing: ledger.Billing{Prefix: "R-"}, Print: ledger.PrintPlainly}}
	f.db = roomtest.Open(t, f.flush)
	f.start()
	return f
}

func (f *fixture) flush(b *engine.Tx) error { return f.Flush(b) }

func (f *fixture) start() {
	f.Helper()
	f.Books = New(f.db.DB, f.o)
	f.must(f.Load(f.o.Billing, false))
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// try runs fn in a transaction.
func (f *fixture) try(fn func(*room.Tx) error) error {
	return f.db.Update(0, func(t room.Tx) error { return fn(&t) })
}

// give gives a number out, with its invoice.
func (f *fixture) give(n uint64) error {
	return f.try(func(t *room.Tx) error {
		i := &ledger.Invoice{Number: n, Name: f.Billing().Prefix + ledger.NumberText(n), Account: "acme", State: ledger.InvoiceOpen, Kind: ledger.ForOrder}
		return errors.Join(f.PutInvoice(t, nil, i), f.GiveOut(t, n))
	})
}

func (f *fixture) last() (n uint64) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) (err error) { n, err = f.LastInvoice(t); return err })
	return n
}

// listed is the key of a number in an index by name.
func listed(whose string, n uint64) string {
	return whose + "\x00" + string(binary.BigEndian.AppendUint64(nil, n))
}

// after is the key of something that waits until an instant.
func after(at time.Time, rest string) string { return string(room.AppendTime(nil, at)) + rest }

// wantKeys compares a bucket with what a scan of the records says.
func (f *fixture) wantKeys(t *rapid.T, b engine.Bucket, want []string) {
	slices.Sort(want)
	if got := f.db.Keys(f, b); !slices.Equal(got, want) {
		t.Fatalf("bucket %s has %q, want %q", bucket.Names[b], got, want)
	}
}

// someTime is an instant, or none.
func someTime(t *rapid.T, what string) time.Time {
	return rapid.SampledFrom([]time.Time{{}, roomtest.Begin, roomtest.Begin.Add(day)}).Draw(t, what)
}

// Whatever invoices have been, each index has what a scan of them says.
func TestBooks_PutInvoice(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := open(t)
		defer f.db.Close(t)
		names, orders := rapid.SampledFrom([]string{"", "a", "ab"}), []*ledger.Fulfilment{nil, {Do: ledger.KindRenewed}}
		var list []ledger.Invoice
		r.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				n := rapid.IntRange(0, min(len(list), 5)).Draw(t, "number")
				is, was := ledger.Invoice{Number: uint64(n) + 1, Account: "x" + names.Draw(t, "account"), Customer: names.Draw(t, "customer"), Reseller: names.Draw(t, "reseller")}, (*ledger.Invoice)(nil)
				if n < len(list) { // it keeps what it was issued with
					old := list[n]
					is, was = old, &old
				} else {
					list = append(list, is)
				}
				is.State = rapid.SampledFrom([]ledger.InvoiceState{ledger.InvoiceOpen, ledger.InvoiceOpen, ledger.InvoicePaid, ledger.InvoiceCancelled}).Draw(t, "state")
				is.Order, is.Dunned = rapid.SampledFrom(orders).Draw(t, "order"), rapid.IntRange(0, 3).Draw(t, "dunned") == 0
				is.Suspends, is.Expires = someTime(t, "suspends"), someTime(t, "expires")
				list[n] = is
				f.db.Do(f, func(t *room.Tx) error { return f.PutInvoice(t, was, &is) })
			},
			"": func(t *rapid.T) { f.checkInvoices(t, list) },
		})
	})
}

func (f *fixture) checkInvoices(t *rapid.T, list []ledger.Invoice) {
	var billed, owed, to, through, dunning []string
	for _, i := range list {
		billed = append(billed, listed(i.Account, i.Number))
		if i.State == ledger.InvoiceOpen {
			owed = append(owed, listed(i.Account, i.Number))
		}
		if i.Customer != "" {
			to = append(to, listed(i.Customer, i.Number))
		}
		if i.Reseller != "" {
			through = append(through, listed(i.Reseller, i.Number))
		}
		at := i.Suspends
		if i.Order != nil {
			at = i.Expires
		}
		if i.State == ledger.InvoiceOpen && !i.Dunned && !at.IsZero() {
			dunning = append(dunning, after(at, string(invoiceKey(i.Number))))
		}
	}
	f.wantKeys(t, bucket.Billed, billed)
	f.wantKeys(t, bucket.Owed, owed)
	f.wantKeys(t, bucket.BilledTo, to)
	f.wantKeys(t, bucket.BilledBelow, through)
	f.wantKeys(t, bucket.Dunning, dunning)
	for what, c := range map[string]struct {
		each func(string, uint64, func(*ledger.Invoice) error) error
		has  func(*ledger.Invoice) bool
	}{
		"of xa": {func(of string, n uint64, fn func(*ledger.Invoice) error) error {
			return f.EachInvoiceOf("xa", false, n, fn)
		}, func(i *ledger.Invoice) bool { return i.Account == "xa" }},
		"owed by xa": {func(of string, n uint64, fn func(*ledger.Invoice) error) error {
			return f.EachInvoiceOf("xa", true, n, fn)
		}, func(i *ledger.Invoice) bool { return i.Account == "xa" && i.State == ledger.InvoiceOpen }},
		"to a":        {f.InvoicesTo, func(i *ledger.Invoice) bool { return i.Customer == "a" }},
		"through a":   {f.InvoicesThrough, func(i *ledger.Invoice) bool { return i.Reseller == "a" }},
		"of anything": {func(_ string, n uint64, fn func(*ledger.Invoice) error) error { return f.Invoices(n+1, fn) }, func(*ledger.Invoice) bool { return true }},
	} {
		var got, want []uint64
		f.must(c.each("a", 1, func(i *ledger.Invoice) error { got = append(got, i.Number); return nil }))
		for _, i := range list {
			if i.Number > 1 && c.has(&i) {
				want = append(want, i.Number)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s are %v, want %v", what, got, want)
		}
	}
}

// Whatever accounts have been, each index has what a scan of them says, and walks find those.
func TestBooks_PutAccount(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := open(t)
		defer f.db.Close(t)
		whose := rapid.SampledFrom([]string{"", "a", "ab"})
		list := map[string]Account{}
		r.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				name := rapid.SampledFrom([]string{"x", "xa", "y"}).Draw(t, "name")
				was := list[name]
				is := Account{Name: name, Owner: whose.Draw(t, "owner"), Reseller: whose.Draw(t, "reseller")}
				is.Closes = someTime(t, "closes")
				f.db.Do(f, func(t *room.Tx) error { return f.PutAccount(t, &was, &is) })
				list[name] = is
			},
			"": func(t *rapid.T) {
				var of, below, closing []string
				for name, a := range list {
					if a.Owner != "" {
						of = append(of, a.Owner+"\x00"+name)
					}
					if a.Reseller != "" {
						below = append(below, a.Reseller+"\x00"+name)
					}
					if !a.Closes.IsZero() {
						closing = append(closing, after(a.Closes, name))
					}
				}
				f.wantKeys(t, bucket.AccountsOf, of)
				f.wantKeys(t, bucket.Below, below)
				f.wantKeys(t, bucket.Closing, closing)
				for _, w := range []Wanted{{}, {Owner: "a"}, {Reseller: "a"}, {Prefix: "x"}, {After: "x"}, {Owner: "ab", Reseller: "a"}} {
					f.checkWalk(t, w, list)
				}
			},
		})
	})
}

func (f *fixture) checkWalk(t *rapid.T, w Wanted, list map[string]Account) {
	var got, want []string
	f.must(f.EachAccount(w, func(a *Account) error { got = append(got, a.Name); return nil }))
	for name, a := range list {
		if (w.Owner == "" || w.Owner == a.Owner) && (w.Reseller == "" || w.Reseller == a.Reseller) && strings.HasPrefix(name, w.Prefix) && name > w.After {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%+v finds %v, want %v", w, got, want)
	}
}

// A walk reads some accounts a transaction, pauses between them, and ends where it is told to.
func TestWalk_steps(t *testing.T) {
	f := open(t)
	var names []string
	for i := range 2*room.Step + 1 {
		names = append(names, fmt.Sprintf("a%05d", i))
	}
	f.db.Do(t, func(t *room.Tx) (err error) {
		for _, n := range names {
			err = errors.Join(err, f.PutAccount(t, &Account{}, &Account{Name: n, Owner: "rossi"}))
		}
		return err
	})
	enough := errors.New("enough")
	for _, owner := range []string{"", "rossi"} {
		var got []string
		pauses := 0
		w := Wanted{Owner: owner, Pause: func() error { pauses++; return nil }}
		f.must(f.EachAccount(w, func(a *Account) error { got = append(got, a.Name); return nil }))
		if !slices.Equal(got, names) || pauses != 3 {
			t.Errorf("of %q: %d found in %d steps", owner, len(got), pauses)
		}
		n := 0
		w.Match, w.Pause = func(*Account) bool { return false }, func() error { n++; return enough }
		if err := f.EachAccount(w, func(*Account) error { return nil }); err != enough || n != 1 {
			t.Errorf("it paused %d times: %v", n, err)
		}
	}
}

// A number is known outside of the store once it is given out, and no sooner; an older copy of the store
// goes on behind it, and has void numbers in the place of those that it does not know.
func TestBooks_GiveOut(t *testing.T) {
	f := open(t)
	f.o.Path, f.o.HighWater = filepath.Join(t.TempDir(), "relay.db"), filepath.Join(t.TempDir(), "invoices")
	f.start()
	known := func(want uint64) {
		t.Helper()
		if n, err := highwater.Read(f.o.HighWater); err != nil || n != want {
			t.Errorf("known is %d, %v, want %d", n, err, want)
		}
	}
	f.must(f.FollowNumbers())
	f.must(errors.Join(f.give(1), f.give(2)))
	older := f.db.Killed(t)
	no := errors.New("no")
	if err := f.try(func(t *room.Tx) error { return errors.Join(f.GiveOut(t, 3), no) }); !errors.Is(err, no) {
		t.Fatal(err)
	}
	known(2)
	f.must(errors.Join(f.give(3), f.give(4)))
	known(4)

	f.db = older
	f.start()
	f.must(f.FollowNumbers())
	if n := f.last(); n != 4 {
		t.Errorf("the last number is %d", n)
	}
	for n := uint64(1); n <= 4; n++ {
		i, err := f.Invoice(n)
		if err != nil || i.Number != n || (i.State == ledger.InvoiceVoid) != (n > 2) || n > 2 && (i.Account != "" || i.Reason != string(ledger.CauseLost)) {
			t.Errorf("invoice %d is %+v, %v", n, i, err)
		}
	}
	f.must(f.FollowNumbers()) // again is nothing
	f.must(f.give(5))
	known(5)
	if first, err := f.VoidInvoices(7, "moved"); first != 6 || err != nil || f.last() != 7 {
		t.Errorf("void from %d, %v; the last one is %d", first, err, f.last())
	}
	known(7)
	if first, err := f.VoidInvoices(7, "moved"); first != 0 || err != nil {
		t.Errorf("again: from %d, %v", first, err)
	}
	f.must(os.WriteFile(f.o.HighWater, []byte("7 8\n"), 0o600))
	if err := f.give(8); !errors.Is(err, highwater.ErrDamaged) || f.last() != 7 {
		t.Errorf("with a damaged file: %v, the last one is %d", err, f.last())
	}
	if err := f.FollowNumbers(); !errors.Is(err, highwater.ErrDamaged) {
		t.Errorf("FollowNumbers = %v", err)
	}
}

// An invoice is found by its name as it was issued, or its bare number.
func TestBooks_FindInvoice(t *testing.T) {
	f := open(t)
	f.must(f.give(1))
	f.SetBilling(ledger.Billing{Prefix: "2026/"})
	f.must(f.give(2))
	f.db.Do(t, func(t *room.Tx) error { return t.Write(bucket.Invoices, invoiceKey(3), ledger.Invoice{Number: 3}) }) // from before names were kept
	for text, want := range map[string]uint64{"R-1": 1, " r-1 ": 1, "1": 1, "001": 1, "2026/2": 2, "2": 2, "R-3": 3, "3": 3,
		"2026/1": 0, "R-2": 0, "2026/3": 0, "R-": 0, "": 0, "0": 0, "R-1 x": 0, "99999999999999999999": 0} {
		i, err := f.FindInvoice(text)
		no := (*NoNumber)(nil)
		if i.Number != want || (want == 0) != errors.As(err, &no) {
			t.Errorf("%q is %d, %v, want %d", text, i.Number, err, want)
		}
	}
	if _, err := f.FindInvoice("R-9"); !errors.Is(err, room.ErrNotFound) {
		t.Errorf("of no such number: %v", err)
	}
}

// Prices are of one currency, and from the first invoice on the books too.
func TestBooks_currency(t *testing.T) {
	f := open(t)
	gratis, sold := quota.Plan{Name: "gratis", Term: quota.Year, Emails: 10}, quota.Plan{Name: "sold", Term: quota.Year, Emails: 10, Price: 100}
	f.SetBilling(ledger.Billing{Currency: "USD"})
	f.must(f.AddPlan(sold))
	f.SetBilling(ledger.Billing{}) // euros
	f.must(f.AddPlan(gratis))
	other := sold
	other.Name = "other"
	was := f.db.Dump(t)
	for what, err := range map[string]error{"AddPlan": f.AddPlan(other), "CheckCurrency": f.CheckCurrency("EUR"),
		"UpdatePlan": func() error {
			_, err := f.UpdatePlan("gratis", func(p *quota.Plan) error { p.Price = 5; return nil })
			return err
		}(),
		"PutPlans": func() error { _, err := f.PutPlans([]quota.Plan{gratis, other}, false); return err }()} {
		if !errors.Is(err, ErrCurrency) {
			t.Errorf("%s beside a price in dollars: %v", what, err)
		}
	}
	if !reflect.DeepEqual(was, f.db.Dump(t)) {
		t.Error("something of it is stored")
	}
	f.must(f.CheckCurrency("USD"))
	if _, err := f.PutPlans([]quota.Plan{sold, other}, false); err != nil { // all prices at once
		t.Errorf("all prices in euros: %v", err)
	}
	f.must(f.CheckCurrency("EUR"))
	if f.Currency() != "EUR" {
		t.Errorf("the books are in %s", f.Currency())
	}
	f.must(f.give(1))
	f.SetBilling(ledger.Billing{Currency: "USD"})
	if f.Currency() != "EUR" || !errors.Is(f.CheckCurrency("USD"), ErrCurrency) {
		t.Errorf("after the first invoice the books are in %s", f.Currency())
	}
	if _, err := f.PutPlans([]quota.Plan{sold, other}, true); !errors.Is(err, ErrCurrency) {
		t.Errorf("all prices in dollars: %v", err)
	}
}

// Charges are stored with the transaction that counts them, once, and beside what they do not read.
func TestBooks_ChargesIn(t *testing.T) {
	f := open(t)
	one := quota.Charge{Messages: 1, Bytes: 10}
	charge := func(t *room.Tx, account, period string) {
		t.Touch()
		c := f.ChargesIn(t, account, period)
		c.Charged, c.Today, c.Day = c.Charged.Add(one), c.Today.Add(one), "2026-03-01"
	}
	no := errors.New("no")
	if err := f.try(func(t *room.Tx) error { charge(t, "acme", "2026-03"); return no }); !errors.Is(err, no) || f.db.Keys(t, bucket.Usage) != nil {
		t.Errorf("%v, stored is %q", err, f.db.Keys(t, bucket.Usage))
	}
	f.db.Do(t, func(t *room.Tx) error {
		charge(t, "acme", "2026-04")
		charge(t, "acme", "2026-03")
		charge(t, "acme", "2026-03")
		return t.Put(bucket.Usage, []byte("acme\x002026-03\x00"), []byte("{"))
	})
	two := one.Add(one)
	f.db.Do(t, func(t *room.Tx) error {
		days, err := f.OpenDays(t, "acme")
		if want := []OpenDay{{"2026-03", "2026-03-01", two}, {"2026-04", "2026-03-01", one}}; err != nil || !slices.Equal(days, want) {
			f.Errorf("open days are %+v, %v", days, err)
		}
		f.EndDay(t, "acme", "2026-03")
		t.Touch()
		return nil
	})
	f.db.Do(t, func(t *room.Tx) error {
		if c := f.ChargesIn(t, "acme", "2026-03"); c.Charged != two || c.Today != (quota.Charge{}) {
			f.Errorf("charges are %+v", c)
		}
		return nil
	})
	for name, want := range map[string]bool{"acme": true, "acm": false, "acme2": false} {
		if used, err := f.NameUsed(name); used != want || err != nil {
			t.Errorf("%s was used: %v, %v", name, used, err)
		}
	}
}

// Entries are read forwards from any of them, backwards, and around a time, and of no other account.
func TestBooks_Ledger(t *testing.T) {
	f := open(t)
	const n = 200 // days, each with an entry
	f.db.Do(t, func(t *room.Tx) (err error) {
		for i := range uint64(n) {
			e := &ledger.Entry{Account: "acme", Seq: i + 1, Time: roomtest.Begin.Add(time.Duration(i) * day)}
			err = errors.Join(err, f.PutEntry(t, e), f.PutEntry(t, &ledger.Entry{Account: "acme2", Seq: i + 1, Time: e.Time}))
		}
		return err
	})
	rapid.Check(t, func(r *rapid.T) {
		seq, from, days := rapid.Uint64Range(0, n+1).Draw(r, "after"), rapid.IntRange(-50, n+50).Draw(r, "from"), rapid.IntRange(0, 50).Draw(r, "days")
		next := seq
		f.must(f.LedgerAfter("acme", seq, func(e *ledger.Entry) error {
			if next++; e.Seq != next || e.Account != "acme" {
				r.Fatalf("entry %d of %s follows %d", e.Seq, e.Account, next-1)
			}
			return nil
		}))
		if next != max(seq, n) {
			r.Fatalf("behind %d it ended with %d", seq, next)
		}
		begin := roomtest.Begin.Add(time.Duration(from) * day)
		end := begin.Add(time.Duration(days) * day)
		f.db.Do(f, func(t *room.Tx) error {
			if f.LastSeq(t, "acme") != n || f.LastSeq(t, "acm") != 0 || f.LastSeq(t, "acme3") != 0 {
				r.Fatal("the last entry is not the last")
			}
			var got []uint64
			err := f.EntriesBetween(t, "acme", begin, end, func(e *ledger.Entry) { got = append(got, e.Seq) })
			for i := max(from, 0); i <= min(from+days, n-1); i++ {
				if !slices.Contains(got, uint64(i)+1) {
					r.Fatalf("from day %d, for %d: entry %d is missing in %v", from, days, i+1, got)
				}
			}
			if len(got) > days+2*36 {
				r.Fatalf("%d entries of %d days", len(got), days)
			}
			return err
		})
	})
}

// What follows a term by itself.
func TestPlanAfter(t *testing.T) {
	gratis := quota.Plan{Name: "gratis", Term: quota.Year, Emails: 10}
	with := func(do func(*quota.Plan)) *quota.Plan { p := gratis; do(&p); return &p }
	larger := with(func(p *quota.Plan) { p.Emails = 20 })
	for what, c := range map[string]struct {
		was, now *quota.Plan
		emails   int64 // of the next term; 0: there is none
	}{
		"not sold any more":         {&gratis, nil, 10},
		"as it is sold now":         {&gratis, larger, 20},
		"retired":                   {&gratis, with(func(p *quota.Plan) { p.Retired, p.Emails = true, 20 }), 10},
		"has a price by now":        {&gratis, with(func(p *quota.Plan) { p.Price = 1 }), 0},
		"ends by now":               {&gratis, with(func(p *quota.Plan) { p.Ends = true }), 0},
		"retired, and ends":         {&gratis, with(func(p *quota.Plan) { p.Retired, p.Ends = true, true }), 0},
		"had a price":               {with(func(p *quota.Plan) { p.Price = 1 }), larger, 0},
		"ended":                     {with(func(p *quota.Plan) { p.Ends = true }), larger, 0},
		"of a month":                {with(func(p *quota.Plan) { p.Term = quota.Month }), larger, 0},
		"had a price, not sold now": {with(func(p *quota.Plan) { p.Price = 1 }), nil, 0},
	} {
		p, ok := PlanAfter(&quota.Contract{Plan: *c.was}, c.now)
		if ok != (c.emails > 0) || ok && p.Emails != c.emails {
			t.Errorf("%s: %+v, %v", what, p, ok)
		}
	}
}

// Invoices of the accounts that are below a reseller now, by number across them.
func TestBooks_InvoicesBelow(t *testing.T) {
	f := open(t)
	f.db.Do(t, func(t *room.Tx) (err error) {
		for n, name := range []string{"a", "b", "c", "a", "b"} {
			if n < 3 {
				err = errors.Join(err, f.PutAccount(t, &Account{}, &Account{Name: name, Reseller: []string{"webco", "webco", ""}[n]}))
			}
			is := ledger.Invoice{Number: uint64(n) + 1, Account: name, State: []ledger.InvoiceState{ledger.InvoicePaid, ledger.InvoiceOpen}[n%2]}
			err = errors.Join(err, f.PutInvoice(t, nil, &is))
		}
		return err
	})
	for _, c := range []struct {
		open  bool
		after uint64
		want  []uint64
	}{{false, 0, []uint64{1, 2, 4, 5}}, {true, 0, []uint64{2, 4}}, {false, 2, []uint64{4, 5}}, {true, 4, nil}} {
		var got []uint64
		f.must(f.InvoicesBelow("webco", c.open, c.after, func(i *ledger.Invoice) error { got = append(got, i.Number); return nil }))
		if !slices.Equal(got, c.want) {
			t.Errorf("open %v after %d: %v, want %v", c.open, c.after, got, c.want)
		}
	}
	for n, want := range map[uint64]bool{1: true, 3: false, 5: true, 9: false} {
		if ok, err := f.InvoiceBelow("webco", n); ok != want || err != nil {
			t.Errorf("invoice %d is below it: %v, %v", n, ok, err)
		}
	}
}
