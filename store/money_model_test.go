package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/overview"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/standing"
)

// books is what the customers did, as plainly as possible: sums only.
type moneyModel struct {
	c     *clock
	path  string
	s     *Store
	twin  *Store // has the same orders, and closes at other times; nil: there is none
	twinP string
	names []string
	goOn  map[string]bool // chose to continue at the limit, when it was added
	sent  map[string]quota.Charge
	cash  map[string]int64 // payments and corrections less what was paid back
	refs  int
	steps int
}

// Plans of which a few messages use all.
var (
	fewer      = quota.Plan{Name: "count", Term: quota.Year, Emails: 2000, Price: 9000}
	pack       = quota.Plan{Name: "more", Term: quota.Month, Emails: 1400, Price: 700}
	modelPlans = []quota.Plan{silver, gold, free, fewer, pack}
)

func (m *moneyModel) account(t *rapid.T) string {
	if len(m.names) == 0 {
		t.Skip("no account yet")
	}
	return rapid.SampledFrom(m.names).Draw(t, "account")
}

// do works an order out, does it, and compares; an order that fails must leave
// the file as it was.
func (m *moneyModel) do(t *rapid.T, fn func(*Store, behalf.Order) (orders.Receipt, error)) (r orders.Receipt, ok bool) {
	for _, s := range []*Store{m.twin, m.s} {
		if s == nil {
			continue
		}
		was := m.dump(t, s)
		dry, dryErr := fn(s, behalf.Order{By: "op", DryRun: true})
		if !reflect.DeepEqual(was, m.dump(t, s)) {
			t.Fatal("a dry run changed the file")
		}
		var err error
		r, err = fn(s, behalf.Order{By: "op"})
		if !reflect.DeepEqual(dry, r) || fmt.Sprint(dryErr) != fmt.Sprint(err) {
			t.Fatalf("dry run = %+v, %v, run = %+v, %v", dry, dryErr, r, err)
		}
		if ok = err == nil; ok {
			continue
		}
		if !reflect.DeepEqual(was, m.dump(t, s)) {
			t.Fatalf("an order that failed changed the file: %v", err)
		}
		if no := (*quota.Refusal)(nil); !errors.As(err, &no) && !errors.Is(err, orders.ErrClosed) && !errors.Is(err, orders.ErrPending) && !errors.Is(err, ErrExists) && !errors.Is(err, orders.ErrActive) && !errors.Is(err, orders.ErrWaits) && !errors.Is(err, errModel) {
			t.Fatalf("order: %v", err)
		}
	}
	return r, ok
}

// dump is the file, but of twins, which are compared with each other.
func (m *moneyModel) dump(t *rapid.T, s *Store) map[string]string {
	if m.twin != nil {
		return nil
	}
	return dump(t, s)
}

var errModel = errors.New("nothing to do")

func (m *moneyModel) order(t *rapid.T) {
	if len(m.names) == 6 {
		t.Skip("enough accounts")
	}
	m.add(t, rapid.SampledFrom(modelPlans).Draw(t, "plan"), rapid.Bool().Draw(t, "activate"))
}

func (m *moneyModel) add(t *rapid.T, p quota.Plan, activate bool) {
	n := orders.NewAccount{Account: books.Account{Name: fmt.Sprintf("a%d", len(m.names)), Contact: "boss@acme.test"}, Plan: p, Activate: activate}
	if p.Allows(quota.Continue) {
		n.Account.AtLimit = rapid.SampledFrom([]quota.AtLimit{quota.Suspend, quota.Suspend, "", quota.Continue}).Draw(t, "at limit")
		n.Account.OverMax = rapid.SampledFrom([]int64{0, quota.Uncapped, 2 * gb}).Draw(t, "ceiling")
	}
	m.goOn[n.Account.Name] = n.Account.AtLimit != quota.Suspend
	if _, ok := m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.AddAccount(o, n) }); !ok {
		t.Fatal("AddAccount failed")
	}
	m.names = append(m.names, n.Account.Name)
}

// send some messages: few of them fill an allowance.
func (m *moneyModel) send(t *rapid.T) {
	name := m.account(t)
	for range rapid.IntRange(1, 3).Draw(t, "messages") {
		x := rapid.SampledFrom([][2]int64{{1, 1}, {700, 1}, {1, 300 * mb}, {1, 700 * mb}, {2, gb}, {700, 3 * mb}, {700, 40 * mb}, {1, 6 * gb}}).Draw(t, "recipients, size")
		m.sendOne(t, name, x[1], int(x[0]))
	}
}

