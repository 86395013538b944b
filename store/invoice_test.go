package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"relay/quota"
)

// Whose an invoice was when it was issued stays; whose the account is now is another
// question. Neither reads what is somebody else's: here that cannot be read.
func TestInvoicesTo_readsNoOther(t *testing.T) {
	s := resold(t)
	if err := errors.Join(s.AddCustomer(Customer{Name: "boss"}), s.AddCustomer(Customer{Name: "bo"})); err != nil {
		t.Fatal(err)
	}
	dear := quota.Plan{Name: "dear", Term: quota.Month, Price: 900}
	for i, a := range []Account{
		{Name: "webco.a", Owner: "boss", Reseller: "webco"},
		{Name: "other.a", Owner: "boss", Reseller: "other"},
		{Name: "z", Owner: "bo"},
		{Name: "webco.b", Owner: "boss", Reseller: "webco"},
		{Name: "nobodys"},
	} {
		if _, err := s.AddAccount(Order{}, NewAccount{Account: a, Plan: dear}); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if _, err := s.CloseAccount(Order{}, "webco.b", "over"); err != nil { // invoice 6 takes 4 back
		t.Fatal(err)
	}
	verify(t, s)
	_, err := s.ChangeAccount(Order{}, "other.a", func(a *Account) (Change, error) {
		a.Owner, a.Reseller = "bo", "webco"
		return Change{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var sound []byte
	put := func(raw []byte) {
		t.Helper()
		err := s.update(0, func(t *tx) error {
			sound = slices.Clone(t.b.Get(invoices, invoiceKey(5)))
			return t.b.Put(invoices, invoiceKey(5), raw)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put([]byte("{"))
	defer func() { put(sound) }()
	for name, x := range map[string]struct {
		walk func(func(*Invoice) error) error
		want []uint64
	}{
		"to boss":       {func(fn func(*Invoice) error) error { return s.InvoicesTo("boss", fn) }, []uint64{1, 2, 4, 6}},
		"to bo":         {func(fn func(*Invoice) error) error { return s.InvoicesTo("bo", fn) }, []uint64{3}},
		"to nobody":     {func(fn func(*Invoice) error) error { return s.InvoicesTo("", fn) }, nil},
		"through webco": {func(fn func(*Invoice) error) error { return s.InvoicesThrough("webco", fn) }, []uint64{1, 4, 6}},
		"through other": {func(fn func(*Invoice) error) error { return s.InvoicesThrough("other", fn) }, []uint64{2}},
		"below webco":   {func(fn func(*Invoice) error) error { return s.InvoicesBelow("webco", false, fn) }, []uint64{1, 2, 4, 6}},
		"of it, open":   {func(fn func(*Invoice) error) error { return s.InvoicesBelow("webco", true, fn) }, []uint64{1, 2}},
		"below other":   {func(fn func(*Invoice) error) error { return s.InvoicesBelow("other", false, fn) }, nil},
	} {
		var got []uint64
		if err := x.walk(func(i *Invoice) error { got = append(got, i.Number); return nil }); err != nil || !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, x.want)
		}
	}
	stop := errors.New("stop")
	if err := s.InvoicesBelow("webco", false, func(*Invoice) error { return stop }); err != stop {
		t.Errorf("the callback's error = %v", err)
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

// Tax is that of a line, not of its count times the price of one; a credit note
// has the rate of what it takes back, whatever it is by then.
func TestInvoice_taxOfLines(t *testing.T) {
	s, c := newBooks(t)
	odd := free
	odd.Blocks = []quota.Block{{Bytes: gb, Price: 102}} // 22.44 of tax on one, 67.32 on three
	order(t, s, "acme", odd, quota.Suspend)
	r, err := s.BuyBlock(Order{}, "acme", gb, 3)
	if err != nil || r.Invoices[0].Net != 306 || r.Invoices[0].Tax != 67 || r.Invoices[0].Total != 373 {
		t.Fatalf("BuyBlock = %+v, %v", r.Invoices, err)
	}
	b := s.Billing()
	b.TaxRate = 10 * quota.Percent
	s.SetBilling(b)
	c.add(time.Hour)
	if r, err = s.CancelInvoice(Order{}, 1, "a mistake"); err != nil || r.After.Balance != 0 || r.Invoices[1].Tax != -67 || r.Invoices[1].Lines[0].TaxRate != 22*quota.Percent {
		t.Errorf("CancelInvoice = %+v, %v", r, err)
	}
	odd.Blocks = append(odd.Blocks, quota.Block{Bytes: 5 * gb, Price: 305})
	order(t, s, "big", odd, quota.Continue)
	mustSend(t, s, "big", 7*gb, 1)
	c.set(december)
	closeDue(t, s, 2)
	// 6 GB: 3.05 and 1.02, with 0.305 and 0.102 of tax, each rounded by itself.
	if list, err := s.InvoicesOf("big", true); err != nil || len(list) != 1 || len(list[0].Lines) != 2 || list[0].Net != 407 || list[0].Tax != 31+10 || list[0].Total != 448 {
		t.Errorf("overage = %+v, %v", list, err)
	}
}
