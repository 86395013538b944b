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
	"relay/store/behalf"
	"relay/store/ledger"
	"relay/store/orders"
)

// Accounts that cannot be closed hold up no others.
func TestCloseBy_failing(t *testing.T) {
	s, c := newBooks(t)
	dear := free
	dear.Blocks = []quota.Block{{Bytes: 1000, Price: 1_000_000_000_000}}
	for i, p := range []quota.Plan{dear, dear, dear, free, free} {
		name := string(rune('a' + i))
		p.OverMax = quota.Uncapped
		order(t, s, name, p, quota.Continue)
		mustSend(t, s, name, 10_000*gb, 1)
	}
	c.set(december.Add(time.Hour))
	for range 2 {
		if n, err := closeNow(t.Context(), s); err == nil || n > 2 {
			t.Errorf("CloseBy = %d, %v", n, err)
		}
	}
	for _, name := range []string{"d", "e"} {
		if a := account(t, s, name); a.Open != "2026-12" {
			t.Errorf("%s is open in %s", name, a.Open)
		}
	}
}

// M15 to the figure: what was used over, the block that is bought, what is credited.
func TestCloseBy_blocksAndCredit(t *testing.T) {
	for _, x := range []struct {
		over, block, price, credit int64
	}{
		{gb / 2, gb, 1000, 500 * mb},
		{1200 * mb, 2 * gb, 1800, 500 * mb},
		{1600 * mb, 2 * gb, 1800, 0},
		{2600 * mb, 5 * gb, 2700, 2 * gb},
	} {
		t.Run(fmt.Sprint(x.over), func(t *testing.T) {
			s, c := newBooks(t)
			order(t, s, "acme", free, quota.Continue)
			mustSend(t, s, "acme", gb, 1)
			mustSend(t, s, "acme", x.over, 1)
			c.set(december.Add(-time.Millisecond))
			closeDue(t, s, 0)
			c.set(december)
			closeDue(t, s, 1)
			closeDue(t, s, 0)
			list, err := s.Books.InvoicesOf("acme", true)
			if err != nil || len(list) != 1 {
				t.Fatalf("invoices = %+v, %v", list, err)
			}
			i := list[0]
			tax := (x.price*22 + 50) / 100
			if i.Net != x.price || i.Tax != tax || i.Total != x.price+tax || i.Kind != ledger.ForOverage || i.Period != "2026-11" || i.Term != "2026-11" ||
				i.Lines[0].Text != (ledger.Item{Kind: ledger.ItemOverage, Bytes: x.block, Over: x.over, Period: "2026-11"}).String() {
				t.Errorf("invoice = %+v", i)
			}
			credited := []ledger.InvoiceLine{{Text: ledger.Item{Kind: ledger.ItemCredit, Bytes: x.credit, Until: "2027-11-22"}.String(), Count: 1, TaxRate: 22 * quota.Percent}}
			if x.credit == 0 {
				credited = nil
			}
			if !slices.Equal(i.Lines[1:], credited) {
				t.Errorf("after the block the invoice says %+v, want %+v", i.Lines[1:], credited)
			}
			a := account(t, s, "acme")
			if quota.Sum(a.Lots) != x.credit || a.Balance != -i.Total || a.Open != "2026-12" {
				t.Errorf("account = %+v, want a credit of %d", a, x.credit)
			}
			st, err := s.Standings.Standing("acme")
			if err != nil || quota.Sum(st.Live) != x.credit || st.Used.Charged != (quota.Charge{}) {
				t.Errorf("Standing = %+v, %v", st, err)
			}
		})
	}
}

func TestCloseBy_lateOnceAndInterrupted(t *testing.T) {
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
		_, _ = closeNow(t.Context(), s) // is cut off
	}()
	for {
		if list, err := s.Books.InvoicesOf("a020", false); err != nil || len(list) > 0 {
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
	var wg sync.WaitGroup
	for range 3 { // several at the same time
		wg.Go(func() {
			if _, err := closeNow(t.Context(), s); err != nil {
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
	if i, err := s.Books.Invoice(n); err != nil || i.Number != n {
		t.Errorf("the last invoice = %+v, %v, want number %d", i, err, n)
	}
	if _, err := s.Books.Invoice(n + 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("Invoice(%d) = %v", n+1, err)
	}
}

// The first message after a month's turn closes it; the job finds it done.
func TestAccept_closesWhatIsOver(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
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
	if r, err := s.Standings.Permit("acme", "", quota.Charge{Messages: 1, Bytes: gb}); r != nil || err != nil {
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

// What a plan without blocks is used over is entered, and not billed.
func TestCloseBy_withoutBlocks(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", quota.Plan{Name: "open", Term: quota.Year, Bandwidth: gb}, quota.Continue)
	mustSend(t, s, "acme", 1500*mb, 1)
	c.set(december)
	closeDue(t, s, 1)
	wantBook(t, s, "acme", "activated", "overage 500000000", "closed")
}

// Credit lasts as long as the term it was left in, not as its renewal (M16).
func TestCloseBy_creditOfTheTerm(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Continue)
	if _, err := s.Books.UpdatePlan("free", func(p *quota.Plan) error { p.Ends = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", "free"); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 1500*mb, 1)
	end := time.Date(2027, 11, 22, 23, 0, 0, 0, time.UTC)
	if r, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Units: 500 * mb, Text: "gift"}); err != nil || !r.After.Lots[0].Expires.Equal(end) {
		t.Fatalf("Correct = %+v, %v", r.After.Lots, err)
	}
	mustSend(t, s, "acme", 400*mb, 1)
	c.set(december)
	closeDue(t, s, 1)
	a := account(t, s, "acme")
	if len(a.Contracts) != 2 || len(a.Lots) != 1 || a.Lots[0].Amount != 500*mb || !a.Lots[0].Expires.Equal(end) {
		t.Errorf("lots = %+v, want 500 MB until %v", a.Lots, end)
	}
	c.set(end)
	closeDue(t, s, 1)
	if a := account(t, s, "acme"); len(a.Lots) > 0 || a.Open != "2027-11-2" {
		t.Errorf("in the next term = %+v", a)
	}
	// What is given then lasts until its end.
	if r, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Units: 1, Text: "gift"}); err != nil || !r.After.Lots[0].Expires.Equal(a.TermEnd()) {
		t.Errorf("Correct = %+v, %v", r.After.Lots, err)
	}
	c.set(a.TermEnd())
	if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Units: 1, Text: "gift"}); err == nil {
		t.Error("credit was given after the term")
	}
}

// A panic in what is done with an account's receipt ends the walk, and not the process.
func TestCloseBy_panics(t *testing.T) {
	s, c := newBooks(t)
	for _, name := range []string{"a", "b", "c"} {
		order(t, s, name, free, quota.Suspend)
	}
	c.set(december.Add(time.Hour))
	err := s.Orders.CloseBy(t.Context(), s.Now(), func(string, orders.Receipt, error) { panic("tea") })
	if err == nil || !strings.HasPrefix(err.Error(), "panic: tea\n") {
		t.Errorf("CloseBy = %v", err)
	}
	for _, name := range []string{"a", "b", "c"} {
		if n, err := closeNow(t.Context(), s); err != nil || account(t, s, name).Open != "2026-12" {
			t.Errorf("%s after %d: %v", name, n, err)
		}
	}
}