// busy: everybody uses what there is, and the month turns.
func (m *moneyModel) busy(t *rapid.T) {
	for _, name := range m.names {
		size := rapid.SampledFrom([]int64{mb, 400 * mb, 900 * mb}).Draw(t, "size")
		for range rapid.IntRange(1, 4).Draw(t, "messages") {
			m.sendOne(t, name, size, int(min(gb/size, 800)))
		}
	}
	m.c.set(time.Date(m.c.now().Year(), m.c.now().Month()+1, 1, 0, 0, 0, 0, time.UTC))
}

func (m *moneyModel) sendOne(t *rapid.T, name string, size int64, rcpts int) {
	ask, _ := quota.ForMessage(size, rcpts)
	for _, s := range []*Store{m.twin, m.s} {
		if s == nil {
			continue
		}
		st, err := s.Standings.Standing(name)
		if err != nil {
			t.Fatal(err)
		}
		p, used, a := plainShare(&st), st.Used.Charged, &st.Account
		over, credit := plainOver(p, used.Add(ask)), int64(0)
		for _, l := range st.Live {
			credit += l.Amount
		}
		want := a.State == ledger.Active && a.Hold == "" && st.InTerm &&
			over <= credit+plainCeiling(a, &p)
		if next, left := nextTerm(&st, m.c.now()); !want && a.State == ledger.Active && a.Hold == "" && next != nil { // M13
			want = plainOver(*next, ask) <= left+plainCeiling(a, next)
		}
		was := map[string]string(nil)
		if !want {
			was = m.dump(t, s)
		}
		to := make([]string, rcpts)
		for i := range to {
			to[i] = fmt.Sprintf("r%d@d.test", i)
		}
		in := intake(s, name, 10, to...)
		in.Message.Size, in.Login = size, ""
		r, err := s.Accept(in)
		if err != nil || (r == nil) != want {
			t.Fatalf("Accept(%v after %v of %+v, credit %d) = %+v, %v, want accepted %v", ask, used, p, credit, r, err, want)
		}
		if r != nil && !reflect.DeepEqual(was, m.dump(t, s)) {
			t.Fatal("a refused message left a trace")
		}
		if r == nil && s == m.s {
			m.sent[name] = m.sent[name].Add(ask)
		}
		if r == nil { // out of the way: the queue is not what is tried here
			if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{in.Message.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// plainCeiling is M14 in short: 0 where it suspends.
func plainCeiling(a *books.Account, p *quota.Plan) int64 {
	switch {
	case p.Term != quota.Year || p.Bandwidth == 0 || a.AtLimit == quota.Suspend || a.AtLimit == "" && len(p.Blocks) == 0:
		return 0
	case a.OverMax == quota.Uncapped || a.OverMax == 0 && len(p.Blocks) == 0:
		return 1 << 60
	case a.OverMax > 0:
		return a.OverMax
	}
	return 5 * gb // the largest block
}

// plainShare is M13 in short: the limits of a year's plan in the month that its
// dates and those of the term before make of it.
func plainShare(st *standing.Standing) quota.Plan {
	c := &st.Contract
	p := c.Plan
	if p.Term != quota.Year {
		return p
	}
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	at := st.Period.Start.In(zone)
	begun, days := c.Start.In(zone), int64(time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day())
	before, up := int64(c.Day-1), days-1
	switch {
	case at.Year() == begun.Year()+1 && at.Month() == begun.Month() && before > 0: // the last
	case at.Year() == begun.Year() && at.Month() == begun.Month() && c.Rest: // the rest of it
		before, up = days-before, 0
	default:
		return p
	}
	p.Emails, p.Bandwidth = (p.Emails*before+up)/days, (p.Bandwidth*before+up)/days
	return p
}

// nextTerm is the plan of the term that may begin where a month's is not enough, with
// the share that it has of the month then, and what it would be credited; nil: none may.
func nextTerm(st *standing.Standing, now time.Time) (next *quota.Plan, left int64) {
	p := st.Contract.Plan
	for _, l := range st.Live {
		left += l.Amount
	}
	left = max(p.Emails+left-st.Used.Charged.Messages, 0)
	if !st.InTerm || p.Term != quota.Month {
		return nil, 0
	}
	for _, c := range st.Account.Contracts {
		if !c.Start.After(st.Contract.Start) {
			continue
		}
		if c.Plan.Bandwidth > 0 {
			if left > 0 {
				return nil, 0 // of other units
			}
			return plainRest(c.Plan, now), 0
		}
		return plainRest(c.Plan, now), left
	}
	return nil, 0
}

// plainRest is what a year has of the month in which it begins without a gap.
func plainRest(p quota.Plan, now time.Time) *quota.Plan {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	at := now.In(zone)
	if days := int64(time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()); p.Term == quota.Year {
		here := days - int64(at.Day()-1)
		p.Emails, p.Bandwidth = p.Emails*here/days, p.Bandwidth*here/days
	}
	return &p
}

func (m *moneyModel) topUp(t *rapid.T) {
	name := m.account(t)
	m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.TopUp(o, name, "more") })
}

func (m *moneyModel) block(t *rapid.T) {
	name, size := m.account(t), rapid.SampledFrom(blocks).Draw(t, "block").Bytes
	m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.BuyBlock(o, name, size, 1) })
}

