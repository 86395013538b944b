package store

import (
	"bytes"
	"errors"
	"slices"

	"relay/quota"
	"relay/store/bolt"
)

// books: every counter and index of money, credit and use against the ledger
// and the invoices.
func (v *verifier) books() error {
	n := &bookCount{}
	for _, b := range []bolt.Bucket{accounts, usage, ledger} {
		if err := v.names(b, func(name string) { v.book(name, n) }); err != nil {
			return err
		}
	}
	if err := errors.Join(v.invoices(n), v.lists(n)); err != nil {
		return err
	}
	for _, x := range []struct {
		index bolt.Bucket
		want  int64
		what  string
	}{
		{closing, n.closing, "periods to close"}, {dunning, n.dunning, "invoices that wait for their payment"},
		{owed, n.owed, "open invoices"}, {billed, n.invoices, "invoices of accounts"}, {payments, n.payments, "payments"},
		{loginsOf, n.logins, "logins"}, {networksOf, n.networks, "networks"},
		{accountsOf, n.owned, "accounts of customers"}, {below, n.below, "accounts of resellers"},
	} {
		var is int64
		if err := v.each(x.index, func([]byte, []byte) { is++ }); err != nil {
			return err
		}
		if is != x.want {
			v.fault("bucket %s lists %d %s, there are %d", bucketNames[x.index], is, x.what, x.want)
		}
	}
	return nil
}

// lists: logins and networks by account.
func (v *verifier) lists(n *bookCount) error {
	listed := func(o owned, n *int64) error {
		return v.each(o.records, func(k, raw []byte) {
			var r struct{ Account string }
			if err := decode(bucketNames[o.records], k, raw, &r); err != nil {
				v.fault("%v", err)
				return
			}
			if *n++; v.t.b.Get(o.index, ownedKey(r.Account, string(k))) == nil {
				v.fault("%s %q is not listed under account %q", bucketNames[o.records], k, r.Account)
			}
		})
	}
	return errors.Join(listed(ownLogins, &n.logins), listed(ownNetworks, &n.networks))
}

// bookCount is how many entries the indexes should have.
type bookCount struct {
	closing, dunning, owed, invoices, payments, logins, networks, owned, below int64
}

// names calls fn once for each account named in a bucket that the buckets
// walked before it do not have.
func (v *verifier) names(b bolt.Bucket, fn func(string)) error {
	c := v.t.b.Cursor(b)
	k, _ := c.First()
	for n := 0; k != nil; n++ {
		if n%(1<<12) == 0 {
			if v.ctx.Err() != nil {
				return v.ctx.Err()
			}
			v.t.b.Trim()
		}
		name, _, _ := bytes.Cut(k, []byte{0})
		name = bytes.Clone(name)
		has := func(in bolt.Bucket) bool {
			k, _ := v.t.b.Cursor(in).Seek(ledgerPrefix(string(name)))
			return hasPrefix(k, ledgerPrefix(string(name)))
		}
		if b == accounts || (v.t.b.Get(accounts, name) == nil && (b == usage || !has(usage))) {
			fn(string(name))
		}
		after := byte(1) // beyond all keys of that name
		if b == accounts {
			after = 0 // the key is the name
		}
		k, _ = c.Seek(append(name, after))
	}
	return nil
}

// book proves one account, which may be gone.
func (v *verifier) book(name string, n *bookCount) {
	a := &Account{Name: name}
	there, err := v.t.get(accounts, []byte(name), a)
	if err != nil {
		v.fault("%v", err)
		return
	}
	r := replay{zone: v.t.s.zone, used: map[string]quota.Charge{}}
	var balance, debits int64
	var last uint64
	bills := map[string]int64{}
	entries, err := all[Entry](v.t, ledger, ledgerPrefix(name))
	if err != nil {
		v.fault("%v", err)
		return
	}
	for i := range entries {
		e := &entries[i]
		if last++; e.Seq != last || e.Account != name {
			v.fault("ledger of %s: entry %d is %s's %d", name, last, e.Account, e.Seq)
		}
		r.add(e)
		balance += e.Money
		switch e.Kind {
		case KindInvoice, KindCreditNote:
			bills[e.Ref] = -e.Money
		case KindPayment:
			n.payments++
		case KindCorrection:
			debits += min(e.Money, 0)
		}
	}
	if balance != a.Balance {
		v.fault("account %s has a balance of %d, its entries sum up to %d", name, a.Balance, balance)
	}
	if there && last != a.Seq {
		v.fault("account %s counts %d entries, there are %d", name, a.Seq, last)
	}
	v.lots(a, r.lots)
	v.charges(name, r.used)
	v.bills(a, bills, debits)
	if there {
		v.indexed(a, n)
	}
}

func (v *verifier) lots(a *Account, sum []quota.Lot) {
	for _, l := range sum {
		i := slices.IndexFunc(a.Lots, func(o quota.Lot) bool { return o.Ref == l.Ref })
		if i < 0 || a.Lots[i].Amount != l.Amount || l.Amount < 0 {
			v.fault("account %s: entries of credit %s sum up to %d, which it does not have", a.Name, l.Ref, l.Amount)
		}
	}
	if len(a.Lots) != len(sum) {
		v.fault("account %s has %d credits, its entries %d", a.Name, len(a.Lots), len(sum))
	}
}

