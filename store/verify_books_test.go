package store

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/room"
)

// Whatever is wrong in the books, Verify says so.
func TestVerify_books(t *testing.T) {
	for name, x := range map[string]struct {
		harm func(*tx, *books.Account) error
		says string
	}{
		"balance": {func(t *tx, a *books.Account) error { a.Balance++; return t.Write(bucket.Accounts, []byte(a.Name), a) }, "has a balance of"},
		"credit": {func(t *tx, a *books.Account) error {
			a.Lots[0].Amount--
			return t.Write(bucket.Accounts, []byte(a.Name), a)
		}, "entries of credit"},
		"credit gone":   {func(t *tx, a *books.Account) error { a.Lots = nil; return t.Write(bucket.Accounts, []byte(a.Name), a) }, "has 0 credits"},
		"entry gone":    {func(t *tx, a *books.Account) error { return t.Delete(bucket.Ledger, keyOf(a.Name, 2)) }, "ledger of acme"},
		"last entry":    {func(t *tx, a *books.Account) error { return t.Delete(bucket.Ledger, keyOf(a.Name, a.Seq)) }, "counts"},
		"not due":       {func(t *tx, a *books.Account) error { return t.Delete(bucket.Closing, keyOfEnd(a.Closes, a.Name)) }, "end of its open period"},
		"due twice":     {func(t *tx, a *books.Account) error { return t.Put(bucket.Closing, keyOfEnd(epoch, a.Name), []byte{}) }, "bucket closing lists"},
		"not owed":      {func(t *tx, a *books.Account) error { return t.Delete(bucket.Owed, keyOf(a.Name, 2)) }, "not listed as such"},
		"not billed":    {func(t *tx, a *books.Account) error { return t.Delete(bucket.Billed, keyOf(a.Name, 1)) }, "not listed under account"},
		"not to boss":   {func(t *tx, a *books.Account) error { return t.Delete(bucket.BilledTo, keyOf("boss", 1)) }, "invoice 1 is not listed under boss in bucket billed-to"},
		"not by webco":  {func(t *tx, a *books.Account) error { return t.Delete(bucket.BilledBelow, keyOf("webco", 2)) }, "invoice 2 is not listed under webco in bucket billed-below"},
		"to another":    {func(t *tx, a *books.Account) error { return t.Put(bucket.BilledTo, keyOf("other", 1), []byte{}) }, "bucket billed-to lists 3"},
		"by another":    {func(t *tx, a *books.Account) error { return t.Put(bucket.BilledBelow, keyOf("other", 1), []byte{}) }, "bucket billed-below lists 3"},
		"not dunned":    {func(t *tx, a *books.Account) error { return deleteAll(t, bucket.Dunning) }, "end of its grace"},
		"invoice gone":  {func(t *tx, a *books.Account) error { return t.Delete(bucket.Invoices, keyOfInvoice(1)) }, "lies in place of 1"},
		"invoice count": {func(t *tx, a *books.Account) error { return t.Write(bucket.Meta, []byte("invoice"), 7) }, "7 invoices are counted"},
		"paid": {func(t *tx, a *books.Account) error {
			i, err := t.s.Books.InvoiceIn(&t.Tx, 2)
			if err != nil {
				return err
			}
			was := i
			i.Paid, i.State, i.Suspends = i.Total, ledger.InvoicePaid, time.Time{}
			return t.s.Books.PutInvoice(&t.Tx, &was, &i)
		}, "that it did not pay"},
		"lines":          {harmed(1, func(i *ledger.Invoice) { i.Taxes[0].Tax++ }), "its lines sum up to"},
		"sum":            {harmed(1, func(i *ledger.Invoice) { i.Total++ }), "its lines sum up to"},
		"entry":          {harmed(1, func(i *ledger.Invoice) { i.Lines[0].Net++; i.Net++; i.Total++; i.Paid++ }), "invoice 1 of acme is over 14641, its entry over 14640"},
		"open, all paid": {harmed(2, func(i *ledger.Invoice) { i.Paid = i.Total }), "invoice 2 is open, with 1220 of 1220 paid"},
		"paid, not all":  {harmed(1, func(i *ledger.Invoice) { i.Paid-- }), "invoice 1 is paid, with 14639"},
		"cancelled":      {harmed(2, func(i *ledger.Invoice) { i.State, i.Paid = ledger.InvoiceCancelled, 1 }), "invoice 2 is cancelled, with 1 "},
		"refunded":       {harmed(1, func(i *ledger.Invoice) { i.State, i.Paid = ledger.InvoiceRefunded, 0 }), "invoice 1 is refunded, with 0 "},
		"state":          {harmed(1, func(i *ledger.Invoice) { i.State = "lost" }), "invoice 1 is lost"},
		"not listed too": {func(t *tx, a *books.Account) error { return t.Delete(bucket.Billed, keyOf(a.Name, 1)) }, "ledger of acme has 2 invoices, there are 1"},
		"owes in spite": {func(t *tx, a *books.Account) error {
			a.Balance += 5000
			return t.Write(bucket.Accounts, []byte(a.Name), a)
		}, "has 5000 to spend and owes 1220"},
		"never closes": {func(t *tx, a *books.Account) error {
			a.Closes = time.Time{}
			return t.Write(bucket.Accounts, []byte(a.Name), a)
		}, "its open period is"},
		"no such period": {func(t *tx, a *books.Account) error {
			a.Open = "2001-01"
			return t.Write(bucket.Accounts, []byte(a.Name), a)
		}, "no contract has its open period"},
		"usage gone":   {func(t *tx, a *books.Account) error { return t.Delete(bucket.Usage, room.Pair(a.Name, a.Open)) }, "which has no usage"},
		"payment gone": {func(t *tx, a *books.Account) error { return deleteAll(t, bucket.Payments) }, "bucket payments lists 0"},
		"not owned":    {func(t *tx, a *books.Account) error { return deleteAll(t, bucket.AccountsOf) }, "not listed under boss"},
		"not listed":   {func(t *tx, a *books.Account) error { return deleteAll(t, bucket.LoginsOf) }, "credentials \"acme\" is not listed"},
		"charged today": {func(t *tx, a *books.Account) error {
			t.Touch()
			t.s.Books.ChargesIn(&t.Tx, a.Name, a.Open).Today.Bytes++
			return nil
		}, "the entries of its days and today"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{t: epoch}
			s := openBooks(t, filepath.Join(t.TempDir(), "relay.db"), c)
			defer s.Close()
			if err := errors.Join(s.People.AddCustomer(people.Customer{Name: "boss"}), s.People.AddReseller(people.Reseller{Name: "webco"})); err != nil {
				t.Fatal(err)
			}
			_, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme", Owner: "boss", Reseller: "webco"}, Plan: silver, Activate: true,
				Credential: &people.Credential{Login: "acme", Account: "acme"}})
			if err != nil {
				t.Fatal(err)
			}
			pay(t, s, 1, 0, "a")
			if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
				t.Fatal(err)
			}
			mustSend(t, s, "acme", 7, 1)
			c.add(24 * time.Hour) // what was sent becomes an entry
			mustSend(t, s, "acme", 7, 1)
			verify(t, s)
			err = s.update(0, func(t *tx) error {
				a, err := room.Load[books.Account](&t.Tx, bucket.Accounts, "acme")
				if err != nil {
					return err
				}
				return x.harm(t, &a)
			})
			if err != nil {
				t.Fatal(err)
			}
			var says []string
			if _, err := s.Verify(t.Context(), func(p string) { says = append(says, p) }); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(says, "\n"), x.says) {
				t.Errorf("Verify says %q, want %q", says, x.says)
			}
		})
	}
}

