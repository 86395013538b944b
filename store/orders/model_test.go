package orders

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// model has what the customers did, as sums only.
type model struct {
	*fixture
	names []string
	refs  int
	given map[string]int64 // corrections, minor units
	done  map[string]int   // what was ordered, and done
}

// known are answers, no faults.
func known(err error) bool {
	no, notFree := (*quota.Refusal)(nil), (*NotFree)(nil)
	return strings.HasSuffix(err.Error(), "credit would be lost at once") || errors.As(err, &no) || errors.As(err, &notFree) || slices.ContainsFunc([]error{ErrClosed, ErrPending, ErrActive, ErrWaits, ErrReversed,
		room.ErrExists, room.ErrNotFound}, func(is error) bool { return errors.Is(err, is) })
}

// do works an order out, has its rest fail, and does it: only the last one leaves a trace, and each
// comes to the same.
func (m *model) do(t *rapid.T, what string, fn func(behalf.Order) (Receipt, error)) (r Receipt, ok bool) {
	was := m.db.Dump(t)
	m.heard = nil
	dry, dryErr := fn(behalf.Order{By: "op", DryRun: true})
	if m.heard != nil || !reflect.DeepEqual(was, m.db.Dump(t)) {
		t.Fatalf("%s: a dry run left a trace", what)
	}
	m.fails = errDone
	_, err := fn(operator)
	m.fails = nil
	if dryErr == nil && !errors.Is(err, errDone) || !reflect.DeepEqual(was, m.db.Dump(t)) {
		t.Fatalf("%s: it failed with %v, the dry run with %v, or it left a trace", what, err, dryErr)
	}
	m.heard = nil
	r, err = fn(operator)
	if fmt.Sprint(dryErr) != fmt.Sprint(err) || !reflect.DeepEqual(dry, r) {
		t.Fatalf("%s: dry run %+v, %v\norder %+v, %v", what, dry, dryErr, r, err)
	}
	if err != nil {
		if m.heard != nil || !reflect.DeepEqual(was, m.db.Dump(t)) || !known(err) {
			t.Fatalf("%s was refused: %v, or left a trace", what, err)
		}
		return r, false
	}
	if !reflect.DeepEqual(*m.heard.Is, r.After) || !reflect.DeepEqual(m.heard.Entries, r.Entries) {
		t.Fatalf("%s: done heard of %+v, the receipt is %+v", what, m.heard, r)
	}
	for _, e := range r.Entries {
		if e.Kind == ledger.KindCorrection {
			m.given[e.Account] += e.Money
		}
	}
	m.done[what]++
	return r, true
}

func (m *model) of(t *rapid.T) string {
	if len(m.names) == 0 {
		t.Skip("no account yet")
	}
	return rapid.SampledFrom(m.names).Draw(t, "account")
}

func (m *model) ref() string {
	m.refs++
	return fmt.Sprint(m.refs)
}

func (m *model) add(t *rapid.T) {
	if len(m.names) == 3 {
		t.Skip("enough accounts")
	}
	name, p, activate := fmt.Sprint("a", len(m.names)), rapid.SampledFrom(plans).Draw(t, "plan"), rapid.Bool().Draw(t, "activate")
	if _, ok := m.do(t, "add", func(o behalf.Order) (Receipt, error) { return m.fixture.add(o, name, p, activate) }); ok {
		m.names = append(m.names, name)
	}
}

func (m *model) send(t *rapid.T) {
	m.use(m.of(t), quota.Charge{Messages: rapid.Int64Range(1, 900).Draw(t, "e-mails"), Bytes: rapid.Int64Range(1, gb).Draw(t, "octets")})
}

func (m *model) buy(t *rapid.T) {
	name := m.of(t)
	p := rapid.SampledFrom([]string{"gold", "silver", "more", ""}).Draw(t, "plan")
	switch rapid.SampledFrom([]string{"renew", "upgrade", "top up", "block", "activate"}).Draw(t, "what") {
	case "renew":
		m.do(t, "renew", func(o behalf.Order) (Receipt, error) { return m.Renew(o, name, p) })
	case "upgrade":
		m.do(t, "upgrade", func(o behalf.Order) (Receipt, error) { return m.Upgrade(o, name, "gold") })
	case "top up":
		m.do(t, "top up", func(o behalf.Order) (Receipt, error) { return m.TopUp(o, name, "more") })
	case "block":
		m.do(t, "block", func(o behalf.Order) (Receipt, error) { return m.BuyBlock(o, name, gb, 1) })
	default:
		m.do(t, "activate", func(o behalf.Order) (Receipt, error) { return m.Activate(o, name) })
	}
}