func (v *verifier) charges(name string, used map[string]quota.Charge) {
	list, err := all[Usage](v.t, usage, usageKey(name, ""))
	if err != nil {
		v.fault("%v", err)
		return
	}
	for _, u := range list {
		if sum := used[u.Period].Add(u.Today); sum != u.Charged {
			v.fault("usage of %s in %s says %v charged, the entries of its days and today %v", name, u.Period, u.Charged, sum)
		}
		delete(used, u.Period)
	}
	for p, c := range used {
		if c != (quota.Charge{}) {
			v.fault("ledger of %s charges %v to %s, which has no usage", name, c, p)
		}
	}
}

// bills: the account's invoices are those of its ledger, and nothing is open
// while the customer has money with us, nor paid with money that is not there:
// debits are corrections against the customer.
func (v *verifier) bills(a *Account, bills map[string]int64, debits int64) {
	list, err := v.t.invoicesOf(a.Name, false)
	if err != nil {
		v.fault("%v", err)
		return
	}
	var open int64
	for i := range list {
		inv := &list[i]
		if total, ok := bills[numberText(inv.Number)]; !ok || total != inv.Total {
			v.fault("invoice %d of %s is over %d, its entry over %d", inv.Number, a.Name, inv.Total, total)
		}
		open += inv.Open()
	}
	if len(bills) != len(list) {
		v.fault("ledger of %s has %d invoices, there are %d", a.Name, len(bills), len(list))
	}
	switch free := a.Balance + open; {
	case free > 0 && open > 0:
		v.fault("account %s has %d to spend and owes %d", a.Name, free, open)
	case free < debits:
		v.fault("account %s has invoices paid with %d that it did not pay", a.Name, debits-free)
	}
}

func (v *verifier) indexed(a *Account, n *bookCount) {
	if (a.Open == "") != a.Closes.IsZero() {
		v.fault("account %s: its open period is %q, which ends %v", a.Name, a.Open, a.Closes)
	}
	if !a.Closes.IsZero() {
		n.closing++
		if v.t.b.Get(closing, closingKey(a.Closes, a.Name)) == nil {
			v.fault("account %s does not lie under the end of its open period", a.Name)
		}
	}
	if _, _, ok := a.Contracts.Find(a.Open, v.t.s.zone); !ok && a.Open != "" {
		v.fault("account %s: no contract has its open period %s", a.Name, a.Open)
	}
	own := func(o owned, owner string, n *int64) {
		if owner == "" {
			return
		}
		if *n++; v.t.b.Get(o.index, ownedKey(owner, a.Name)) == nil {
			v.fault("account %s is not listed under %s", a.Name, owner)
		}
	}
	own(ownAccounts, a.Owner, &n.owned)
	own(ownBelow, a.Reseller, &n.below)
}

// invoices: numbers without gaps, sums, states, indexes.
func (v *verifier) invoices(n *bookCount) error {
	var last uint64
	err := v.each(invoices, func(k, raw []byte) {
		var i Invoice
		if err := decode("invoices", k, raw, &i); err != nil {
			v.fault("%v", err)
			return
		}
		if last++; i.Number != last || lastNumber(k) != last {
			v.fault("invoice %d lies in place of %d", i.Number, last)
			last = lastNumber(k)
		}
		n.invoices++
		v.invoice(&i, n)
	})
	var count uint64
	if _, e := v.t.get(meta, keyInvoice, &count); e != nil {
		v.fault("%v", e)
	}
	if count != last {
		v.fault("%d invoices are counted, the last one is %d", count, last)
	}
	return err
}

func (v *verifier) invoice(i *Invoice, n *bookCount) {
	var net, tax int64
	for _, l := range i.Lines {
		net += l.Net
		tax += l.Tax
	}
	if net != i.Net || tax != i.Tax || net+tax != i.Total {
		v.fault("invoice %d: its lines sum up to %d and %d tax, it says %d and %d, in all %d", i.Number, net, tax, i.Net, i.Tax, i.Total)
	}
	bad := false
	switch i.State {
	case InvoiceOpen:
		bad = i.Paid < 0 || i.Paid >= i.Total
	case InvoicePaid:
		bad = i.Paid != i.Total && i.Kind != CreditNote
	case InvoiceCancelled:
		bad = i.Paid != 0
	case InvoiceRefunded:
		bad = i.Paid <= 0 || i.Paid > i.Total
	default:
		bad = true
	}
	if bad {
		v.fault("invoice %d is %s, with %d of %d paid", i.Number, i.State, i.Paid, i.Total)
	}
	key := numberKey(i.Account, i.Number)
	if v.t.b.Get(billed, key) == nil {
		v.fault("invoice %d is not listed under account %s", i.Number, i.Account)
	}
	if i.State == InvoiceOpen {
		if n.owed++; v.t.b.Get(owed, key) == nil {
			v.fault("invoice %d is open and not listed as such", i.Number)
		}
	}
	if k := i.dunningKey(); k != nil {
		if n.dunning++; v.t.b.Get(dunning, k) == nil {
			v.fault("invoice %d is not listed under the end of its grace", i.Number)
		}
	}
}