// harm changes one record behind the books' back.
func harm[T any](b engine.Bucket, key func(*books.Account) []byte, fn func(*T)) func(*tx, *books.Account) error {
	return func(t *tx, a *books.Account) error {
		v, err := room.Load[T](&t.Tx, b, string(key(a)))
		if err != nil {
			return err
		}
		fn(&v)
		return t.Write(b, key(a), v)
	}
}

func harmAccount(fn func(*books.Account)) func(*tx, *books.Account) error {
	return harm(bucket.Accounts, func(a *books.Account) []byte { return []byte(a.Name) }, fn)
}

func harmInvoice(number uint64, fn func(*ledger.Invoice)) func(*tx, *books.Account) error {
	return harm(bucket.Invoices, func(*books.Account) []byte { return keyOfInvoice(number) }, fn)
}

func harmEntry(seq uint64, fn func(*ledger.Entry)) func(*tx, *books.Account) error {
	return harm(bucket.Ledger, func(a *books.Account) []byte { return keyOf(a.Name, seq) }, fn)
}

// Whoever changes a figure, a term, a state or a date beside the ledger is found out.
func TestVerify_whatNoEntrySays(t *testing.T) {
	for name, x := range map[string]struct {
		harm func(*tx, *books.Account) error
		says string
	}{
		"a larger plan":    {harmAccount(func(a *books.Account) { a.Contracts[0].Plan.Bandwidth *= 2 }), "its terms are not"},
		"a longer term":    {harmAccount(func(a *books.Account) { a.Contracts[0].End = a.Contracts[0].End.AddDate(1, 0, 0) }), "its terms are not"},
		"no term":          {harmAccount(func(a *books.Account) { a.Contracts = nil }), "its terms are not"},
		"a term more":      {harmAccount(func(a *books.Account) { a.Contracts = append(a.Contracts, a.Contracts[0]) }), "its terms are not"},
		"resumed":          {harmAccount(func(a *books.Account) { a.State = ledger.Active }), "its entries make it suspended"},
		"closed":           {harmAccount(func(a *books.Account) { a.State = ledger.Closed }), "its entries make it suspended"},
		"held back":        {harmAccount(func(a *books.Account) { a.Hold = books.HoldUnpaid }), "held back"},
		"no abuse":         {harmAccount(func(a *books.Account) { a.Abuse = false }), "marked for abuse"},
		"at the limit":     {harmAccount(func(a *books.Account) { a.AtLimit = quota.Continue }), "at the limit"},
		"waits":            {harmAccount(func(a *books.Account) { a.Ordered = &free }), "what it waits for"},
		"another period":   {harmAccount(func(a *books.Account) { a.Open = "2027-01" }), "its open period"},
		"closed later":     {harmAccount(func(a *books.Account) { a.Closes = a.Closes.AddDate(0, 1, 0) }), "is to be closed at"},
		"credit for ever":  {harmAccount(func(a *books.Account) { a.Lots[0].Expires = a.Lots[0].Expires.AddDate(9, 0, 0) }), "entries of credit"},
		"rounded again":    {harmAccount(func(a *books.Account) { a.Lots[0].Fresh = true }), "entries of credit"},
		"nobody's":         {func(t *tx, _ *books.Account) error { return t.Delete(bucket.Customers, []byte("boss")) }, "not among the customers"},
		"amount of a line": {harmInvoice(3, func(i *ledger.Invoice) { i.Lines[0].Price++ }), "invoice 3: a line of"},
		"tax of a line":    {harmInvoice(3, func(i *ledger.Invoice) { i.Lines[0].Tax-- }), "invoice 3: a line of"},
		"tax of a rate":    {harmInvoice(3, func(i *ledger.Invoice) { i.Taxes[0].Tax--; i.Tax--; i.Total-- }), "invoice 3: the tax at"},
		"had":              {harmInvoice(5, func(i *ledger.Invoice) { i.Order = nil }), "waits for its payment"},
		"taken back":       {harmInvoice(2, func(i *ledger.Invoice) { i.State, i.Paid = ledger.InvoiceCancelled, 0 }), "taken back, credit notes are about 1"},
		"not taken back":   {harmInvoice(6, func(i *ledger.Invoice) { i.State, i.Paid = ledger.InvoicePaid, i.Total }), "takes back invoice 6"},
		"of another":       {harmInvoice(7, func(i *ledger.Invoice) { i.About = 1 }), "takes back invoice 1"},
		"payment":          {harm(bucket.Payments, func(*books.Account) []byte { return room.Pair("bank", "a") }, func(p *ledger.Payment) { p.Amount-- }), "payment bank a is"},
		"payment for":      {harm(bucket.Payments, func(*books.Account) []byte { return room.Pair("bank", "a") }, func(p *ledger.Payment) { p.Invoice = 2 }), "payment bank a is"},
		"payment of":       {harm(bucket.Payments, func(*books.Account) []byte { return room.Pair("bank", "a") }, func(p *ledger.Payment) { p.Account = "x" }), "payment bank a is"},
		"entry's currency": {harmEntry(1, func(e *ledger.Entry) { e.Currency = "USD" }), "the books are in EUR"},
		"entry's money":    {harmEntry(1, func(e *ledger.Entry) { e.Money-- }), "has a balance of"},
		"entry's charge":   {harmEntry(6, func(e *ledger.Entry) { e.Bytes-- }), "the entries of its days"},
		"entry's draw":     {harmEntry(7, func(e *ledger.Entry) { e.Units++ }), "drew or was billed"},
		"entry's overage":  {harmEntry(8, func(e *ledger.Entry) { e.Units++ }), "drew or was billed"},
		"currency":         {func(t *tx, _ *books.Account) error { return t.Write(bucket.Meta, []byte("currency"), "USD") }, "the books are in USD"},
	} {
		t.Run(name, func(t *testing.T) {
			s := eventful(t)
			defer s.Close()
			verify(t, s)
			err := s.update(0, func(t *tx) error {
				a, err := room.Load[books.Account](&t.Tx, bucket.Accounts, "acme")
				if err != nil {
					return err
				}
				return x.harm(t, &a)
			})
			if err != nil {
				t.Fatal(err)
			}
			var says []string
			if _, err := s.Verify(t.Context(), func(p string) { says = append(says, p) }); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(says, "\n"), x.says) {
				t.Errorf("Verify says %q, want %q", says, x.says)
			}
		})
	}
}

