package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
	"relay/quota"
)

// books is what the customers did, as plainly as possible: sums only.
type books struct {
	c     *clock
	path  string
	s     *Store
	twin  *Store // has the same orders, and closes at other times; nil: there is none
	twinP string
	names []string
	sent  map[string]quota.Charge
	cash  map[string]int64 // payments and corrections less what was paid back
	refs  int
	steps int
}

var modelPlans = []quota.Plan{silver, gold, free, count, more}

func (m *books) account(t *rapid.T) string {
	if len(m.names) == 0 {
		t.Skip("no account yet")
	}
	return rapid.SampledFrom(m.names).Draw(t, "account")
}

// do works an order out, does it, and compares; an order that fails must leave
// the file as it was.
func (m *books) do(t *rapid.T, fn func(*Store, Order) (Receipt, error)) (r Receipt, ok bool) {
	for _, s := range []*Store{m.twin, m.s} {
		if s == nil {
			continue
		}
		was := dump(t, s)
		dry, dryErr := fn(s, Order{By: "op", DryRun: true})
		if !reflect.DeepEqual(was, dump(t, s)) {
			t.Fatal("a dry run changed the file")
		}
		var err error
		r, err = fn(s, Order{By: "op"})
		if !reflect.DeepEqual(dry, r) || fmt.Sprint(dryErr) != fmt.Sprint(err) {
			t.Fatalf("dry run = %+v, %v, run = %+v, %v", dry, dryErr, r, err)
		}
		if ok = err == nil; ok {
			continue
		}
		if !reflect.DeepEqual(was, dump(t, s)) {
			t.Fatalf("an order that failed changed the file: %v", err)
		}
		if no := (*quota.Refused)(nil); !errors.As(err, &no) && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrPending) && !errors.Is(err, ErrExists) && !errors.Is(err, ErrActive) && !errors.Is(err, errModel) {
			t.Fatalf("order: %v", err)
		}
	}
	return r, ok
}

var errModel = errors.New("nothing to do")

func (m *books) order(t *rapid.T) {
	if len(m.names) == 4 {
		t.Skip("enough accounts")
	}
	n := NewAccount{Account: Account{Name: fmt.Sprintf("a%d", len(m.names))}, Plan: rapid.SampledFrom(modelPlans).Draw(t, "plan"),
		Activate: rapid.Bool().Draw(t, "activate")}
	if n.Plan.Allows(quota.Continue) && rapid.Bool().Draw(t, "continue") {
		n.Account.AtLimit = quota.Continue
	}
	if _, ok := m.do(t, func(s *Store, o Order) (Receipt, error) { return s.AddAccount(o, n) }); !ok {
		t.Fatal("AddAccount failed")
	}
	m.names = append(m.names, n.Account.Name)
}

