package store

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/people"
)

// Whose an invoice was when it was issued stays; whose the account is now is another
// question. Neither reads what is somebody else's: here that cannot be read.
func TestInvoicesTo_readsNoOther(t *testing.T) {
	s := resold(t)
	if err := errors.Join(s.People.AddCustomer(people.Customer{Name: "boss"}), s.People.AddCustomer(people.Customer{Name: "bo"})); err != nil {
		t.Fatal(err)
	}
	dear := quota.Plan{Name: "dear", Term: quota.Month, Price: 900}
	for i, a := range []books.Account{
		{Name: "webco.a", Owner: "boss", Reseller: "webco"},
		{Name: "other.a", Owner: "boss", Reseller: "other"},
		{Name: "z", Owner: "bo"},
		{Name: "webco.b", Owner: "boss", Reseller: "webco"},
		{Name: "nobodys"},
	} {
		if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: a, Plan: dear}); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if _, err := s.Orders.CloseAccount(behalf.Order{}, "webco.b", "over"); err != nil { // invoice 6 takes 4 back
		t.Fatal(err)
	}
	verify(t, s)
	_, err := s.Orders.ChangeAccount(behalf.Order{}, "other.a", func(a *books.Account) (orders.Change, error) {
		a.Owner, a.Reseller = "bo", "webco"
		return orders.Change{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var sound []byte
	put := func(raw []byte) {
		t.Helper()
		err := s.update(0, func(t *tx) error {
			sound = slices.Clone(t.Get(bucket.Invoices, keyOfInvoice(5)))
			return t.Put(bucket.Invoices, keyOfInvoice(5), raw)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put([]byte("{"))
	defer func() { put(sound) }()
	for name, x := range map[string]struct {
		walk func(func(*ledger.Invoice) error) error
		want []uint64
	}{
		"to boss":              {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesTo("boss", 0, fn) }, []uint64{1, 2, 4, 6}},
		"to bo":                {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesTo("bo", 0, fn) }, []uint64{3}},
		"to nobody":            {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesTo("", 0, fn) }, nil},
		"through webco":        {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesThrough("webco", 0, fn) }, []uint64{1, 4, 6}},
		"through other":        {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesThrough("other", 0, fn) }, []uint64{2}},
		"below webco":          {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesBelow("webco", false, 0, fn) }, []uint64{1, 2, 4, 6}},
		"of it, open":          {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesBelow("webco", true, 0, fn) }, []uint64{1, 2}},
		"to boss, from 2":      {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesTo("boss", 2, fn) }, []uint64{4, 6}},
		"below webco, from 2":  {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesBelow("webco", false, 2, fn) }, []uint64{4, 6}},
		"below webco, the end": {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesBelow("webco", false, 6, fn) }, nil},
		"below other":          {func(fn func(*ledger.Invoice) error) error { return s.Books.InvoicesBelow("other", false, 0, fn) }, nil},
	} {
		var got []uint64
		if err := x.walk(func(i *ledger.Invoice) error { got = append(got, i.Number); return nil }); err != nil || !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, x.want)
		}
	}
	stop := errors.New("stop")
	if err := s.Books.InvoicesBelow("webco", false, 0, func(*ledger.Invoice) error { return stop }); err != stop {
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
			r, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name}, Plan: silver})
			if err != nil {
				t.Error(err)
				return
			}
			switch i % 4 {
			case 0: // fails after it was worked out
				if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name}, Plan: silver}); !errors.Is(err, ErrExists) {
					t.Errorf("again = %v", err)
				}
			case 1:
				pay(t, s, r.Invoices[0].Number, 0, name)
				if _, err := s.Orders.Refund(behalf.Order{}, name); err != nil {
					t.Error(err)
				}
			case 2:
				if _, err := s.Orders.CloseAccount(behalf.Order{}, name, ""); err != nil {
					t.Error(err)
				}
			case 3:
				if _, err := s.Orders.Activate(behalf.Order{}, name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	next := uint64(1)
	err := s.Books.Invoices(0, func(i *ledger.Invoice) error {
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

// Tax is that of the sum of all lines of a rate (EN 16931, BR-CO-17); a credit note
// has the rate of what it takes back, whatever it is by then.
func TestInvoice_taxByRate(t *testing.T) {
	s, c := newBooks(t)
	odd := free
	odd.Blocks = []quota.Block{{Bytes: gb, Price: 102}} // 22.44 of tax on one, 67.32 on three
	order(t, s, "acme", odd, quota.Suspend)
	r, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 3)
	if err != nil || r.Invoices[0].Net != 306 || r.Invoices[0].Tax != 67 || r.Invoices[0].Total != 373 {
		t.Fatalf("BuyBlock = %+v, %v", r.Invoices, err)
	}
	b := s.Books.Billing()
	b.TaxRate = 10 * quota.Percent
	s.Books.SetBilling(b)
	c.add(time.Hour)
	if r, err = s.Orders.CancelInvoice(behalf.Order{}, 1, "a mistake"); err != nil || r.After.Balance != 0 || r.Invoices[1].Tax != -67 || r.Invoices[1].Lines[0].TaxRate != 22*quota.Percent {
		t.Errorf("CancelInvoice = %+v, %v", r, err)
	}
	odd.Blocks = []quota.Block{{Bytes: gb, Price: 105}, {Bytes: 5 * gb, Price: 305}}
	odd.OverMax = quota.Uncapped
	order(t, s, "big", odd, quota.Continue)
	mustSend(t, s, "big", 7*gb, 1)
	c.set(december)
	closeDue(t, s, 2)
	// 6 GB: 3.05 and 1.05, with 0.41 of tax on both; by line it would be 0.31 and 0.11.
	if list, err := s.Books.InvoicesOf("big", true); err != nil || len(list) != 1 || len(list[0].Lines) != 2 || list[0].Net != 410 || list[0].Tax != 41 || list[0].Total != 451 ||
		!reflect.DeepEqual(list[0].Taxes, []ledger.InvoiceTax{{Rate: 10 * quota.Percent, Net: 410, Tax: 41}}) {
		t.Errorf("overage = %+v, %v", list, err)
	}
}

// An invoice whose tax was rounded by line stays what it is, and so does its credit note.
func TestInvoice_taxByLineStays(t *testing.T) {
	s, _ := newBooks(t)
	odd := free
	odd.Blocks = []quota.Block{{Bytes: gb, Price: 1025}, {Bytes: 2 * gb, Price: 1025}}
	order(t, s, "acme", odd, quota.Suspend)
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	err := s.update(0, func(t *tx) error { // as it would have been issued
		i, err := t.s.Books.InvoiceIn(&t.Tx, 1)
		if err != nil {
			return err
		}
		l := i.Lines[0]
		l.Tax = 226 // of 225.5
		i.Taxes, i.Lines, i.Net, i.Tax, i.Total = nil, []ledger.InvoiceLine{l, l}, 2050, 452, 2502
		return t.Write(bucket.Invoices, keyOfInvoice(1), i)
	})
	if err != nil {
		t.Fatal(err)
	}
	// Its entry and the balance are left as they were: only paper is compared.
	r, err := s.Orders.CancelInvoice(behalf.Order{DryRun: true}, 1, "a mistake")
	if err != nil || len(r.Invoices) != 2 {
		t.Fatalf("%+v, %v, want the invoice and its credit note", r.Invoices, err)
	}
	note := r.Invoices[1]
	if note.Tax != -452 || note.Total != -2502 || note.Taxes != nil || note.Lines[1].Tax != -226 {
		t.Errorf("credit note = %+v, want the tax of its lines", note)
	}
	if err := s.update(0, func(t *tx) error { // put right for the check of the books
		i, err := t.s.Books.InvoiceIn(&t.Tx, 1)
		i.Lines, i.Net, i.Tax, i.Total = i.Lines[:1], 1025, 226, 1251
		return errors.Join(err, t.Write(bucket.Invoices, keyOfInvoice(1), i))
	}); err != nil {
		t.Fatal(err)
	}
}