func (m *moneyModel) upgrade(t *rapid.T) {
	name := m.account(t)
	m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.Upgrade(o, name, "gold") })
}

func (m *moneyModel) renew(t *rapid.T) {
	name, plan := m.account(t), rapid.SampledFrom([]string{"", "silver", "count", "more"}).Draw(t, "plan")
	m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.Renew(o, name, plan) })
}

// useUp sends all that a month's plan allows, and more; sometimes what comes after it
// is paid already.
func (m *moneyModel) useUp(t *rapid.T) {
	name := m.names[3] // of such a plan
	if rapid.Bool().Draw(t, "renewed before") {
		m.renewal(t, name)
	}
	for range 2 {
		m.sendOne(t, name, 1, 700)
	}
	if rapid.Bool().Draw(t, "renewed after") {
		m.renewal(t, name)
	}
	m.sendOne(t, name, 1, 1)
}

// renewal that is ordered and paid.
func (m *moneyModel) renewal(t *rapid.T, name string) {
	m.refs++
	ref := fmt.Sprint(m.refs)
	m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.Renew(o, name, "more") })
	r, ok := m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) {
		list, err := m.invoices(s, name, true)
		if i := len(list) - 1; err == nil && i >= 0 && list[i].Kind == ledger.ForRenewal {
			return s.Orders.RecordPayment(o, ledger.Payment{Invoice: list[i].Number, Method: "bank", Reference: ref, Amount: list[i].Open()})
		}
		return orders.Receipt{}, errors.Join(err, errModel)
	})
	if ok {
		m.cash[name] += r.Amount
	}
}

func (m *moneyModel) activate(t *rapid.T) {
	name := m.account(t)
	m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.Activate(o, name) })
}

// invoices to choose from. Of twins one may not have closed the month yet, so they
// leave out what the close invoices.
func (m *moneyModel) invoices(s *Store, name string, open bool) ([]ledger.Invoice, error) {
	list, err := s.Books.InvoicesOf(name, open)
	if m.twin != nil {
		list = slices.DeleteFunc(list, func(i ledger.Invoice) bool { return i.Kind == ledger.ForOverage })
	}
	return list, err
}

func (m *moneyModel) pay(t *rapid.T) {
	name := m.account(t)
	which := rapid.IntRange(0, 5).Draw(t, "invoice")
	amount := rapid.SampledFrom([]int64{0, 0, 100, 1220, 50_000}).Draw(t, "amount")
	if m.refs == 0 || !rapid.Bool().Draw(t, "again") {
		m.refs++
	}
	ref := fmt.Sprint(m.refs)
	r, ok := m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) {
		list, err := m.invoices(s, name, false)
		if err != nil || which >= len(list) || list[which].Kind == ledger.CreditNote || (amount == 0 && list[which].Open() == 0) {
			return orders.Receipt{}, errors.Join(err, errModel)
		}
		return s.Orders.RecordPayment(o, ledger.Payment{Invoice: list[which].Number, Method: "bank", Reference: ref, Amount: amount})
	})
	if ok {
		m.cash[name] += r.Amount
	}
}