func (m *books) send(t *rapid.T) {
	name := m.account(t)
	size := rapid.SampledFrom([]int64{1, 40 * mb, 300 * mb, gb, 3 * gb}).Draw(t, "size")
	rcpts := rapid.SampledFrom([]int{1, 2, 900, 9000}).Draw(t, "recipients")
	ask, _ := quota.ForMessage(size, rcpts)
	for _, s := range []*Store{m.twin, m.s} {
		if s == nil {
			continue
		}
		st, err := s.Standing(name)
		if err != nil {
			t.Fatal(err)
		}
		p, used, a := st.Contract.Plan, st.Usage.Charged, &st.Account
		over := quota.Over(p, used.Add(ask))
		want := a.State == Active && a.Hold == "" && st.InTerm &&
			(over <= quota.Sum(st.Live) || (a.AtLimit == quota.Continue && p.Term == quota.Year && p.Bandwidth > 0))
		was := dump(t, s)
		to := make([]string, rcpts)
		for i := range to {
			to[i] = fmt.Sprintf("r%d@d.test", i)
		}
		in := intake(s, name, 10, to...)
		in.Message.Size, in.Login = size, ""
		r, err := s.Accept(in)
		if err != nil || (r == nil) != want {
			t.Fatalf("Accept(%v after %v of %+v, credit %d) = %+v, %v, want accepted %v", ask, used, p, quota.Sum(st.Live), r, err, want)
		}
		if r != nil && !reflect.DeepEqual(was, dump(t, s)) {
			t.Fatal("a refused message left a trace")
		}
		if r == nil && s == m.s {
			m.sent[name] = m.sent[name].Add(ask)
		}
		if r == nil { // out of the way: the queue is not what is tried here
			if _, _, err := s.Change(OpDrop, []ID{in.Message.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (m *books) topUp(t *rapid.T) {
	name := m.account(t)
	m.do(t, func(s *Store, o Order) (Receipt, error) { return s.TopUp(o, name, "more") })
}

func (m *books) block(t *rapid.T) {
	name, size := m.account(t), rapid.SampledFrom(blocks).Draw(t, "block").Bytes
	m.do(t, func(s *Store, o Order) (Receipt, error) { return s.BuyBlock(o, name, size, 1) })
}

func (m *books) upgrade(t *rapid.T) {
	name := m.account(t)
	m.do(t, func(s *Store, o Order) (Receipt, error) { return s.Upgrade(o, name, "gold") })
}

func (m *books) renew(t *rapid.T) {
	name, plan := m.account(t), rapid.SampledFrom([]string{"", "silver", "count", "more"}).Draw(t, "plan")
	m.do(t, func(s *Store, o Order) (Receipt, error) { return s.Renew(o, name, plan) })
}

func (m *books) activate(t *rapid.T) {
	name := m.account(t)
	m.do(t, func(s *Store, o Order) (Receipt, error) { return s.Activate(o, name) })
}

func (m *books) pay(t *rapid.T) {
	name := m.account(t)
	which := rapid.IntRange(0, 5).Draw(t, "invoice")
	amount := rapid.SampledFrom([]int64{0, 0, 100, 1220, 50_000}).Draw(t, "amount")
	if m.refs == 0 || !rapid.Bool().Draw(t, "again") {
		m.refs++
	}
	ref := fmt.Sprint(m.refs)
	r, ok := m.do(t, func(s *Store, o Order) (Receipt, error) {
		list, err := s.InvoicesOf(name, false)
		if err != nil || which >= len(list) || list[which].Kind == CreditNote || (amount == 0 && list[which].Open() == 0) {
			return Receipt{}, errors.Join(err, errModel)
		}
		return s.RecordPayment(o, Payment{Invoice: list[which].Number, Method: "bank", Reference: ref, Amount: amount})
	})
	if ok {
		m.cash[name] += r.Amount
	}
}

func (m *books) correct(t *rapid.T) {
	name := m.account(t)
	money := rapid.SampledFrom([]int64{-700, 300}).Draw(t, "money")
	if _, ok := m.do(t, func(s *Store, o Order) (Receipt, error) {
		return s.Correct(o, name, Correction{Money: money, Text: "model"})
	}); ok {
		m.cash[name] += money
	}
}

func (m *books) refund(t *rapid.T) {
	name := m.account(t)
	if r, ok := m.do(t, func(s *Store, o Order) (Receipt, error) { return s.Refund(o, name) }); ok {
		m.cash[name] -= r.Amount
	}
}

func (m *books) end(t *rapid.T) {
	name := m.account(t)
	if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
		m.do(t, func(s *Store, o Order) (Receipt, error) { return s.CloseAccount(o, name, "") })
	}
}

func (m *books) suspend(t *rapid.T) {
	name, on := m.account(t), rapid.Bool().Draw(t, "resume")
	m.do(t, func(s *Store, o Order) (Receipt, error) {
		if on {
			return s.Resume(o, name)
		}
		return s.Suspend(o, name, "model")
	})
}

func (m *books) setPlan(t *rapid.T) {
	name, p := m.account(t), rapid.SampledFrom(modelPlans).Draw(t, "plan")
	m.do(t, func(s *Store, o Order) (Receipt, error) {
		if list, err := s.InvoicesOf(name, true); err != nil || len(list) > 0 {
			return Receipt{}, errors.Join(err, errModel)
		}
		return s.SetPlan(o, name, p)
	})
}

// closeDue closes what is over, of one store, and again, which is nothing.
func (m *books) closeDue(t *rapid.T) {
	if _, err := m.s.CloseDue(t.Context(), rapid.IntRange(0, 2).Draw(t, "limit")); err != nil {
		t.Fatal(err)
	}
	m.settled(t, m.s)
}

func (m *books) settled(t *rapid.T, s *Store) {
	if _, err := s.CloseDue(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	was := dump(t, s)
	if n, err := s.CloseDue(t.Context(), 0); err != nil || n != 0 {
		t.Fatalf("CloseDue again = %d, %v", n, err)
	}
	if !reflect.DeepEqual(was, dump(t, s)) {
		t.Fatal("closing twice changed something")
	}
}

func (m *books) dun(t *rapid.T) {
	if _, err := m.s.Dun(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
}

func (m *books) restart(t *rapid.T) {
	if err := m.s.Close(); err != nil {
		t.Fatal(err)
	}
	m.s = openBooks(t, m.path, m.c)
}

func (m *books) wait(t *rapid.T) {
	m.c.add(time.Duration(rapid.SampledFrom([]int{1, 9, 24, 24 * 8, 24 * 30, 24 * 100}).Draw(t, "hours")) * time.Hour)
}

// check: sums of what was done, and what must never be.
func (m *books) check(t *rapid.T) {
	for _, name := range m.names {
		a, err := m.s.Account(name)
		if err != nil {
			t.Fatal(err)
		}
		list, err := m.s.InvoicesOf(name, false)
		if err != nil {
			t.Fatal(err)
		}
		balance := m.cash[name]
		for _, i := range list {
			balance -= i.Total
		}
		if a.Balance != balance {
			t.Fatalf("balance of %s = %d, want %d", name, a.Balance, balance)
		}
		var used quota.Charge
		us, err := m.s.Usages(name)
		for _, u := range us {
			used = used.Add(u.Charged)
		}
		if err != nil || used != m.sent[name] {
			t.Fatalf("usage of %s = %v, %v, want %v", name, used, err, m.sent[name])
		}
		m.credit(t, &a)
	}
	if m.steps++; m.steps%4 == 0 {
		m.verify(t)
	}
}

func (m *books) verify(t *rapid.T) {
	st, err := m.s.Verify(t.Context(), func(p string) { t.Errorf("Verify: %s", p) })
	if err != nil || st.Problems > 0 {
		t.Fatalf("Verify: %+v, %v", st, err)
	}
}

// credit is never negative and never used after its expiry, and with suspend
// nothing is used beyond it.
func (m *books) credit(t *rapid.T, a *Account) {
	left, expires := map[string]int64{}, map[string]time.Time{}
	err := m.s.Ledger(a.Name, func(e *Entry) error {
		if e.Lot == "" {
			return nil
		}
		if _, ok := left[e.Lot]; !ok {
			expires[e.Lot] = e.Expires
		}
		if left[e.Lot] += e.Units; left[e.Lot] < 0 {
			return fmt.Errorf("credit %s of %s: %d", e.Lot, a.Name, left[e.Lot])
		}
		if e.Kind == KindDraw && e.Time.After(expires[e.Lot]) {
			return fmt.Errorf("credit %s of %s is used at %v, it expired at %v", e.Lot, a.Name, e.Time, expires[e.Lot])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	st, err := m.s.Standing(a.Name)
	if err != nil {
		t.Fatal(err)
	}
	if u := st.Use(); a.AtLimit == quota.Suspend && u.Overage > 0 {
		t.Fatalf("%s used %d beyond allowance and credit", a.Name, u.Overage)
	}
	for _, l := range a.Lots {
		if l.Amount <= 0 {
			t.Fatalf("lots of %s = %+v", a.Name, a.Lots)
		}
	}
}

func (m *books) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"order": m.order, "send": m.send, "send more": m.send, "send much": m.send, "top up": m.topUp, "block": m.block, "upgrade": m.upgrade,
		"renew": m.renew, "activate": m.activate, "pay": m.pay, "pay more": m.pay, "correct": m.correct, "refund": m.refund, "end": m.end,
		"suspend": m.suspend, "set plan": m.setPlan, "restart": m.restart, "close due": m.closeDue, "dun": m.dun,
		"wait": m.wait, "wait more": m.wait, "": m.check,
	}
}

func withBooks(t *rapid.T, twin bool, fn func(*books)) {
	dir, err := os.MkdirTemp("", "relay-books-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	m := &books{c: &clock{t: epoch}, path: filepath.Join(dir, "relay.db"), twinP: filepath.Join(dir, "twin.db"),
		sent: map[string]quota.Charge{}, cash: map[string]int64{}}
	m.s = openBooks(t, m.path, m.c)
	defer func() { _ = m.s.Close() }()
	stores := []*Store{m.s}
	if twin {
		m.twin = openBooks(t, m.twinP, m.c)
		defer func() { _ = m.twin.Close() }()
		stores = append(stores, m.twin)
	}
	for _, s := range stores {
		for _, p := range []quota.Plan{silver, gold, free, count, more} {
			if err := s.AddPlan(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	fn(m)
	m.verify(t)
}

// Whatever is ordered, sent, paid, closed, refunded in whatever order, over
// months and restarts: the sums are those of what was done.
func TestBooks_AgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		withBooks(t, false, func(m *books) { t.Repeat(m.actions()) })
	})
}

// The same events give the same ledgers whether periods are closed by the job,
// at whatever times, or by the next order or message.
func TestBooks_batches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		withBooks(t, true, func(m *books) {
			actions := m.actions()
			delete(actions, "dun") // an invoice is due from when it was issued
			t.Repeat(actions)
			m.settled(t, m.s)
			m.settled(t, m.twin)
			for _, name := range m.names {
				a, b := ledgerOf(t, m.s, name), ledgerOf(t, m.twin, name)
				if !reflect.DeepEqual(a, b) {
					t.Fatalf("ledgers of %s:\n%+v\n%+v", name, a, b)
				}
			}
		})
	})
}

// ledgerOf is a ledger without numbers of invoices, which other accounts share,
// and without when a close ran.
func ledgerOf(t *rapid.T, s *Store, name string) (list []Entry) {
	err := s.Ledger(name, func(e *Entry) error {
		e.Ref = ""
		if e.Kind == KindClosed || e.Kind == KindInvoice {
			e.Time = time.Time{}
		}
		if e.Contract != nil {
			e.Contract.Invoice = ""
		}
		list = append(list, *e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