// Two notes about one invoice and none about another are as many as there should be.
func TestVerify_takenBackTwice(t *testing.T) {
	c := &clock{t: epoch}
	s := openBooks(t, filepath.Join(t.TempDir(), "relay.db"), c)
	defer s.Close()
	order(t, s, "acme", silver, quota.Suspend)
	for _, number := range []uint64{2, 4} { // taken back by 3 and by 5
		if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Orders.CancelInvoice(behalf.Order{}, number, "ordered by mistake"); err != nil {
			t.Fatal(err)
		}
	}
	verify(t, s)
	if err := s.update(0, func(t *tx) error { return harmInvoice(5, func(i *ledger.Invoice) { i.About = 2 })(t, &books.Account{}) }); err != nil {
		t.Fatal(err)
	}
	var says []string
	if _, err := s.Verify(t.Context(), func(p string) { says = append(says, p) }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"invoice 2 is taken back by credit note 3, and by 5", "2 invoices are taken back, credit notes are about 1"}; !slices.Equal(says, want) {
		t.Errorf("Verify says %q, want %q", says, want)
	}
}

// eventful is a store with an account to which much has happened.
func eventful(t *testing.T) *Store {
	t.Helper()
	c := &clock{t: epoch}
	s := openBooks(t, filepath.Join(t.TempDir(), "relay.db"), c)
	do := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(nil, s.Books.AddPlan(silver))
	do(nil, s.People.AddCustomer(people.Customer{Name: "boss"}))
	n := orders.NewAccount{Account: books.Account{Name: "acme", Owner: "boss", AtLimit: quota.Continue}, Plan: silver, Activate: true}
	do(s.Orders.AddAccount(behalf.Order{}, n))           // invoice 1: entries 1 to 3
	do(s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1)) // invoice 2: 4 and 5
	mustSend(t, s, "acme", 2500*mb, 1)                   // 6
	c.set(december)
	closeDue(t, s, 1) // 7 and 8 are draw and overage; invoice 3
	pay(t, s, 1, 0, "a")
	do(s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1)) // invoice 4
	do(s.Orders.Renew(behalf.Order{}, "acme", ""))       // invoice 5
	do(s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1)) // invoice 6, taken back by 7
	do(s.Orders.CancelInvoice(behalf.Order{}, 6, "ordered twice"))
	do(s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) {
		a.AtLimit = quota.Suspend
		return orders.Change{Abuse: new("spam")}, nil
	}))
	do(s.Orders.Suspend(behalf.Order{}, "acme", "spam"))
	return s
}

