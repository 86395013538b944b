package words

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/spooled"
)

// story is books in which every kind of entry, and nearly every line and refusal, comes
// up, and what people read of it. It does not change: testdata has it as an older release
// wrote and told it.
type story struct {
	t    *testing.T
	s    *store.Store
	now  time.Time
	said strings.Builder
	refs int
}

// open opens a store whose clock is the story's.
func (y *story) open(path string) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		y.t.Fatal(err)
	}
	y.s, err = store.Open(path, options(store.Options{Now: func() time.Time { return y.now }, Zone: rome, Billing: ledger.Billing{Currency: "EUR",
		TaxRate: 22 * quota.Percent, Prefix: "R-", DueDays: 14, GraceDays: 7, OrderDays: 30}}))
	if err != nil {
		y.t.Fatal(err)
	}
}

func newStory(t *testing.T) *story {
	y := &story{t: t, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	y.open(filepath.Join(t.TempDir(), "relay.db"))
	t.Cleanup(func() {
		if err := y.s.Close(); err != nil {
			t.Error(err)
		}
	})
	return y
}

// did notes what came of an order.
func (y *story) did(what string) func(orders.Receipt, error) {
	return func(r orders.Receipt, err error) {
		y.t.Helper()
		fmt.Fprintln(&y.said, "--", what)
		if no, ok := errors.AsType[*quota.Refusal](err); ok {
			fmt.Fprintln(&y.said, refusedText(no))
		} else if err != nil {
			y.t.Fatalf("%s: %v", what, err)
		}
		for i := range r.Lines {
			fmt.Fprintln(&y.said, lineText(&r.Lines[i]), r.Lines[i].Amount)
		}
	}
}

func (y *story) days(n int) { y.now = y.now.AddDate(0, 0, n) }

func (y *story) pay(account string, amount int64, numbers ...uint64) {
	y.t.Helper()
	y.refs++
	p := ledger.Payment{Account: account, Method: "bank", Reference: fmt.Sprintf("TRN %d", y.refs), Amount: amount}
	if len(numbers) > 0 {
		p.Invoice, p.Also = numbers[0], numbers[1:]
	}
	y.did("payment of " + account)(y.s.Orders.RecordPayment(behalf.Order{By: "op"}, p))
}

// payAll that an account owes.
func (y *story) payAll(account string) {
	y.t.Helper()
	for _, n := range y.unpaid(account) {
		y.pay(account, 0, n)
	}
}

func (y *story) unpaid(account string) (numbers []uint64) {
	y.t.Helper()
	list, err := y.s.Books.InvoicesOf(account, true)
	if err != nil {
		y.t.Fatal(err)
	}
	for _, i := range list {
		numbers = append(numbers, i.Number)
	}
	return numbers
}

// last invoice of an account.
func (y *story) last(account string) uint64 {
	y.t.Helper()
	list, err := y.s.Books.InvoicesOf(account, false)
	if err != nil || len(list) == 0 {
		y.t.Fatal(list, err)
	}
	return list[len(list)-1].Number
}

func (y *story) send(account string, size int64, recipients int) (refused bool) {
	y.t.Helper()
	m := &spooled.Message{Account: account, Size: size, Expires: y.now.AddDate(0, 0, 1)}
	for i := range recipients {
		m.Recipients = append(m.Recipients, spooled.Recipient{Address: fmt.Sprintf("r%d@d.test", i), Domain: "d.test"})
	}
	no, err := y.s.Accept(store.Intake{Message: m, Body: y.s.Bodies.New()})
	if err != nil {
		y.t.Fatal(err)
	}
	return no != nil
}

// jobs of the day.
func (y *story) jobs() {
	y.t.Helper()
	fail := func(err error) {
		if err != nil {
			y.t.Error(err)
		}
	}
	fail(y.s.Orders.CloseBy(y.t.Context(), y.now, func(_ string, _ orders.Receipt, err error) { fail(err) }))
	fail(y.s.Orders.DunBy(y.t.Context(), y.now, func(_ ledger.Invoice, _ orders.Receipt, err error) { fail(err) }))
	fail(y.s.Orders.Warn(y.t.Context(), orders.Endings{Steps: []int{30, 1}, Told: func(_ *orders.Warning, err error) { fail(err) }}))
}

func (y *story) add(name string, p quota.Plan, limit quota.AtLimit) {
	y.t.Helper()
	a := books.Account{Name: name, Contact: "boss@acme.test", AtLimit: limit, Consent: ledger.Consent{Version: "terms 1"}}
	y.did("add " + name)(y.s.Orders.AddAccount(behalf.Order{By: "op"}, orders.NewAccount{Account: a, Plan: p}))
}

func (y *story) change(name string, c orders.Change, fn func(*books.Account)) {
	y.t.Helper()
	y.did("change of " + name)(y.s.Orders.ChangeAccount(behalf.Order{By: "op"}, name, func(a *books.Account) (orders.Change, error) {
		if fn != nil {
			fn(a)
		}
		return c, nil
	}))
}

const mb, gb = int64(1_000_000), int64(1_000_000_000)

var (
	yearBlocks = []quota.Block{{Bytes: gb, Price: 1000}, {Bytes: 2 * gb, Price: 1800}}
	yearPlan   = quota.Plan{Name: "silver", Term: quota.Year, Bandwidth: gb, Price: 9600, Blocks: yearBlocks}
	largePlan  = quota.Plan{Name: "gold", Term: quota.Year, Bandwidth: 2 * gb, Price: 24_000, Blocks: yearBlocks}
	countPlan  = quota.Plan{Name: "letters", Term: quota.Year, Emails: 100, Price: 5000}
	monthPlan  = quota.Plan{Name: "more", Term: quota.Month, Emails: 50, Price: 300}
	freePlan   = quota.Plan{Name: "free", Term: quota.Year, Emails: 100}
)

// tell is the story.
func (y *story) tell() {
	if _, err := y.s.Books.PutPlans([]quota.Plan{yearPlan, largePlan, countPlan, monthPlan, freePlan}, false); err != nil {
		y.t.Fatal(err)
	}
	op := behalf.Order{By: "op"}
	y.add("acme", yearPlan, quota.Continue)
	y.pay("acme", 0, y.last("acme"))
	y.did("upgrade")(y.s.Orders.Upgrade(op, "acme", "gold"))
	y.did("no upgrade")(y.s.Orders.Upgrade(op, "acme", "letters"))
	y.did("block")(y.s.Orders.BuyBlock(op, "acme", gb, 2))
	y.did("no block")(y.s.Orders.BuyBlock(op, "acme", 5, 1))
	y.payAll("acme")
	y.change("acme", orders.Change{Abuse: new("spam")}, func(a *books.Account) { a.AtLimit, a.OverMax = quota.Suspend, 1_500_000_000 })
	y.change("acme", orders.Change{Abuse: new("")}, func(a *books.Account) {
		a.AtLimit, a.OverMax, a.Consent.Version = quota.Continue, quota.Uncapped, "terms 2"
	})
	y.change("acme", orders.Change{}, func(a *books.Account) { a.OverMax = 0 })
	y.did("suspend")(y.s.Orders.Suspend(op, "acme", "too many complaints"))
	y.did("resume")(y.s.Orders.Resume(op, "acme"))
	y.did("correct")(y.s.Orders.Correct(op, "acme", orders.Correction{Money: 700, Text: "sorry"}))
	y.did("by hand")(y.s.Orders.Correct(op, "acme", orders.Correction{Money: -200, Text: "sent back", PaidBack: true}))
	y.did("gift")(y.s.Orders.Correct(op, "acme", orders.Correction{Units: 300_000_000, Text: "gift"}))
	y.send("acme", 1_100_000, 1000)
	y.send("acme", 1_600_000, 1000)
	y.send("acme", 1_700_000, 1000)
	y.send("acme", 800_000, 1000)
	y.did("smaller")(y.s.Orders.ChangeAccount(op, "acme", func(*books.Account) (orders.Change, error) { return orders.Change{Plan: &yearPlan}, nil }))
	y.add("shop", countPlan, quota.Suspend)
	y.did("no cancel")(y.s.Orders.CancelInvoice(op, y.last("shop"), "a mistake"))
	y.payAll("shop")
	y.did("top-up")(y.s.Orders.TopUp(op, "shop", "more"))
	y.did("no top-up")(y.s.Orders.TopUp(op, "shop", "silver"))
	y.did("no top-up")(y.s.Orders.TopUp(op, "acme", "more"))
	y.did("cancel")(y.s.Orders.CancelInvoice(op, y.last("shop"), "a mistake"))
	y.add("late", yearPlan, quota.Continue)
	y.add("tiny", monthPlan, quota.Suspend)
	y.payAll("tiny")
	y.did("renew")(y.s.Orders.Renew(op, "tiny", ""))
	y.payAll("tiny")
	y.send("tiny", 10_000, 40)
	if y.send("tiny", 10_000, 20) {
		y.t.Error("the next term does not begin")
	}
	y.send("tiny", 10_000, 40)
	y.did("used up")(y.s.Orders.Upgrade(op, "tiny", "more"))
	y.did("renew")(y.s.Orders.Renew(op, "tiny", ""))
	y.payAll("tiny")
	y.change("tiny", orders.Change{Plan: &countPlan}, nil)
	y.add("nil", freePlan, quota.Suspend)
	y.days(20) // the month has turned
	y.jobs()
	y.did("renew")(y.s.Orders.Renew(op, "acme", "silver"))
	y.payAll("acme")
	y.days(14)
	y.did("refund of what has not begun")(y.s.Orders.Refund(op, "acme"))
	y.did("renew")(y.s.Orders.Renew(op, "acme", ""))
	y.pay("acme", 5000, y.last("acme"))
	y.did("reversal")(y.s.Orders.ReversePayment(op, orders.Reversal{Invoice: 1, Reference: "TRN 1", Text: "charged back", Suspend: true}))
	y.payAll("acme")
	y.days(40) // the order of late has expired
	y.jobs()
	y.change("late", orders.Change{Plan: &largePlan}, nil)
	y.did("activate")(y.s.Orders.Activate(op, "late"))
	y.days(40)
	y.jobs() // late is held back
	y.add("back", yearPlan, quota.Continue)
	y.payAll("back")
	y.did("gift")(y.s.Orders.Correct(op, "back", orders.Correction{Money: 500, Text: "gift"}))
	y.did("refund")(y.s.Orders.Refund(op, "back"))
	y.add("never", yearPlan, quota.Continue)
	y.did("close")(y.s.Orders.CloseAccount(op, "never", "moves away"))
	y.now = time.Date(2027, 11, 1, 12, 0, 0, 0, time.UTC)
	y.jobs()
	y.now = time.Date(2027, 11, 21, 12, 0, 0, 0, time.UTC)
	y.jobs()
	y.now = time.Date(2028, 1, 10, 12, 0, 0, 0, time.UTC)
	y.jobs()
	y.did("late")(y.s.Orders.Refund(op, "acme"))
	if err := y.s.RemoveAccount(op, "nil"); err != nil {
		y.t.Fatal(err)
	}
}

// books are what people read of the ledgers, and of the papers.
func (y *story) books() {
	for _, name := range []string{"acme", "shop", "late", "tiny", "nil", "back", "never"} {
		fmt.Fprintln(&y.said, "== "+name)
		err := y.s.Books.Ledger(name, func(e *ledger.Entry) error {
			fmt.Fprintln(&y.said, strings.TrimSpace(fmt.Sprintf("%d %s %s %s %s", e.Seq, e.Kind, e.Period, e.Ref, entryText(e))))
			return nil
		})
		if err != nil {
			y.t.Fatal(err)
		}
		st, err := y.s.Overview.Statement(name, time.Time{})
		if err != nil {
			y.t.Fatal(err)
		}
		for _, b := range st.Invoices {
			fmt.Fprintln(&y.said, "bill", b.Number, b.Kind, b.Total)
		}
		list, err := y.s.Books.InvoicesOf(name, false)
		if err != nil {
			y.t.Fatal(err)
		}
		for _, i := range list {
			for _, l := range i.Lines {
				fmt.Fprintln(&y.said, i.Name, l.Count, l.Text)
			}
			fmt.Fprintln(&y.said, i.Name, i.State, i.Reason)
		}
	}
	if _, err := y.s.Verify(y.t.Context(), func(text string) { y.t.Error(text) }); err != nil {
		y.t.Fatal(err)
	}
}
