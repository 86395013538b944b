package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/quota"
	"relay/store/bolt"
)

const (
	mb = 1_000_000
	gb = 1000 * mb
)

// Plans of the tests: prices in cents.
var (
	blocks = []quota.Block{{Bytes: gb, Price: 1000}, {Bytes: 2 * gb, Price: 1800}, {Bytes: 5 * gb, Price: 2700}}
	silver = quota.Plan{Name: "silver", Term: quota.Year, Bandwidth: gb, Price: 12_000, Blocks: blocks}
	gold   = quota.Plan{Name: "gold", Term: quota.Year, Bandwidth: 5 * gb, Price: 36_000, Blocks: blocks}
	free   = quota.Plan{Name: "free", Term: quota.Year, Bandwidth: gb, Emails: 100_000, Blocks: blocks}
	count  = quota.Plan{Name: "count", Term: quota.Year, Emails: 50_000, Price: 9000}
	more   = quota.Plan{Name: "more", Term: quota.Month, Emails: 9000, Price: 700}
	old    = quota.Plan{Name: "old", Term: quota.Year, Bandwidth: 9 * gb, Price: 99_000, Retired: true}
)

// newBooks is newStore with billing, in Rome, at noon of 23 November 2026.
func newBooks(t testing.TB) (*Store, *clock) {
	t.Helper()
	c := &clock{t: epoch}
	s := openBooks(t, filepath.Join(t.TempDir(), "relay.db"), c)
	for _, p := range []quota.Plan{silver, gold, free, count, more, old} {
		if err := s.AddPlan(p); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		verify(t, s)
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s, c
}

func openBooks(t fataler, path string, c *clock) *Store {
	t.Helper()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Options{Now: c.now, Zone: rome, Billing: Billing{Currency: "EUR", TaxRate: 2200,
		Seller: []string{"Relay Ltd"}, DueDays: 14, GraceDays: 7}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// order adds an account that is active.
func order(t testing.TB, s *Store, name string, p quota.Plan, limit quota.AtLimit) Receipt {
	t.Helper()
	r, err := s.AddAccount(Order{By: "op"}, NewAccount{Account: Account{Name: name, AtLimit: limit}, Plan: p, Activate: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// send hands over one message of that size and says how it was refused.
func send(t testing.TB, s *Store, account string, size int64, recipients int) *Refusal {
	t.Helper()
	to := make([]string, recipients)
	for i := range to {
		to[i] = fmt.Sprintf("r%d@d.test", i)
	}
	in := intake(s, account, 10, to...)
	in.Message.Size, in.Login = size, ""
	r, err := s.Accept(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustSend(t testing.TB, s *Store, account string, size int64, recipients int) {
	t.Helper()
	if r := send(t, s, account, size, recipients); r != nil {
		t.Fatalf("refused: %+v", r)
	}
}

func closeDue(t testing.TB, s *Store, want int) {
	t.Helper()
	if n, err := s.CloseDue(t.Context(), 0); err != nil || n != want {
		t.Fatalf("CloseDue = %d, %v, want %d", n, err, want)
	}
}

func account(t testing.TB, s *Store, name string) Account {
	t.Helper()
	a, err := s.Account(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func pay(t testing.TB, s *Store, invoice uint64, amount int64, ref string) Receipt {
	t.Helper()
	r, err := s.RecordPayment(Order{By: "op"}, Payment{Invoice: invoice, Method: "bank", Reference: ref, Amount: amount})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// book is the ledger of an account, without what only charges and opens periods.
func book(t testing.TB, s *Store, name string) (list []string) {
	t.Helper()
	err := s.Ledger(name, func(e *Entry) error {
		if e.Kind == KindCharge || e.Kind == KindGrant {
			return nil
		}
		line := string(e.Kind)
		for _, n := range []int64{e.Units, e.Money} {
			if n != 0 {
				line += fmt.Sprintf(" %d", n)
			}
		}
		list = append(list, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func wantBook(t testing.TB, s *Store, name string, want ...string) {
	t.Helper()
	if got := book(t, s, name); !slices.Equal(got, want) {
		t.Errorf("ledger of %s:\n%s\nwant:\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// december is the first instant of it in Rome.
var december = time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)

func (c *clock) set(t time.Time) { c.add(t.Sub(c.now())) }

// M15 to the figure: what was used over, the block that is bought, what is credited.
func TestCloseDue_blocksAndCredit(t *testing.T) {
	for _, x := range []struct {
		over, block, price, credit int64
	}{
		{gb / 2, gb, 1000, 500 * mb},
		{1200 * mb, 2 * gb, 1800, 500 * mb},
		{1600 * mb, 2 * gb, 1800, 0},
		{2600 * mb, 5 * gb, 2700, 2 * gb},
	} {
		t.Run(octets(x.over), func(t *testing.T) {
			s, c := newBooks(t)
			order(t, s, "acme", free, quota.Continue)
			mustSend(t, s, "acme", gb, 1)
			mustSend(t, s, "acme", x.over, 1)
			c.set(december.Add(-time.Millisecond))
			closeDue(t, s, 0)
			c.set(december)
			closeDue(t, s, 1)
			closeDue(t, s, 0)
			list, err := s.InvoicesOf("acme", true)
			if err != nil || len(list) != 1 {
				t.Fatalf("invoices = %+v, %v", list, err)
			}
			i := list[0]
			tax := (x.price*22 + 50) / 100
			if i.Net != x.price || i.Tax != tax || i.Total != x.price+tax || i.Kind != ForOverage || i.Period != "2026-11" ||
				len(i.Lines) != 1 || i.Lines[0].Text != octets(x.block)+" beyond the allowance of 2026-11" {
				t.Errorf("invoice = %+v", i)
			}
			a := account(t, s, "acme")
			if quota.Sum(a.Lots) != x.credit || a.Balance != -i.Total || a.Open != "2026-12" {
				t.Errorf("account = %+v, want a credit of %d", a, x.credit)
			}
			st, err := s.Standing("acme")
			if err != nil || quota.Sum(st.Live) != x.credit || st.Usage.Charged != (quota.Charge{}) {
				t.Errorf("Standing = %+v, %v", st, err)
			}
		})
	}
}

// M17: 50,000 a month, 55,000 to send, 9,000 bought on top: 4,000 are credited.
func TestTopUp_isCreditedToTheEmail(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", count, quota.Suspend)
	for range 10 {
		mustSend(t, s, "acme", 100, 5000)
	}
	r := send(t, s, "acme", 100, 1)
	if r == nil || r.Exceeded == nil || r.Exceeded.Renewed.IsZero() {
		t.Fatalf("the 50,001st = %+v, want it refused until December", r)
	}
	if _, err := s.TopUp(Order{}, "acme", "more"); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 100, 5000)
	if r := send(t, s, "acme", 100, 4001); r == nil || r.Exceeded.Credit != 9000 {
		t.Errorf("beyond the top-up = %+v, want it refused", r)
	}
	c.set(december)
	closeDue(t, s, 1)
	a := account(t, s, "acme")
	if len(a.Lots) != 1 || a.Lots[0].Amount != 4000 || a.Lots[0].Fresh || !a.Lots[0].Expires.Equal(a.TermEnd()) {
		t.Errorf("lots = %+v, want 4,000 until the term ends", a.Lots)
	}
	// It is lost with the term.
	c.set(a.TermEnd())
	closeDue(t, s, 1)
	if a := account(t, s, "acme"); a.Lots != nil || a.Open != "" || !a.Closes.IsZero() {
		t.Errorf("after the term = %+v", a)
	}
	want := []string{"invoice -10980", "activated", "topup 9000", "invoice -854", "draw -5000"}
	for range 12 {
		want = append(want, "closed")
	}
	want = slices.Insert(want, len(want)-1, "expired -4000")
	wantBook(t, s, "acme", want...)
	if r := send(t, s, "acme", 100, 1); r == nil || !r.Expired {
		t.Errorf("after the term = %+v, want it refused", r)
	}
}

func TestAddAccount_pendingUntilPaid(t *testing.T) {
	s, c := newBooks(t)
	r, err := s.AddAccount(Order{By: "op"}, NewAccount{Account: Account{Name: "acme", Contact: "a@acme.test"}, Plan: silver,
		Credential: &Credential{Login: "acme", Account: "acme"}})
	if err != nil || r.After.State != Pending || len(r.Invoices) != 1 || r.Amount != 14_640 {
		t.Fatalf("AddAccount = %+v, %v", r, err)
	}
	if i := r.Invoices[0]; i.Number != 1 || !slices.Equal(i.Buyer, []string{"acme", "a@acme.test"}) || !i.Due.Equal(epoch.AddDate(0, 0, 14)) || i.State != InvoiceOpen {
		t.Errorf("invoice = %+v", i)
	}
	if r := send(t, s, "acme", 1, 1); r == nil || r.State != Pending {
		t.Errorf("Accept = %+v, want it pending", r)
	}
	c.add(24 * time.Hour)
	if r := pay(t, s, 1, 4640, "a"); r.After.State != Pending || r.After.Balance != -10_000 {
		t.Errorf("after a part = %+v", r.After)
	}
	for _, bad := range []Payment{
		{Invoice: 1, Method: "bank", Reference: "b", Amount: -1},
		{Invoice: 1, Method: "gold", Reference: "b", Amount: 1},
		{Invoice: 1, Method: "bank", Reference: " ", Amount: 1},
		{Invoice: 2, Method: "bank", Reference: "b", Amount: 1},
	} {
		if _, err := s.RecordPayment(Order{}, bad); err == nil {
			t.Errorf("RecordPayment(%+v) was taken", bad)
		}
	}
	if _, err := s.RecordPayment(Order{}, Payment{Invoice: 1, Method: "bank", Reference: "a", Amount: 4640}); !errors.Is(err, ErrExists) {
		t.Errorf("the same payment again = %v, want ErrExists", err)
	}
	r = pay(t, s, 1, 11_000, "b") // 1,000 too much
	if a := r.After; a.State != Active || a.Balance != 1000 || a.Open != "2026-11" || !a.Activated().Equal(c.now()) || a.Contracts[0].Invoice != "1" {
		t.Errorf("after the rest = %+v", a)
	}
	if _, err := s.RecordPayment(Order{}, Payment{Invoice: 1, Method: "bank", Reference: "c"}); err == nil {
		t.Error("a payment of nothing was taken")
	}
	mustSend(t, s, "acme", 1, 1)
	// What is over is used for the next invoice.
	r, err = s.BuyBlock(Order{}, "acme", gb, 1)
	if err != nil || r.After.Balance != 1000-1220 || r.Invoices[0].Paid != 1000 || r.Invoices[0].Open() != 220 {
		t.Errorf("BuyBlock = %+v, %v", r, err)
	}
	if r := pay(t, s, 2, 0, "d"); r.After.Balance != 0 || r.Invoices[0].State != InvoicePaid {
		t.Errorf("RecordPayment of what is open = %+v", r)
	}
}

// Activated before it was paid, an order is due like anything else that was had.
func TestActivate_unpaid(t *testing.T) {
	s, c := newBooks(t)
	if _, err := s.AddAccount(Order{}, NewAccount{Account: Account{Name: "acme"}, Plan: silver}); err != nil {
		t.Fatal(err)
	}
	c.add(40 * 24 * time.Hour) // nobody is held back for what was not had
	if n, err := s.Dun(t.Context(), 0); n != 0 || err != nil {
		t.Fatalf("Dun = %d, %v", n, err)
	}
	if _, err := s.Activate(Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Activate(Order{}, "acme"); !errors.Is(err, ErrActive) {
		t.Errorf("Activate again = %v", err)
	}
	start := c.now()
	c.add(7*24*time.Hour - time.Second)
	if n, err := s.Dun(t.Context(), 0); n != 0 || err != nil {
		t.Fatalf("Dun within the grace = %d, %v", n, err)
	}
	c.add(time.Second)
	if n, err := s.Dun(t.Context(), 0); n != 1 || err != nil {
		t.Fatalf("Dun = %d, %v", n, err)
	}
	r := pay(t, s, 1, 0, "a")
	if a := r.After; a.Hold != "" || len(a.Contracts) != 1 || !a.Activated().Equal(start) || r.Invoices[0].Term != a.Contracts[0].Key {
		t.Errorf("after the payment = %+v", r)
	}
	wantBook(t, s, "acme", "invoice -14640", "activated", "suspended", "payment 14640", "resumed")
}

// A dry run's receipt is that of the run, and it leaves the file as it is.
func TestOrder_dryRun(t *testing.T) {
	for name, run := range map[string]func(*Store, Order) (Receipt, error){
		"add": func(s *Store, o Order) (Receipt, error) {
			return s.AddAccount(o, NewAccount{Account: Account{Name: "new"}, Plan: silver})
		},
		"add and activate": func(s *Store, o Order) (Receipt, error) {
			return s.AddAccount(o, NewAccount{Account: Account{Name: "new"}, Plan: silver, Activate: true})
		},
		"activate": func(s *Store, o Order) (Receipt, error) { return s.Activate(o, "pending") },
		"pay": func(s *Store, o Order) (Receipt, error) {
			return s.RecordPayment(o, Payment{Invoice: 1, Method: "card", Reference: "r", Amount: 20_000})
		},
		"upgrade":     func(s *Store, o Order) (Receipt, error) { return s.Upgrade(o, "acme", "gold") },
		"top up":      func(s *Store, o Order) (Receipt, error) { return s.TopUp(o, "count", "more") },
		"buy a block": func(s *Store, o Order) (Receipt, error) { return s.BuyBlock(o, "acme", 2*gb, 3) },
		"renew":       func(s *Store, o Order) (Receipt, error) { return s.Renew(o, "acme", "") },
		"refund":      func(s *Store, o Order) (Receipt, error) { return s.Refund(o, "count") },
		"close":       func(s *Store, o Order) (Receipt, error) { return s.CloseAccount(o, "acme", "") },
		"correct": func(s *Store, o Order) (Receipt, error) {
			return s.Correct(o, "acme", Correction{Money: 500, Units: gb, Text: "sorry"})
		},
		"at limit": func(s *Store, o Order) (Receipt, error) { return s.SetAtLimit(o, "acme", quota.Suspend) },
		"abuse":    func(s *Store, o Order) (Receipt, error) { return s.MarkAbuse(o, "acme", "spam") },
		"suspend":  func(s *Store, o Order) (Receipt, error) { return s.Suspend(o, "acme", "spam") },
		"set plan": func(s *Store, o Order) (Receipt, error) { return s.SetPlan(o, "acme", count) },
		"cancel":   func(s *Store, o Order) (Receipt, error) { return s.CancelInvoice(o, 1, "a mistake") },
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newBooks(t)
			if _, err := s.AddAccount(Order{}, NewAccount{Account: Account{Name: "pending"}, Plan: silver}); err != nil {
				t.Fatal(err)
			}
			order(t, s, "acme", silver, quota.Continue)
			mustSend(t, s, "acme", 1700*mb, 1)
			c.set(december.Add(time.Hour)) // with a close that is due
			order(t, s, "count", count, quota.Suspend)
			was := dump(t, s)
			dry, err := run(s, Order{By: "op", DryRun: true})
			if err != nil {
				t.Fatal(err)
			}
			if is := dump(t, s); !reflect.DeepEqual(was, is) {
				t.Errorf("a dry run changed the file")
			}
			real, err := run(s, Order{By: "op"})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(dry, real) {
				t.Errorf("dry run:\n%+v\nrun:\n%+v", dry, real)
			}
			if is := dump(t, s); reflect.DeepEqual(was, is) {
				t.Error("the run changed nothing")
			}
			if a, err := s.Account(real.After.Name); err != nil || a.Balance != real.After.Balance || a.Seq != real.After.Seq {
				t.Errorf("stored is %+v, %v; the receipt says %+v", a, err, real.After)
			}
		})
	}
}

// fataler is a test, or a step of a model.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// dump is every record of the file.
func dump(t fataler, s *Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.view(func(t *tx) error {
		for b, name := range bucketNames {
			c := t.b.Cursor(bolt.Bucket(b))
			for k, v := c.First(); k != nil; k, v = c.Next() {
				all[name+"/"+string(k)] = string(v)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCloseDue_lateOnceAndInterrupted(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s := openBooks(t, path, c)
	const n = 300
	for i := range n {
		name := fmt.Sprintf("a%03d", i)
		order(t, s, name, free, quota.Continue)
		mustSend(t, s, name, 1500*mb, 1)
	}
	c.set(time.Date(2027, 2, 10, 12, 0, 0, 0, time.UTC)) // three months late
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = s.CloseDue(t.Context(), 0) // is cut off
	}()
	for {
		if list, err := s.InvoicesOf("a020", false); err != nil || len(list) > 0 {
			break
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
	s = openBooks(t, path, c)
	defer s.Close()
	verify(t, s)
	if _, err := s.CloseDue(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 { // several at the same time
		wg.Go(func() {
			if _, err := s.CloseDue(t.Context(), 0); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	was := dump(t, s)
	closeDue(t, s, 0)
	if !reflect.DeepEqual(was, dump(t, s)) {
		t.Error("closing again changed something")
	}
	if st := verify(t, s); st.Problems > 0 {
		t.Fatal("the file is not proved")
	}
	for i := range n {
		name := fmt.Sprintf("a%03d", i)
		wantBook(t, s, name, "activated", "overage 500000000", "credit 500000000", "closed", "invoice -1220", "closed", "closed")
		if a := account(t, s, name); a.Open != "2027-02" || quota.Sum(a.Lots) != 500*mb {
			t.Fatalf("%s = %+v", name, a)
		}
	}
	if i, err := s.Invoice(n); err != nil || i.Number != n {
		t.Errorf("the last invoice = %+v, %v, want number %d", i, err, n)
	}
	if _, err := s.Invoice(n + 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("Invoice(%d) = %v", n+1, err)
	}
}

// The first message after a month's turn closes it; the job finds it done.
func TestAccept_closesWhatIsOver(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	if _, err := s.BuyBlock(Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 1800*mb, 1)
	c.set(december)
	// 200 MB are left of the block, which is no whole step: 1 GB is the allowance.
	if r := send(t, s, "acme", gb+1, 1); r == nil || r.Exceeded == nil || r.Exceeded.Credit != 0 {
		t.Errorf("Accept = %+v, want it refused", r)
	}
	if a := account(t, s, "acme"); a.Open != "2026-11" {
		t.Errorf("a refusal wrote: %+v", a)
	}
	if r, err := s.Permit("acme", "", quota.Charge{Messages: 1, Bytes: gb}); r != nil || err != nil {
		t.Errorf("Permit = %+v, %v", r, err)
	}
	mustSend(t, s, "acme", gb, 1)
	if a := account(t, s, "acme"); a.Open != "2026-12" || a.Lots != nil {
		t.Errorf("after the first message: %+v", a)
	}
	closeDue(t, s, 0)
	wantBook(t, s, "acme", "activated", "topup 1000000000", "invoice -1220", "draw -800000000", "rounded -200000000", "closed")
	// A clock that goes back does not open November again.
	c.add(-time.Hour)
	if r := send(t, s, "acme", 1, 1); r == nil || r.Exceeded == nil {
		t.Errorf("in November again = %+v, want December's limit", r)
	}
	verify(t, s)
}

func TestUsage_entriesByDay(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	mustSend(t, s, "acme", 10, 2)
	mustSend(t, s, "acme", 10, 1)
	c.add(12 * time.Hour) // one o'clock in Rome
	mustSend(t, s, "acme", 5, 1)
	c.add(-12 * time.Hour) // the clock goes back: it stays the 24th
	mustSend(t, s, "acme", 5, 1)
	c.add(72 * time.Hour)
	mustSend(t, s, "acme", 7, 1)
	var days []string
	err := s.Ledger("acme", func(e *Entry) error {
		if e.Kind == KindCharge {
			days = append(days, fmt.Sprintf("%s: %d, %d", e.Day, e.Messages, e.Bytes))
		}
		return nil
	})
	if want := []string{"2026-11-23: 3, 30", "2026-11-24: 2, 10"}; err != nil || !slices.Equal(days, want) {
		t.Errorf("entries = %q, %v, want %q", days, err, want)
	}
	st, err := s.Statement("acme", c.now())
	want := quota.Charge{Messages: 6, Bytes: 47}
	if err != nil || st.Used != want || st.Period != "2026-11" || st.Name != "free" || st.Allowance.Bytes != gb {
		t.Errorf("Statement = %+v, %v, want %v used", st, err, want)
	}
	if st, err := s.Statement("acme", time.Time{}); err != nil || st.Account != "acme" || st.Used != want || !st.At.Equal(c.now()) {
		t.Errorf("Statement of now = %+v, %v, want %v used", st, err, want)
	}
	c.add(24 * time.Hour) // the 27th: nothing was sent since, so its entry is still to come
	if st, err := s.Statement("acme", c.now().Add(-time.Hour)); err != nil || st.Used != want {
		t.Errorf("Statement an hour ago = %+v, %v, want %v used", st, err, want)
	}
	if st, err := s.Statement("acme", time.Date(2026, 11, 27, 22, 59, 59, 999_999_999, time.UTC)); err != nil || st.Used != want {
		t.Errorf("Statement of the 27th = %+v, %v, want %v used", st, err, want)
	}
	at := time.Date(2026, 11, 23, 22, 59, 59, 999_999_999, time.UTC) // all of the 23rd
	if st, err := s.Statement("acme", at); err != nil || st.Used != (quota.Charge{Messages: 3, Bytes: 30}) {
		t.Errorf("Statement of the 23rd = %+v, %v", st, err)
	}
}

func TestInvoices_withoutGaps(t *testing.T) {
	s, _ := newBooks(t)
	const n = 120
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			name := fmt.Sprintf("a%d", i)
			r, err := s.AddAccount(Order{}, NewAccount{Account: Account{Name: name}, Plan: silver})
			if err != nil {
				t.Error(err)
				return
			}
			switch i % 4 {
			case 0: // fails after it was worked out
				if _, err := s.AddAccount(Order{}, NewAccount{Account: Account{Name: name}, Plan: silver}); !errors.Is(err, ErrExists) {
					t.Errorf("again = %v", err)
				}
			case 1:
				pay(t, s, r.Invoices[0].Number, 0, name)
				if _, err := s.Refund(Order{}, name); err != nil {
					t.Error(err)
				}
			case 2:
				if _, err := s.CloseAccount(Order{}, name, ""); err != nil {
					t.Error(err)
				}
			case 3:
				if _, err := s.Activate(Order{}, name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	next := uint64(1)
	err := s.Invoices(0, func(i *Invoice) error {
		if i.Number != next {
			t.Errorf("invoice %d in place of %d", i.Number, next)
		}
		next++
		return nil
	})
	if err != nil || next != n+n/2+1 {
		t.Errorf("%d invoices, %v, want %d", next-1, err, n+n/2)
	}
}

func TestDun_suspendsAndPaymentResumes(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Continue)
	mustSend(t, s, "acme", 1500*mb, 1)
	c.set(december)
	closeDue(t, s, 1)
	if _, err := s.Renew(Order{}, "acme", "gold"); err != nil { // an order that is not paid holds nobody back
		t.Fatal(err)
	}
	dun := func(want int) {
		t.Helper()
		if n, err := s.Dun(t.Context(), 0); err != nil || n != want {
			t.Fatalf("Dun = %d, %v, want %d", n, err, want)
		}
	}
	c.add((14+7)*24*time.Hour - time.Second)
	dun(0)
	mustSend(t, s, "acme", 1, 1)
	c.add(time.Second)
	dun(1)
	dun(0)
	if r := send(t, s, "acme", 1, 1); r == nil || r.State != Suspended || r.Hold != HoldUnpaid {
		t.Errorf("Accept = %+v, want it held back", r)
	}
	pay(t, s, 1, 1000, "part")
	if a := account(t, s, "acme"); a.Hold == "" || a.Status() != Suspended {
		t.Errorf("after a part = %+v", a)
	}
	pay(t, s, 1, 220, "rest")
	mustSend(t, s, "acme", 1, 1)
	wantBook(t, s, "acme", "activated", "overage 500000000", "credit 500000000", "closed", "invoice -1220", "invoice -43920",
		"suspended", "payment 1000", "payment 220", "resumed")
	// Suspended by the operator, payment does not resume it.
	if _, err := s.BuyBlock(Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Suspend(Order{}, "acme", "spam"); err != nil {
		t.Fatal(err)
	}
	c.add(22 * 24 * time.Hour)
	dun(1)
	pay(t, s, 3, 1220, "block")
	if a := account(t, s, "acme"); a.Hold != "" || a.State != Suspended {
		t.Errorf("account = %+v", a)
	}
	if r, err := s.Resume(Order{}, "acme"); err != nil || r.After.Status() != Active {
		t.Errorf("Resume = %+v, %v", r, err)
	}
}

func TestRefund(t *testing.T) {
	s, c := newBooks(t)
	r := order(t, s, "acme", silver, quota.Continue)
	pay(t, s, r.Invoices[0].Number, 15_000, "a")
	if _, err := s.Upgrade(Order{}, "acme", "gold"); err != nil {
		t.Fatal(err)
	}
	up, _ := s.InvoicesOf("acme", true)
	pay(t, s, up[0].Number, 0, "b")
	if _, err := s.MarkAbuse(Order{}, "acme", "spam"); err != nil {
		t.Fatal(err)
	}
	c.add(30 * 24 * time.Hour) // day 31
	r, err := s.Refund(Order{}, "acme")
	no, ok := errors.AsType[*quota.Refused](err)
	paid := int64(14_640) + up[0].Total
	if !ok || !no.For(quota.WhyLate) || !no.For(quota.WhyAbuse) || no.For(quota.WhyOverage) || r.Amount != paid {
		t.Fatalf("Refund = %+v, %v, want it refused, naming %d", r.Lines, err, paid)
	}
	c.add(-24 * time.Hour) // day 30
	if _, err := s.MarkAbuse(Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Renew(Order{}, "acme", ""); err != nil { // never paid
		t.Fatal(err)
	}
	r, err = s.Refund(Order{}, "acme")
	if err != nil || r.Amount != paid || r.After.Balance != 0 || r.After.State != Closed || r.After.Open != "" {
		t.Fatalf("Refund = %+v, %v", r, err)
	}
	list, _ := s.InvoicesOf("acme", false)
	states := make([]string, len(list))
	for i := range list {
		states[i] = fmt.Sprintf("%s %s %d", list[i].Kind, list[i].State, list[i].About)
	}
	want := []string{"order refunded 0", "upgrade refunded 0", "renewal cancelled 0", "credit-note paid 1", "credit-note paid 2", "credit-note paid 3"}
	if !slices.Equal(states, want) {
		t.Errorf("invoices = %q, want %q", states, want)
	}
	if r := send(t, s, "acme", 1, 1); r == nil || r.State != Closed {
		t.Errorf("Accept = %+v, want it closed", r)
	}
	if _, err := s.Refund(Order{}, "acme"); !errors.Is(err, ErrClosed) {
		t.Errorf("Refund again = %v", err)
	}
	// Overage in the running month.
	order(t, s, "big", silver, quota.Continue)
	mustSend(t, s, "big", gb+1, 1)
	_, err = s.Refund(Order{}, "big")
	if no, ok := errors.AsType[*quota.Refused](err); !ok || !no.For(quota.WhyOverage) {
		t.Errorf("Refund with overage = %v", err)
	}
	c.add(10 * 24 * time.Hour)
	if _, err = s.Refund(Order{}, "big"); err == nil { // and in one that is closed with the order
		t.Error("Refund after overage was done")
	}
}

// What was paid of an order that is taken back stays with the customer.
func TestCancelInvoice(t *testing.T) {
	s, _ := newBooks(t)
	r, err := s.AddAccount(Order{}, NewAccount{Account: Account{Name: "acme"}, Plan: silver})
	if err != nil {
		t.Fatal(err)
	}
	pay(t, s, 1, 5000, "part")
	r, err = s.CancelInvoice(Order{}, 1, "mistake")
	if err != nil || r.After.Balance != 5000 || r.Invoices[0].State != InvoiceCancelled || r.Invoices[1].Total != -14_640 {
		t.Fatalf("CancelInvoice = %+v, %v", r, err)
	}
	if _, err := s.CancelInvoice(Order{}, 1, "mistake"); err == nil {
		t.Error("an invoice was cancelled twice")
	}
	if _, err := s.SetPlan(Order{}, "acme", free); err != nil { // it waits for nothing now
		t.Fatal(err)
	}
	if r, err = s.Activate(Order{}, "acme"); err != nil || r.After.State != Active || r.After.Balance != 5000 {
		t.Errorf("Activate = %+v, %v", r, err)
	}
	if r, err = s.Refund(Order{}, "acme"); err != nil || r.Amount != 5000 || r.After.Balance != 0 {
		t.Errorf("Refund = %+v, %v", r, err)
	}
}

// An overpaid balance goes back with the refund, and an older debt is not set off.
func TestRefund_balance(t *testing.T) {
	s, _ := newBooks(t)
	r := order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, r.Invoices[0].Number, 20_000, "a")
	r, err := s.Refund(Order{}, "acme")
	if err != nil || r.Amount != 20_000 || r.After.Balance != 0 {
		t.Errorf("Refund = %+v, %v", r, err)
	}
	if err := s.RemoveAccount("acme"); !errors.Is(err, ErrBusy) && err != nil {
		t.Errorf("RemoveAccount = %v", err)
	}
}

// A term that was bought ahead and never began keeps its key: what was paid for
// it is not paid back with a later term.
func TestRefund_notOfAnEarlierAccount(t *testing.T) {
	s, c := newBooks(t)
	r := order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, r.Invoices[0].Number, 0, "a")
	r, err := s.Renew(Order{}, "acme", "")
	if err != nil {
		t.Fatal(err)
	}
	pay(t, s, r.Invoices[0].Number, 0, "b")
	if err := s.RemoveAccount("acme"); err != nil {
		t.Fatal(err)
	}
	c.set(time.Date(2027, 11, 5, 12, 0, 0, 0, time.UTC)) // in the first month of the renewal
	r = order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, r.Invoices[0].Number, 0, "c")
	if r, err = s.Refund(Order{}, "acme"); err != nil || r.Amount != 14_640 || r.After.Balance != 0 {
		t.Errorf("Refund = %+v, %v, want what the new account paid", r, err)
	}
}

func TestRefund_currency(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	if _, err := s.Correct(Order{}, "acme", Correction{Money: 500, Text: "paid by hand"}); err != nil {
		t.Fatal(err)
	}
	b := s.Billing()
	b.Currency = "USD"
	s.SetBilling(b)
	if r, err := s.Refund(Order{}, "acme"); err == nil {
		t.Errorf("Refund of EUR in USD = %+v", r.Entries)
	}
	if a := account(t, s, "acme"); a.Balance != 500 || a.State != Active {
		t.Errorf("the account is %s with %d", a.State, a.Balance)
	}
}

func TestUpgrade_midMonth(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	if _, err := s.BuyBlock(Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 2*gb, 1)
	if r := send(t, s, "acme", 1, 1); r == nil {
		t.Fatal("beyond the limit was taken")
	}
	c.add(24 * time.Hour)
	// The term is 23 November to 31 October: 343 days, 342 of them left.
	r, err := s.Upgrade(Order{}, "acme", "gold")
	if err != nil {
		t.Fatal(err)
	}
	if i := r.Invoices[0]; i.Net != 23_930 || i.Lines[0].Text != "upgrade from silver to gold, 342 of 343 days" || i.Kind != ForUpgrade {
		t.Errorf("invoice = %+v", i)
	}
	mustSend(t, s, "acme", 4*gb, 1) // 6 GB in all: 5 allowed, 1 of credit
	if r := send(t, s, "acme", 1, 1); r == nil {
		t.Error("beyond the new limit was taken")
	}
	st, _ := s.Statement("acme", c.now())
	if st.Name != "gold" || st.Allowance.Bytes != 5*gb || st.Used.Bytes != 6*gb || st.Use.Drawn != gb || st.Use.Overage != 0 {
		t.Errorf("Statement = %+v", st)
	}
	for plan, why := range map[string]quota.Why{"silver": quota.WhySmaller, "count": quota.WhyKind, "more": quota.WhyTerm, "old": quota.WhyRetired} {
		_, err := s.Upgrade(Order{}, "acme", plan)
		if no, ok := errors.AsType[*quota.Refused](err); !ok || !no.For(why) {
			t.Errorf("Upgrade to %s = %v, want %s", plan, err, why)
		}
	}
}

func TestRenew(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Continue)
	first := account(t, s, "acme")
	end := first.TermEnd()
	// Paid before the end: it goes on without a gap, here with a smaller plan.
	r, err := s.Renew(Order{}, "acme", "count")
	if err != nil || len(r.After.Contracts) != 1 {
		t.Fatalf("Renew = %+v, %v", r, err)
	}
	pay(t, s, r.Invoices[0].Number, 0, "a")
	a := account(t, s, "acme")
	if len(a.Contracts) != 2 || !a.Contracts[1].Start.Equal(end) || a.Contract(c.now()).Plan.Name != "silver" {
		t.Fatalf("after the payment = %+v", a.Contracts)
	}
	c.set(end)
	mustSend(t, s, "acme", 1, 1)
	if a := account(t, s, "acme"); a.Contract(c.now()).Plan.Name != "count" || a.Open != "2027-11" {
		t.Errorf("after the turn = %+v", a)
	}
	// Paid after the end: it starts with the payment.
	c.set(a.TermEnd().Add(48 * time.Hour))
	if r := send(t, s, "acme", 1, 1); r == nil || !r.Expired {
		t.Errorf("after the term = %+v", r)
	}
	if r, err = s.Renew(Order{}, "acme", "more"); err != nil {
		t.Fatal(err)
	}
	c.add(time.Hour)
	pay(t, s, r.Invoices[len(r.Invoices)-1].Number, 0, "b")
	a = account(t, s, "acme")
	if last := a.Contracts[2]; !last.Start.Equal(c.now()) || a.Open != "2028-11-03" {
		t.Errorf("renewed late = %+v, open %s", last, a.Open)
	}
	mustSend(t, s, "acme", 1, 1)
	if _, err := s.Renew(Order{}, "acme", "old"); err == nil {
		t.Error("a retired plan was sold")
	}
}

// Two orders of one account at the same time, and many messages: the sums hold.
func TestAccount_races(t *testing.T) {
	s, c := newBooks(t)
	var wg sync.WaitGroup
	for _, name := range []string{"one", "two"} {
		order(t, s, name, count, quota.Suspend)
		for range 9 {
			mustSend(t, s, name, 1, 5000)
		}
	}
	c.set(december.Add(-time.Second))
	for _, name := range []string{"one", "two"} {
		for i := range 40 {
			wg.Go(func() {
				switch i % 5 {
				case 0:
					if _, err := s.TopUp(Order{}, name, "more"); err != nil {
						t.Error(err)
					}
				case 1:
					_, _ = s.RecordPayment(Order{}, Payment{Invoice: uint64(1 + i%2), Method: "card", Reference: fmt.Sprint(name, i/2), Amount: 700})
				case 2:
					if _, err := s.CloseDue(t.Context(), 0); err != nil {
						t.Error(err)
					}
				default:
					send(t, s, name, 1, 1000)
					c.add(100 * time.Millisecond)
				}
			})
		}
	}
	wg.Wait()
	verify(t, s)
}

func TestRemoveAccount_booksStay(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	mustSend(t, s, "acme", 7, 1)
	for _, l := range claim(t, s, "d.test", "acme", 10) {
		settle(t, s, l, Delivered)
	}
	if err := s.RemoveAccount("acme"); !errors.Is(err, ErrOwing) {
		t.Fatalf("RemoveAccount = %v, want ErrOwing", err)
	}
	pay(t, s, 1, 0, "a")
	if err := s.RemoveAccount("acme"); err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	was := len(book(t, s, "acme"))
	c.add(time.Hour)
	order(t, s, "acme", free, quota.Suspend) // another one of that name
	a := account(t, s, "acme")
	if a.Open != "2026-11-2" || a.Balance != 0 || len(book(t, s, "acme")) != was+1 {
		t.Errorf("the second acme = %+v", a)
	}
	mustSend(t, s, "acme", 1, 1)
	if u, _ := s.Usage("acme", "2026-11"); u.Charged.Bytes != 7 {
		t.Errorf("the first one's usage = %+v", u)
	}
}

func TestSetPlan(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	mustSend(t, s, "acme", gb, 1)
	c.add(time.Hour)
	big := free
	big.Bandwidth = 2 * gb
	if _, err := s.SetPlan(Order{}, "acme", big); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", gb, 1)
	if r := send(t, s, "acme", 1, 1); r == nil {
		t.Error("beyond the limit was taken")
	}
	if _, err := s.BuyBlock(Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	if _, err := s.SetPlan(Order{}, "acme", more); err != nil { // of another kind and term: a new one begins
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 1, 9000)
	wantBook(t, s, "acme", "activated", "plan", "topup 1000000000", "invoice -1220", "expired -1000000000", "closed", "plan")
	if a := account(t, s, "acme"); a.Lots != nil || a.Open != "2026-11-23" || !a.Contracts[0].End.Equal(c.now()) {
		t.Errorf("account = %+v", a)
	}
}

func TestCustomer_rollUp(t *testing.T) {
	s, _ := newBooks(t)
	if err := s.AddCustomer(Customer{Name: "acme", Address: []string{"Acme", "Via Roma 1"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.AddReseller(Reseller{Name: "res", Hash: TokenHash("secret")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web", "shop", "other"} {
		n := NewAccount{Account: Account{Name: name, Owner: "acme", Reseller: "res"}, Plan: silver, Activate: true}
		if name == "other" {
			n.Account.Owner = ""
		}
		if _, err := s.AddAccount(Order{}, n); err != nil {
			t.Fatal(err)
		}
		mustSend(t, s, name, 100, 3)
	}
	if _, err := s.AddAccount(Order{}, NewAccount{Account: Account{Name: "x", Owner: "nobody"}, Plan: free}); !errors.Is(err, ErrNotFound) {
		t.Errorf("an account of nobody = %v", err)
	}
	sum, err := s.RollUpCustomer("acme", "2026-11")
	want := RollUp{Accounts: 2, Charged: quota.Charge{Messages: 6, Bytes: 600}, Queued: 6, Invoiced: 2 * 14_640, Open: 2 * 14_640, Balance: -2 * 14_640}
	if err != nil || sum != want {
		t.Errorf("RollUpCustomer = %+v, %v, want %+v", sum, err, want)
	}
	if sum, err := s.RollUpReseller("res", "2026-12"); err != nil || sum.Accounts != 3 || sum.Charged.Messages != 0 {
		t.Errorf("RollUpReseller = %+v, %v", sum, err)
	}
	if i, _ := s.Invoice(1); !slices.Equal(i.Buyer, []string{"Acme", "Via Roma 1"}) || i.Customer != "acme" {
		t.Errorf("invoice = %+v", i)
	}
	if r, err := s.ResellerByToken("secret"); err != nil || r.Name != "res" {
		t.Errorf("ResellerByToken = %+v, %v", r, err)
	}
	if _, err := s.ResellerByToken("wrong"); !errors.Is(err, ErrNotFound) {
		t.Errorf("ResellerByToken(wrong) = %v", err)
	}
	if err := s.RemoveCustomer("acme"); !errors.Is(err, ErrInUse) {
		t.Errorf("RemoveCustomer = %v", err)
	}
	if _, err := s.UpdateAccount("web", func(a *Account) error { a.Owner = ""; return nil }); err != nil {
		t.Fatal(err)
	}
	if list, err := s.AccountsOf("acme"); err != nil || len(list) != 1 || list[0].Name != "shop" {
		t.Errorf("AccountsOf = %v, %v", list, err)
	}
	if list, err := s.AccountsBelow("res"); err != nil || len(list) != 3 {
		t.Errorf("AccountsBelow = %v, %v", list, err)
	}
}

func TestUpdateAccount_keepsTheBook(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	for name, fn := range map[string]func(*Account){
		"balance": func(a *Account) { a.Balance = 1 },
		"plan":    func(a *Account) { a.Contracts[0].Plan.Bandwidth = 0 },
		"closed":  func(a *Account) { a.State = Closed },
		"owner":   func(a *Account) { a.Owner = "nobody" },
	} {
		if _, err := s.UpdateAccount("acme", func(a *Account) error { fn(a); return nil }); err == nil {
			t.Errorf("UpdateAccount of %s was done", name)
		}
	}
}

// One currency for good.
func TestSetBilling_currency(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	b := s.Billing()
	b.Currency = "USD"
	s.SetBilling(b)
	if _, err := s.BuyBlock(Order{}, "acme", gb, 1); err == nil {
		t.Error("an invoice in another currency was issued")
	}
}