// someInvoice is one of an account; open: that is not paid.
func (m *model) someInvoice(t *rapid.T, account string, open bool) ledger.Invoice {
	list, err := m.books.InvoicesOf(account, open)
	if err != nil {
		t.Fatal(err)
	}
	list = slices.DeleteFunc(list, func(i ledger.Invoice) bool { return i.Kind == ledger.CreditNote })
	if len(list) == 0 {
		t.Skip("no such invoice")
	}
	return rapid.SampledFrom(list).Draw(t, "invoice")
}

func (m *model) receive(t *rapid.T) {
	i := m.someInvoice(t, m.of(t), rapid.Bool().Draw(t, "open"))
	amount := rapid.SampledFrom([]int64{100, 5000, 40_000}).Draw(t, "amount")
	if i.Open() > 0 && rapid.Bool().Draw(t, "what is open") {
		amount = 0
	}
	ref := m.ref()
	if rapid.IntRange(0, 4).Draw(t, "again") == 0 {
		ref = "1"
	}
	m.do(t, "pay", func(o behalf.Order) (Receipt, error) { return m.pay(o, i.Number, amount, ref) })
}

func (m *model) takeBack(t *rapid.T) {
	name := m.of(t)
	var list []ledger.Payment
	m.must(m.books.Payments(func(p *ledger.Payment) error {
		if p.Account == name && p.Method == "bank" {
			list = append(list, *p)
		}
		return nil
	}))
	if len(list) == 0 {
		t.Skip("no payment")
	}
	p, suspend := rapid.SampledFrom(list).Draw(t, "payment"), rapid.Bool().Draw(t, "at once")
	m.do(t, "reverse", func(o behalf.Order) (Receipt, error) {
		return m.ReversePayment(o, Reversal{Invoice: p.Invoice, Reference: p.Reference, Text: "bounced", Suspend: suspend})
	})
}

func (m *model) operate(t *rapid.T) {
	name := m.of(t)
	switch rapid.SampledFrom([]string{"correct", "refund", "cancel", "suspend", "resume", "grant", "close"}).Draw(t, "what") {
	case "correct":
		c := Correction{Money: rapid.SampledFrom([]int64{-700, 300, 20_000}).Draw(t, "money"), Text: "model"}
		m.do(t, "correct", func(o behalf.Order) (Receipt, error) { return m.Correct(o, name, c) })
	case "grant":
		m.do(t, "grant", func(o behalf.Order) (Receipt, error) {
			return m.Correct(o, name, Correction{Units: 1000, Text: "model"})
		})
	case "refund":
		m.do(t, "refund", func(o behalf.Order) (Receipt, error) { return m.Refund(o, name) })
	case "cancel":
		i := m.someInvoice(t, name, true)
		m.do(t, "cancel", func(o behalf.Order) (Receipt, error) { return m.CancelInvoice(o, i.Number, "model") })
	case "suspend":
		m.do(t, "suspend", func(o behalf.Order) (Receipt, error) { return m.Suspend(o, name, "model") })
	case "resume":
		m.do(t, "resume", func(o behalf.Order) (Receipt, error) { return m.Resume(o, name) })
	case "close":
		if rapid.Bool().Draw(t, "really") {
			m.do(t, "close", func(o behalf.Order) (Receipt, error) { return m.CloseAccount(o, name, "model") })
		}
	}
}