// takeBack reverses some payment; the money may have gone anywhere since.
func (m *moneyModel) takeBack(t *rapid.T) {
	name := m.account(t)
	which, suspend := rapid.IntRange(0, 3).Draw(t, "payment"), rapid.Bool().Draw(t, "at once")
	r, ok := m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) {
		var list []ledger.Payment
		err := s.Books.Payments(func(p *ledger.Payment) error {
			if p.Account == name && p.Method == "bank" && p.Invoice != 0 && p.Reversed == 0 {
				list = append(list, *p)
			}
			return nil
		})
		if err != nil || which >= len(list) {
			return orders.Receipt{}, errors.Join(err, errModel)
		}
		return s.Orders.ReversePayment(o, orders.Reversal{Invoice: list[which].Invoice, Reference: list[which].Reference, Text: "bounced", Suspend: suspend})
	})
	if ok {
		m.cash[name] += r.Amount
	}
}

// payAll that is open of an account at once, or what it owes besides.
func (m *moneyModel) payAll(t *rapid.T) {
	name, debt := m.account(t), rapid.Bool().Draw(t, "debt")
	m.refs++
	p := ledger.Payment{Account: name, Method: "bank", Reference: fmt.Sprint(m.refs), Amount: rapid.SampledFrom([]int64{0, 500, 9000}).Draw(t, "amount")}
	r, ok := m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) {
		list, err := m.invoices(s, name, true)
		if err != nil || len(list) == 0 && (!debt || p.Amount == 0) {
			return orders.Receipt{}, errors.Join(err, errModel)
		}
		is := p
		if !debt {
			is.Invoice = list[0].Number
			for _, i := range list[1:] {
				is.Also = append(is.Also, i.Number)
			}
		} else if is.Amount == 0 {
			return orders.Receipt{}, errModel
		}
		return s.Orders.RecordPayment(o, is)
	})
	if ok {
		m.cash[name] += r.Amount
	}
}

func (m *moneyModel) correct(t *rapid.T) {
	name := m.account(t)
	money := rapid.SampledFrom([]int64{-700, 300}).Draw(t, "money")
	if _, ok := m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) {
		return s.Orders.Correct(o, name, orders.Correction{Money: money, Text: "model"})
	}); ok {
		m.cash[name] += money
	}
}

func (m *moneyModel) refund(t *rapid.T) {
	name := m.account(t)
	if r, ok := m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.Refund(o, name) }); ok {
		for _, e := range r.Entries { // what is paid back, and goodwill that ends
			if e.Kind == ledger.KindRefund || e.Kind == ledger.KindCorrection {
				m.cash[name] += e.Money
			}
		}
	}
}

func (m *moneyModel) end(t *rapid.T) {
	name := m.account(t)
	if rapid.IntRange(0, 9).Draw(t, "really") == 9 {
		m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.CloseAccount(o, name, "") })
	}
}

func (m *moneyModel) cancel(t *rapid.T) {
	name, which := m.account(t), rapid.IntRange(0, 5).Draw(t, "invoice")
	m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) {
		list, err := m.invoices(s, name, true)
		if err != nil || which >= len(list) {
			return orders.Receipt{}, errors.Join(err, errModel)
		}
		return s.Orders.CancelInvoice(o, list[which].Number, "model")
	})
}

func (m *moneyModel) suspend(t *rapid.T) {
	name, on := m.account(t), rapid.Bool().Draw(t, "resume")
	m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) {
		if on {
			return s.Orders.Resume(o, name)
		}
		return s.Orders.Suspend(o, name, "model")
	})
}

func (m *moneyModel) setPlan(t *rapid.T) {
	name, p := m.account(t), rapid.SampledFrom(modelPlans).Draw(t, "plan")
	m.do(t, func(s *Store, o behalf.Order) (orders.Receipt, error) {
		if list, err := m.invoices(s, name, true); err != nil || len(list) > 0 {
			return orders.Receipt{}, errors.Join(err, errModel)
		}
		return s.Orders.ChangeAccount(o, name, change(orders.Change{Plan: &p}))
	})
}

// closeDue closes what is over, of one store, and again, which is nothing.
func (m *moneyModel) closeDue(t *rapid.T) {
	if _, err := m.s.Orders.CloseDue(m.account(t), m.c.now()); err != nil { // one only, at first
		t.Fatal(err)
	}
	m.settled(t, m.s)
}