// harmed changes an invoice as it is stored.
func harmed(number uint64, fn func(*ledger.Invoice)) func(*tx, *books.Account) error {
	return func(t *tx, _ *books.Account) error {
		i, err := room.Load[ledger.Invoice](&t.Tx, bucket.Invoices, string(keyOfInvoice(number)))
		if err != nil {
			return err
		}
		fn(&i)
		return t.Write(bucket.Invoices, keyOfInvoice(number), &i)
	}
}

func deleteAll(t *tx, b engine.Bucket) error {
	c := t.Cursor(b)
	for k, _ := c.First(); k != nil; k, _ = c.First() {
		if err := t.Delete(b, append([]byte(nil), k...)); err != nil {
			return err
		}
		c = t.Cursor(b)
	}
	return nil
}

// The operator moves: months turn at the new midnight from then on.
func TestCloseBy_inAnotherZone(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s := openBooks(t, path, c)
	order(t, s, "acme", free, quota.Suspend)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := openTest(path, Options{Now: c.now, Zone: time.FixedZone("west", -5*3600)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	verify(t, s)
	c.set(december)
	if _, err := closeNow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if a := account(t, s, "acme"); a.Open != "2026-11" || !a.Closes.Equal(december.Add(6*time.Hour)) {
		t.Errorf("at Rome's midnight: open %s until %v", a.Open, a.Closes)
	}
	closeDue(t, s, 0)
	c.set(december.Add(6 * time.Hour))
	closeDue(t, s, 1)
	if a := account(t, s, "acme"); a.Open != "2026-12" {
		t.Errorf("open = %s", a.Open)
	}
	verify(t, s)
}