// chores are what jobs do: the second time there is nothing left.
func (m *model) chores(t *rapid.T) {
	ctx, now := context.Background(), m.db.Now()
	run := func(what string, fn func() error) {
		m.must(fn())
		is := m.db.Dump(t)
		m.must(fn())
		if !reflect.DeepEqual(is, m.db.Dump(t)) {
			t.Fatalf("%s twice is not once", what)
		}
	}
	run("CloseBy", func() error { return m.CloseBy(ctx, now, func(_ string, _ Receipt, err error) { m.must(err) }) })
	run("DunBy", func() error { return m.DunBy(ctx, now, func(_ ledger.Invoice, _ Receipt, err error) { m.must(err) }) })
	run("RemindBy", func() error { return m.RemindBy(ctx, now, func(_ ledger.Invoice, err error) { m.must(err) }) })
	run("Warn", func() error {
		return m.Warn(ctx, Endings{Steps: []int{30, 7}, Told: func(_ *Warning, err error) { m.must(err) }})
	})
}

func (m *model) wait(t *rapid.T) {
	m.db.Pass(time.Duration(rapid.SampledFrom([]int{1, 20, 31, 100, 366}).Draw(t, "days")) * day)
}

func (m *model) back(t *rapid.T) {
	m.db.Pass(-time.Duration(rapid.IntRange(1, 50).Draw(t, "hours")) * time.Hour)
}

func (m *model) check(t *rapid.T) {
	if found := m.verify(); found != nil {
		t.Fatalf("found %q", found)
	}
	for _, name := range m.names {
		m.compare(t, name)
	}
	var n uint64
	for _, k := range m.db.Keys(m, bucket.Invoices) {
		if n++; room.LastNumber([]byte(k)) != n {
			t.Fatalf("invoice %d is in the place of %d", room.LastNumber([]byte(k)), n)
		}
	}
}

// compare an account with the sums of its ledger, and its balance with its invoices and payments.
func (m *model) compare(t *rapid.T, name string) {
	a, f := m.account(name), ledger.NewFold(m.zone)
	list := m.entries(name)
	for i := range list {
		f.Add(&list[i])
	}
	if f.Faults != nil || a.Balance != f.Balance || a.Open != f.Granted || a.Seq != uint64(len(list)) {
		t.Fatalf("%s has %d, open %q, entry %d; its ledger %d, %q, %d, %q", name, a.Balance, a.Open, a.Seq, f.Balance, f.Granted, len(list), f.Faults)
	}
	if len(a.Lots)+len(f.Lots) > 0 && !reflect.DeepEqual(byRef(a.Lots), byRef(f.Lots)) {
		t.Fatalf("%s has credit %+v, its ledger %+v", name, a.Lots, f.Lots)
	}
	want := m.given[name]
	m.must(m.books.Payments(func(p *ledger.Payment) error {
		if p.Account == name {
			want += p.Amount
		}
		return nil
	}))
	bills, err := m.books.InvoicesOf(name, false)
	m.must(err)
	for _, i := range bills {
		want -= i.Total
	}
	if a.Balance != want {
		t.Fatalf("%s has %d, its payments, corrections and invoices come to %d", name, a.Balance, want)
	}
}

func byRef(lots []quota.Lot) map[string]quota.Lot {
	all := map[string]quota.Lot{}
	for _, l := range lots {
		all[l.Ref] = l
	}
	return all
}

// Whatever is ordered, in whatever order and time, an account is the sum of its ledger, and the books
// are without fault.
func TestOrders_AgainstModel(t *testing.T) {
	done := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		m := &model{fixture: open(t), given: map[string]int64{}, done: done}
		defer m.db.Close(t)
		r.Repeat(map[string]func(*rapid.T){"add": m.add, "send": m.send, "buy": m.buy, "receive": m.receive, "take back": m.takeBack,
			"operate": m.operate, "chores": m.chores, "wait": m.wait, "back": m.back, "kill": func(*rapid.T) { m.kill() }, "": m.check})
	})
	t.Logf("done %v", done)
}