func (m *moneyModel) settled(t *rapid.T, s *Store) {
	before, now := m.statements(t, s), m.c.now()
	defer func() {
		if after := m.statements(t, s); !reflect.DeepEqual(before, after) {
			t.Fatalf("at %v statements before a close and after it:\n%+v\n%+v", now, before, after)
		}
	}()
	if _, err := closeNow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	was := dump(t, s)
	if n, err := closeNow(t.Context(), s); err != nil || n != 0 {
		t.Fatalf("CloseBy again = %d, %v", n, err)
	}
	if !reflect.DeepEqual(was, dump(t, s)) {
		t.Fatal("closing twice changed something")
	}
}

// statements of all, without what a close that is due cannot know.
func (m *moneyModel) statements(t *rapid.T, s *Store) (list []overview.Statement) {
	for _, name := range m.names {
		st, err := s.Overview.Statement(name, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range st.Entries {
			st.Entries[i].Ref = ""
		}
		for i := range st.Invoices {
			st.Invoices[i].Number, st.Invoices[i].Issued = "", time.Time{}
		}
		list = append(list, st)
	}
	return list
}

func (m *moneyModel) dun(t *rapid.T) {
	if _, err := dunNow(t.Context(), m.s); err != nil {
		t.Fatal(err)
	}
}

// warn tells each step of each term once.
func (m *moneyModel) warn(t *rapid.T) {
	again := false
	e := orders.Endings{Steps: []int{25, 14, 3}, Told: func(w *orders.Warning, err error) {
		if err != nil || w.To() == "" || again {
			t.Fatalf("warned %+v, %v; the second time %v", w, err, again)
		}
	}}
	for range 2 {
		if err := m.s.Orders.Warn(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		again = true
	}
	for _, name := range m.names {
		told := map[string]int{}
		for _, e := range ledgerOf(t, m.s, name) {
			if e.Kind != ledger.KindWarned {
				continue
			}
			if was, ok := told[e.Period]; ok && e.Days >= was {
				t.Fatalf("%s was told %d days before the end of %s, and then %d", name, was, e.Period, e.Days)
			}
			told[e.Period] = e.Days
		}
	}
}

func (m *moneyModel) restart(t *rapid.T) {
	if err := m.s.Close(); err != nil {
		t.Fatal(err)
	}
	m.s = openBooks(t, m.path, m.c)
}

func (m *moneyModel) wait(t *rapid.T) {
	m.c.add(time.Duration(rapid.SampledFrom([]int{1, 9, 24, 24 * 8, 24 * 30, 24 * 100}).Draw(t, "hours")) * time.Hour)
}

// back: the clock is set back, over a month's turn perhaps.
func (m *moneyModel) back(t *rapid.T) {
	m.c.add(-time.Duration(rapid.SampledFrom([]int{1, 24 * 5, 24 * 40}).Draw(t, "hours back")) * time.Hour)
}

// check now and then: a ledger keeps what went wrong.
func (m *moneyModel) check(t *rapid.T) {
	if m.steps++; m.steps%5 == 0 {
		m.sums(t)
		m.verify(t)
	}
}

// sums of what was done, and what must never be.
func (m *moneyModel) sums(t *rapid.T) {
	for _, name := range m.names {
		a, err := m.s.Books.Account(name)
		if err != nil {
			t.Fatal(err)
		}
		list, err := m.s.Books.InvoicesOf(name, false)
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
		us, err := m.s.Standings.Usages(name)
		for _, u := range us {
			used = used.Add(u.Charged)
		}
		if err != nil || used != m.sent[name] {
			t.Fatalf("usage of %s = %v, %v, want %v", name, used, err, m.sent[name])
		}
		m.credit(t, &a)
	}
}

func (m *moneyModel) verify(t *rapid.T) {
	st, err := m.s.Verify(t.Context(), func(p string) { t.Errorf("Verify: %s", p) })
	if err != nil || st.Problems > 0 {
		t.Fatalf("Verify: %+v, %v", st, err)
	}
	for _, name := range m.names {
		a, err := m.s.Books.Account(name)
		if err != nil {
			t.Fatal(err)
		}
		m.audit(t, &a)
		newsFollow(t, m.s, &a)
	}
}

// credit is never negative and never used after its expiry, and with suspend
// nothing is used beyond it.
func (m *moneyModel) credit(t *rapid.T, a *books.Account) {
	left, expires := map[string]int64{}, map[string]time.Time{}
	err := m.s.Books.Ledger(a.Name, func(e *ledger.Entry) error {
		if e.Lot == "" {
			return nil
		}
		if _, ok := left[e.Lot]; !ok {
			expires[e.Lot] = e.Expires
		}
		if left[e.Lot] += e.Units; left[e.Lot] < 0 {
			return fmt.Errorf("credit %s of %s: %d", e.Lot, a.Name, left[e.Lot])
		}
		if e.Kind == ledger.KindDraw && e.Time.After(expires[e.Lot]) {
			return fmt.Errorf("credit %s of %s is used at %v, it expired at %v", e.Lot, a.Name, e.Time, expires[e.Lot])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	st, err := m.s.Standings.Standing(a.Name)
	if err != nil {
		t.Fatal(err)
	}
	if u := st.Use(); !m.goOn[a.Name] && u.Overage > 0 {
		t.Fatalf("%s used %d beyond allowance and credit", a.Name, u.Overage)
	}
	for _, l := range a.Lots {
		if l.Amount <= 0 || l.Amount != left[l.Ref] || !l.Expires.Equal(expires[l.Ref]) {
			t.Fatalf("lots of %s = %+v, the ledger says %v, %v", a.Name, a.Lots, left, expires)
		}
	}
}

func (m *moneyModel) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"order": m.order, "send": m.send, "send more": m.send, "send much": m.send, "busy": m.busy, "busy again": m.busy, "top up": m.topUp, "block": m.block, "upgrade": m.upgrade,
		"renew": m.renew, "use up": m.useUp, "activate": m.activate, "pay": m.pay, "pay more": m.pay, "correct": m.correct, "take back": m.takeBack, "pay all": m.payAll, "refund": m.refund, "end": m.end,
		"suspend": m.suspend, "cancel": m.cancel, "set plan": m.setPlan, "restart": m.restart, "close due": m.closeDue, "dun": m.dun,
		"wait": m.wait, "wait more": m.wait, "": m.check,
	}
}

func withBooks(t *rapid.T, twin bool, fn func(*moneyModel)) {
	dir, err := os.MkdirTemp("/dev/shm", "relay-books-") // in memory where there is such a place
	if err != nil {
		dir, err = os.MkdirTemp("", "relay-books-")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	m := &moneyModel{c: &clock{t: epoch}, path: filepath.Join(dir, "relay.db"), twinP: filepath.Join(dir, "twin.db"),
		goOn: map[string]bool{}, sent: map[string]quota.Charge{}, cash: map[string]int64{}}
	m.s = openBooks(t, m.path, m.c)
	defer func() { _ = m.s.Close() }()
	stores := []*Store{m.s}
	if twin {
		m.twin = openBooks(t, m.twinP, m.c)
		defer func() { _ = m.twin.Close() }()
		stores = append(stores, m.twin)
	}
	for _, s := range stores {
		for _, p := range modelPlans {
			if err := s.Books.AddPlan(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.add(t, silver, true)
	m.add(t, fewer, true)
	m.add(t, free, true)
	m.add(t, pack, true)
	fn(m)
	m.sums(t)
	m.verify(t)
}

// Whatever is ordered, sent, paid, closed, refunded in whatever order, over
// months and restarts: the sums are those of what was done.
func TestBooks_AgainstModel(t *testing.T) {
	checkModel(t, func(t *rapid.T) {
		withBooks(t, false, func(m *moneyModel) {
			actions := m.actions()
			actions["back"] = m.back // alone: with a twin it would matter what is closed
			actions["warn"], actions["warn more"] = m.warn, m.warn
			t.Repeat(actions)
		})
	})
}

// The same events give the same ledgers whether periods are closed by the job,
// at whatever times, or by the next order or message.
func TestBooks_batches(t *testing.T) {
	checkModel(t, func(t *rapid.T) {
		withBooks(t, true, func(m *moneyModel) {
			actions := m.actions()
			delete(actions, "dun") // an invoice is due from when it was issued
			delete(actions, "busy again")
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

// ledgerOf is a ledger without numbers of invoices, which other accounts share.
func ledgerOf(t *rapid.T, s *Store, name string) (list []ledger.Entry) {
	err := s.Books.Ledger(name, func(e *ledger.Entry) error {
		e.Ref, e.Also = "", make([]uint64, len(e.Also))
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
