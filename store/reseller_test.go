package store

import (
	"errors"
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/room"
)

// resold is a store with two resellers and an account below each.
func resold(t *testing.T) *Store {
	t.Helper()
	s, _ := newStore(t)
	for _, name := range []string{"webco", "other"} {
		if err := s.People.AddReseller(people.Reseller{Name: name, Hash: people.TokenHash(name)}); err != nil {
			t.Fatal(err)
		}
		n := orders.NewAccount{Account: books.Account{Name: name + ".one", Reseller: "whoever"}, Plan: quota.Plan{Name: "p", Term: quota.Month, Resale: true}}
		if _, err := s.Orders.AddAccount(behalf.Order{By: "reseller " + name, Reseller: name}, n); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestOrder_Reseller(t *testing.T) {
	s := resold(t)
	o := behalf.Order{By: "reseller webco", Reseller: "webco"}
	operator := behalf.Order{By: "uid 0"}
	t.Run("what it adds is below it", func(t *testing.T) {
		for name, want := range map[string]bool{"webco.one": true, "other.one": false, "nobody": false, "": false, "bad\x00name": false} {
			if got, err := s.People.Below("webco", name); got != want || err != nil {
				t.Errorf("Below(webco, %q) = %t, %v, want %t", name, got, err, want)
			}
		}
		n := orders.NewAccount{Account: books.Account{Name: "webco.two"}, Plan: quota.Plan{Name: "p", Term: quota.Month, Resale: true}, Activate: true}
		if _, err := s.Orders.AddAccount(o, n); !errors.Is(err, orders.ErrNotYours) {
			t.Errorf("an account that does not wait for its payment: %v", err)
		}
	})
	t.Run("others' accounts are not there", func(t *testing.T) {
		_, theirs := s.Orders.Suspend(o, "other.one", "x")
		_, missing := s.Orders.Suspend(o, "other.two", "x")
		if !errors.Is(theirs, ErrNotFound) || !errors.Is(missing, ErrNotFound) {
			t.Errorf("%v and %v, want ErrNotFound", theirs, missing)
		}
		if a, err := s.Books.Account("other.one"); err != nil || a.State != ledger.Active {
			t.Errorf("it is %s, %v", a.State, err)
		}
	})
	resume := func(t *testing.T, want error) {
		t.Helper()
		if _, err := s.Orders.Resume(o, "webco.one"); !errors.Is(err, want) {
			t.Errorf("Resume = %v, want %v", err, want)
		}
	}
	suspend := func(t *testing.T, o behalf.Order, want error) {
		t.Helper()
		if _, err := s.Orders.Suspend(o, "webco.one", "because"); !errors.Is(err, want) {
			t.Errorf("Suspend by %s = %v, want %v", o.By, err, want)
		}
	}
	t.Run("it lifts its own suspension", func(t *testing.T) {
		suspend(t, o, nil)
		resume(t, nil)
	})
	t.Run("what goes on already leaves no entry", func(t *testing.T) {
		before, err := s.Books.Account("webco.one")
		resume(t, nil)
		if after, e := s.Books.Account("webco.one"); errors.Join(err, e) != nil || after.Seq != before.Seq {
			t.Errorf("%d entries, %v, %v, want %d", after.Seq, err, e, before.Seq)
		}
	})
	t.Run("not the operator's, nor by its own over that", func(t *testing.T) {
		suspend(t, operator, nil)
		resume(t, orders.ErrNotYours)
		suspend(t, o, orders.ErrNotYours)
		resume(t, orders.ErrNotYours)
		if _, err := s.Orders.Resume(operator, "webco.one"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("not its own when the operator's came after", func(t *testing.T) {
		suspend(t, o, nil)
		suspend(t, operator, nil)
		resume(t, orders.ErrNotYours)
		if _, err := s.Orders.Resume(operator, "webco.one"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("logins of its own only, whoever had checked", func(t *testing.T) {
		for _, name := range []string{"other.one", "other.two"} {
			if err := s.People.AddCredential(o, people.Credential{Login: "webco.x", Account: name}); !errors.Is(err, ErrNotFound) {
				t.Errorf("AddCredential(%s) = %v", name, err)
			}
		}
		if err := s.People.AddCredential(behalf.Order{}, people.Credential{Login: "other.x", Account: "other.one"}); err != nil {
			t.Fatal(err)
		}
		if err := s.People.RemoveCredential(o, "other.one", "other.x"); !errors.Is(err, ErrNotFound) {
			t.Errorf("RemoveCredential = %v", err)
		}
		err := s.People.AddCredential(o, people.Credential{Login: "webco.x", Account: "webco.one"})
		if err = errors.Join(err, s.People.RemoveCredential(o, "webco.one", "webco.x")); err != nil {
			t.Error(err)
		}
	})
	t.Run("no name that has books: they may be somebody else's", func(t *testing.T) {
		n := orders.NewAccount{Account: books.Account{Name: "webco.gone"}, Plan: quota.Plan{Name: "p", Term: quota.Month, Resale: true}}
		if _, err := s.Orders.AddAccount(operator, n); err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveAccount(behalf.Order{}, "webco.gone"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Orders.AddAccount(o, n); !errors.Is(err, ErrExists) {
			t.Errorf("AddAccount = %v, want ErrExists", err)
		}
		if _, err := s.Orders.AddAccount(operator, n); err != nil {
			t.Errorf("the operator: %v", err)
		}
	})
	t.Run("nothing that waits for money", func(t *testing.T) {
		n := orders.NewAccount{Account: books.Account{Name: "webco.paid"}, Plan: quota.Plan{Name: "dear", Term: quota.Month, Price: 900, Resale: true}}
		if _, err := s.Orders.AddAccount(o, n); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Orders.Activate(o, "webco.paid"); !errors.Is(err, orders.ErrNotYours) {
			t.Errorf("Activate = %v", err)
		}
		if err := s.update(0, func(tx *tx) error {
			a, err := room.Load[books.Account](&tx.Tx, bucket.Accounts, "webco.one")
			a.Hold = books.HoldUnpaid
			return errors.Join(err, tx.Write(bucket.Accounts, []byte(a.Name), a))
		}); err != nil {
			t.Fatal(err)
		}
		resume(t, orders.ErrNotYours)
		if err := s.update(0, func(tx *tx) error {
			a, err := room.Load[books.Account](&tx.Tx, bucket.Accounts, "webco.one")
			a.Hold = ""
			return errors.Join(err, tx.Write(bucket.Accounts, []byte(a.Name), a))
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// An invoice goes with its account, whoever managed that when it was issued.
func TestStore_InvoiceBelow(t *testing.T) {
	s := resold(t)
	for _, name := range []string{"webco", "other"} {
		n := orders.NewAccount{Account: books.Account{Name: name + ".paid"}, Plan: quota.Plan{Name: "dear", Term: quota.Month, Price: 900, Resale: true}}
		if _, err := s.Orders.AddAccount(behalf.Order{Reseller: name}, n); err != nil {
			t.Fatal(err)
		}
	}
	below := func(want ...bool) {
		t.Helper()
		for i, want := range want {
			if got, err := s.Books.InvoiceBelow("webco", uint64(i)); got != want || err != nil {
				t.Errorf("InvoiceBelow(webco, %d) = %t, %v, want %t", i, got, err, want)
			}
		}
		if got, err := s.Books.InvoiceBelow("", 1); got || err != nil {
			t.Errorf("InvoiceBelow of nobody = %t, %v", got, err)
		}
	}
	below(false, true, false, false)
	if err := s.update(0, func(t *tx) error {
		was, err := t.s.Books.AccountIn(&t.Tx, "other.paid")
		if err != nil {
			return err
		}
		is := *was
		is.Reseller = "webco"
		return t.s.Books.PutAccount(&t.Tx, was, &is)
	}); err != nil {
		t.Fatal(err)
	}
	below(false, true, true, false)
}

func TestStore_customerOfAReseller(t *testing.T) {
	s := resold(t)
	if err := s.People.AddCustomer(people.Customer{Name: "acme", Reseller: "nobody"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a reseller that is not there: %v", err)
	}
	if err := s.People.AddReseller(people.Reseller{Name: "third"}); err != nil {
		t.Fatal(err)
	}
	if err := s.People.AddCustomer(people.Customer{Name: "acme", Reseller: "third"}); err != nil {
		t.Fatal(err)
	}
	if err := s.People.RemoveReseller("third"); !errors.Is(err, ErrInUse) {
		t.Errorf("RemoveReseller = %v, want ErrInUse", err)
	}
	n := orders.NewAccount{Account: books.Account{Name: "shop", Owner: "acme"}, Plan: quota.Plan{Name: "p", Term: quota.Month, Resale: true}}
	if _, err := s.Orders.AddAccount(behalf.Order{}, n); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.People.Below("third", "shop"); !ok || err != nil {
		t.Errorf("Below = %t, %v", ok, err)
	}
	for w, want := range map[string]int{"acme": 1, "nobody": 0} {
		if got, err := s.People.CountOwned(w); got != want || err != nil {
			t.Errorf("CountOwned(%s) = %d, %v, want %d", w, got, err, want)
		}
	}
}

// A plan without blocks bills nothing for what goes over it: that is for the operator
// to give away.
func TestOrder_Reseller_continue(t *testing.T) {
	s := resold(t)
	o := behalf.Order{By: "reseller webco", Reseller: "webco"}
	open := quota.Plan{Name: "open", Term: quota.Year, Bandwidth: 1000, Resale: true}
	billed := open
	billed.Name, billed.Blocks = "billed", []quota.Block{{Bytes: 1000, Price: 1}}
	add := func(o behalf.Order, name string, p quota.Plan, limit quota.AtLimit) error {
		n := orders.NewAccount{Account: books.Account{Name: name, AtLimit: limit, Reseller: "webco"}, Plan: p}
		_, err := s.Orders.AddAccount(o, n)
		return err
	}
	set := func(o behalf.Order, name string, c orders.Change, limit quota.AtLimit) error {
		_, err := s.Orders.ChangeAccount(o, name, func(a *books.Account) (orders.Change, error) {
			if a.Contact = "x@x.example"; limit != "" {
				a.AtLimit = limit
			}
			return c, nil
		})
		return err
	}
	for what, x := range map[string]struct{ got, want error }{
		"add, continue":            {add(o, "webco.a", open, quota.Continue), orders.ErrNotYours},
		"add, suspend":             {add(o, "webco.a", open, quota.Suspend), nil},
		"add where it is billed":   {add(o, "webco.b", billed, quota.Continue), nil},
		"add by the operator":      {add(behalf.Order{}, "webco.c", open, quota.Continue), nil},
		"set, continue":            {set(o, "webco.a", orders.Change{}, quota.Continue), orders.ErrNotYours},
		"another plan":             {set(o, "webco.b", orders.Change{Plan: &open}, ""), orders.ErrNotYours},
		"something else":           {set(o, "webco.c", orders.Change{}, ""), nil},
		"set by the operator":      {set(behalf.Order{}, "webco.a", orders.Change{}, quota.Continue), nil},
		"another one, and to stop": {set(o, "webco.b", orders.Change{Plan: &open}, quota.Suspend), nil},
	} {
		if !errors.Is(x.got, x.want) {
			t.Errorf("%s = %v, want %v", what, x.got, x.want)
		}
	}
}

// Whoever gets an account below it would see the books of one that had the name before.
func TestAddAccount_nameOfAnother(t *testing.T) {
	s := resold(t)
	order(t, s, "p4", quota.Plan{Name: "p", Term: quota.Year}, quota.Suspend)
	if err := s.RemoveAccount(behalf.Order{}, "p4"); err != nil {
		t.Fatal(err)
	}
	if err := s.People.AddCustomer(people.Customer{Name: "boss", Reseller: "webco"}); err != nil {
		t.Fatal(err)
	}
	for _, a := range []books.Account{{Name: "p4", Reseller: "webco"}, {Name: "p4", Owner: "boss"}} {
		if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: a, Plan: quota.Plan{Name: "p", Term: quota.Year}}); !errors.Is(err, orders.ErrUsed) {
			t.Errorf("AddAccount of %+v = %v, want ErrUsed", a, err)
		}
	}
	r := order(t, s, "p4", quota.Plan{Name: "p", Term: quota.Year}, quota.Suspend)
	if r.Entries[0].Seq == 1 {
		t.Error("the ledger of the name begins anew")
	}
	below := func(name, reseller string) error {
		_, err := s.Orders.ChangeAccount(behalf.Order{}, name, func(a *books.Account) (orders.Change, error) { a.Reseller = reseller; return orders.Change{}, nil })
		return err
	}
	if err := below("p4", "webco"); !errors.Is(err, orders.ErrUsed) {
		t.Errorf("below a reseller afterwards = %v, want ErrUsed", err)
	}
	order(t, s, "p5", quota.Plan{Name: "p", Term: quota.Year}, quota.Suspend)
	if _, err := s.Orders.CloseAccount(behalf.Order{}, "p5", ""); err != nil {
		t.Fatal(err)
	}
	if err := below("p5", "webco"); err != nil {
		t.Errorf("an account with no books but its own: %v", err)
	}
}

// A reseller orders the plans that are for it, and so many accounts as it may have.
func TestOrder_Reseller_plansAndNumber(t *testing.T) {
	s := resold(t)
	o := behalf.Order{By: "reseller webco", Reseller: "webco", MostAccounts: 2}
	add := func(o behalf.Order, name string, resale bool) error {
		_, err := s.Orders.AddAccount(o, orders.NewAccount{Account: books.Account{Name: name, Reseller: "webco"}, Plan: quota.Plan{Name: "p", Term: quota.Month, Resale: resale}})
		return err
	}
	if err := add(o, "webco.two", false); !errors.Is(err, orders.ErrNotYours) {
		t.Errorf("on a plan that is not for resellers: %v", err)
	}
	if err := add(o, "webco.two", true); err != nil {
		t.Errorf("the second account: %v", err)
	}
	if err := add(o, "webco.three", true); !errors.Is(err, orders.ErrTooManyAccounts) {
		t.Errorf("one more than it may have: %v", err)
	}
	if err := add(behalf.Order{By: "uid 0"}, "webco.three", false); err != nil {
		t.Errorf("the operator adds it: %v", err)
	}
}

// Plans that resellers use when the store is brought up to date go on being for them.
func TestMigrate_keepResold(t *testing.T) {
	s := resold(t)
	for _, p := range []quota.Plan{{Name: "p", Term: quota.Month}, {Name: "q", Term: quota.Month}} {
		if err := s.Books.AddPlan(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.update(0, func(t *tx) error { return t.s.Books.KeepResold(&t.Tx) }); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"p": true, "q": false, "entry": false} {
		if p, err := s.Books.Plan(name); err != nil || p.Resale != want {
			t.Errorf("plan %s is for resellers: %v, %v; want %v", name, p.Resale, err, want)
		}
	}
}

// What is refused below a reseller names it, and no invoice of the operator's.
func TestPermit_belowAReseller(t *testing.T) {
	s, _ := newBooks(t)
	if err := s.People.AddReseller(people.Reseller{Name: "webco"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"webco", ""} {
		n := orders.NewAccount{Account: books.Account{Name: "a" + name, Reseller: name}, Plan: silver}
		if _, err := s.Orders.AddAccount(behalf.Order{}, n); err != nil {
			t.Fatal(err)
		}
		r, err := s.Standings.Permit(n.Account.Name, "", quota.Charge{})
		if err != nil || r == nil || r.Reseller != name || (r.Unpaid != nil) != (name == "") {
			t.Errorf("below %q: %+v, %v", name, r, err)
		}
	}
}