// However late, often and by whom periods are closed, they come to the same ledger.
func TestOrders_closing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		list := []*fixture{open(t), open(t), open(t)}
		for _, f := range list {
			defer f.db.Close(t)
			f.did(f.add(operator, "acme", silver, true))
			f.did(f.Correct(operator, "acme", Correction{Money: 30_000, Text: "ahead"}))
		}
		each := func(fn func(f *fixture)) {
			for _, f := range list {
				fn(f)
			}
		}
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			hours := rapid.IntRange(1, 40*24).Draw(r, "hours")
			some := rapid.IntRange(0, hours).Draw(r, "hours until one close")
			for left := hours; left > 0; left -= 6 { // the first one at once, and again
				list[0].db.Pass(time.Duration(min(left, 6)) * time.Hour)
				list[0].closeDue()
			}
			list[1].db.Pass(time.Duration(some) * time.Hour) // another one sometimes, as of a while ago
			_, err := list[1].CloseDue("acme", list[1].db.Now().Add(-5*time.Hour))
			list[1].must(err)
			list[1].db.Pass(time.Duration(hours-some) * time.Hour)
			list[2].db.Pass(time.Duration(hours) * time.Hour) // the third one only by what is ordered and sent
			sent := quota.Charge{Messages: 1, Bytes: rapid.Int64Range(0, 3*gb).Draw(r, "octets")}
			block := rapid.IntRange(0, 5).Draw(r, "block") == 0
			each(func(f *fixture) {
				if sent.Bytes > gb/2 {
					f.use("acme", sent)
				}
				if !block {
					return
				}
				if _, err := f.BuyBlock(operator, "acme", gb, 1); err != nil && !known(err) {
					r.Fatal(err)
				}
			})
		}
		each(func(f *fixture) { f.closeDue() })
		want, is := list[0].entries("acme"), list[0].account("acme")
		for at, f := range list {
			if n := f.closeDue(); n != 0 {
				r.Fatalf("%d were closed again", n)
			}
			if got := f.entries("acme"); !reflect.DeepEqual(want, got) || !reflect.DeepEqual(is, f.account("acme")) {
				r.Fatalf("closed at once: %+v\n%+v\nstore %d: %+v\n%+v", want, is, at, got, f.account("acme"))
			}
			if found := f.verify(); found != nil {
				r.Fatalf("found %q", found)
			}
		}
	})
}

// What is closed, and what is not due, is left alone; an account that cannot be closed holds up no other.
func TestOrders_CloseBy(t *testing.T) {
	f := open(t)
	for _, name := range []string{"acme", "bad", "other"} {
		f.did(f.add(operator, name, free, false))
		f.use(name, quota.Charge{Messages: 1, Bytes: 3 * gb})
	}
	if n := f.closeDue(); n != 0 {
		t.Errorf("%d were closed before the month was over", n)
	}
	f.db.Pass(31 * day)
	f.db.Do(t, func(t *room.Tx) error { return t.Put(bucket.Usage, room.Pair("bad", "2026-03"), []byte("{")) })
	told := map[string]bool{}
	f.must(f.CloseBy(context.Background(), f.db.Now(), func(name string, _ Receipt, err error) { told[name] = err == nil }))
	if want := map[string]bool{"acme": true, "bad": false, "other": true}; !reflect.DeepEqual(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	want := []ledger.Kind{ledger.KindActivated, ledger.KindGrant, ledger.KindCharge, ledger.KindOverage, ledger.KindClosed, ledger.KindInvoice, ledger.KindGrant}
	if got := f.kinds("acme", 0); !slices.Equal(got, want) {
		t.Errorf("entries are %v", got)
	}
	if got := f.account("bad"); got.Open != "2026-03" {
		t.Errorf("the period that cannot be read was closed: %q is open", got.Open)
	}
}

// A clock that goes back opens nothing again, and what is closed stays closed.
func TestOrders_clockBack(t *testing.T) {
	f := open(t)
	f.did(f.add(operator, "acme", free, false))
	f.db.Pass(31 * day)
	f.closeDue()
	was := f.entries("acme")
	f.db.Pass(-20 * day)
	r := f.did(f.BuyBlock(operator, "acme", gb, 1))
	if got := f.entries("acme"); !reflect.DeepEqual(got[:len(was)], was) || r.Entries[0].Time.Before(was[len(was)-1].Time) || r.After.Open != "2026-04" {
		t.Errorf("entries are %+v", got)
	}
	if found := f.verify(); found != nil {
		t.Errorf("found %q", found)
	}
}
