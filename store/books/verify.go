package books

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/room"
)

// proof compares the books with each other.
type proof struct {
	s     *Books
	t     *room.Tx
	ctx   context.Context
	each  func(engine.Bucket, func(k, raw []byte)) error
	fault func(format string, args ...any)
}

// Verify proves every counter and index of money, credit and use against the ledger and the
// invoices, and calls fault for each that disagrees. It walks buckets with each, and ends with the context.
func (s *Books) Verify(t *room.Tx, ctx context.Context, each func(engine.Bucket, func(k, raw []byte)) error, fault func(string, ...any)) error {
	v := &proof{s: s, t: t, ctx: ctx, each: each, fault: fault}
	return v.books()
}

// books proves accounts, invoices, logins and networks, and then that the indexes have no more entries
// than these need.
func (v *proof) books() error {
	n := &bookCount{noted: map[uint64]uint64{}}
	for _, b := range []engine.Bucket{bucket.Accounts, bucket.Usage, bucket.Ledger} {
		if err := v.names(b, func(name string) { v.book(name, n) }); err != nil {
			return err
		}
	}
	if err := errors.Join(v.invoices(n), v.lists(n)); err != nil {
		return err
	}
	for _, x := range []struct {
		index engine.Bucket
		want  int64
		what  string
	}{
		{bucket.Closing, n.closing, "periods to close"}, {bucket.Dunning, n.dunning, "invoices that wait for their payment"},
		{bucket.Owed, n.owed, "open invoices"}, {bucket.Billed, n.invoices, "invoices of accounts"},
		{bucket.BilledTo, n.to, "invoices to customers"}, {bucket.BilledBelow, n.through, "invoices through resellers"}, {bucket.Payments, n.payments, "payments"},
		{bucket.LoginsOf, n.logins, "logins"}, {bucket.NetworksOf, n.networks, "networks"},
		{bucket.AccountsOf, n.owned, "accounts of customers"}, {bucket.Below, n.below, "accounts of resellers"},
	} {
		var is int64
		if err := v.each(x.index, func([]byte, []byte) { is++ }); err != nil {
			return err
		}
		if is != x.want {
			v.fault("bucket %s lists %d %s, there are %d", bucket.Names[x.index], is, x.what, x.want)
		}
	}
	return nil
}

// lists counts the logins and networks that the indexes by account must have.
func (v *proof) lists(n *bookCount) error {
	listed := func(o room.Owned, n *int64) error {
		return v.each(o.Records, func(k, raw []byte) {
			var r struct{ Account string }
			if err := room.Decode(o.Records, k, raw, &r); err != nil {
				v.fault("%v", err)
				return
			}
			if *n++; v.t.Get(o.Index, room.Pair(r.Account, string(k))) == nil {
				v.fault("%s %q is not listed under account %q", bucket.Names[o.Records], k, r.Account)
			}
		})
	}
	return errors.Join(listed(people.OwnLogins, &n.logins), listed(people.OwnNetworks, &n.networks))
}

// bookCount is how many entries the indexes should have.
type bookCount struct {
	closing, dunning, owed, invoices, payments, logins, networks, owned, below int64

	to, through int64 // invoices of accounts that were somebody's then
	back        int64 // invoices that are taken back

	noted map[uint64]uint64 // invoice: the credit note that takes it back
}

// names calls fn once for each account named in a bucket that the buckets
// walked before it do not have.
func (v *proof) names(b engine.Bucket, fn func(string)) error {
	c := v.t.Cursor(b)
	k, _ := c.First()
	for n := 0; k != nil; n++ {
		if n%(1<<12) == 0 {
			if v.ctx.Err() != nil {
				return v.ctx.Err()
			}
			v.t.Trim()
		}
		name, _, _ := bytes.Cut(k, []byte{0})
		name = bytes.Clone(name)
		has := func(in engine.Bucket) bool {
			k, _ := v.t.Cursor(in).Seek(ledgerPrefix(string(name)))
			return room.HasPrefix(k, ledgerPrefix(string(name)))
		}
		if b == bucket.Accounts || (v.t.Get(bucket.Accounts, name) == nil && (b == bucket.Usage || !has(bucket.Usage))) {
			fn(string(name))
		}
		after := byte(1) // beyond all keys of that name
		if b == bucket.Accounts {
			after = 0 // the key is the name
		}
		k, _ = c.Seek(append(name, after))
	}
	return nil
}

// book proves one account, which may be gone.
func (v *proof) book(name string, n *bookCount) {
	a := &Account{Name: name}
	there, err := v.t.Read(bucket.Accounts, []byte(name), a)
	if err != nil {
		v.fault("%v", err)
		return
	}
	f := ledger.NewFold(v.s.zone)
	currency := v.s.CurrencyIn(v.t)
	var last uint64
	entries, err := v.s.EntriesIn(v.t, name)
	if err != nil {
		v.fault("%v", err)
		return
	}
	for i := range entries {
		e := &entries[i]
		if last++; e.Seq != last || e.Account != name {
			v.fault("ledger of %s: entry %d is %s's %d", name, last, e.Account, e.Seq)
		}
		f.Add(e)
		if e.Money != 0 && e.Currency != currency {
			v.fault("ledger of %s: entry %d is in %s, the books are in %s", name, e.Seq, e.Currency, currency)
		}
		switch e.Kind {
		case ledger.KindPayment, ledger.KindRefund, ledger.KindReversal:
			n.payments++
			v.payment(e)
		}
	}
	if f.Balance != a.Balance {
		v.fault("account %s has a balance of %d, its entries sum up to %d", name, a.Balance, f.Balance)
	}
	if there && last != a.Seq {
		v.fault("account %s counts %d entries, there are %d", name, a.Seq, last)
	}
	for _, text := range f.Faults {
		v.fault("account %s %s", name, text)
	}
	v.lots(a, f.Lots)
	v.charges(name, f)
	// What was paid back and then taken back by the bank too is a debt.
	v.bills(a, totals(f.Bills), f.Debits-min(f.Back, f.Reversed))
	if there {
		v.standing(a, f)
		v.indexed(a, n)
	}
}

// payment proves that an entry of a payment has its record, by which a second one fails.
func (v *proof) payment(e *ledger.Entry) {
	is := ledger.Payment{Method: ledger.PaidBack, Reference: ledger.PaidBackRef(e.Account, e.Seq)}
	switch e.Kind {
	case ledger.KindReversal:
		is.Method = ledger.Reversed
	case ledger.KindPayment:
		is.Method, is.Reference = e.Method, e.Reference
	}
	var p ledger.Payment
	if _, err := v.t.Read(bucket.Payments, room.Pair(is.Method, is.Reference), &p); err != nil {
		v.fault("%v", err)
		return
	}
	if p.Account != e.Account || p.Amount != e.Money || p.Invoice > 0 && ledger.NumberText(p.Invoice) != e.Ref {
		v.fault("payment %s %s is %d of %q for invoice %d, entry %d of %s says %d for %s", is.Method, is.Reference, p.Amount, p.Account, p.Invoice, e.Seq, e.Account, e.Money, e.Ref)
	}
	if e.Kind == ledger.KindReversal {
		v.reversed(e, &p)
	}
}

// reversed proves that the payment of a reversal says so, and is over the same amount.
func (v *proof) reversed(e *ledger.Entry, p *ledger.Payment) {
	var of ledger.Payment
	if _, err := v.t.Read(bucket.Payments, room.Pair(p.Of[0], p.Of[1]), &of); err != nil {
		v.fault("%v", err)
		return
	}
	if of.Amount != -e.Money || of.Account != e.Account || of.Reversed != e.Seq {
		v.fault("payment %s %s is %d of %q, taken back by entry %d; entry %d of %s takes %d back", p.Of[0], p.Of[1], of.Amount, of.Account, of.Reversed, e.Seq, e.Account, e.Money)
	}
}

// standing proves that what the account may do is what its entries say.
func (v *proof) standing(a *Account, f *ledger.Fold) {
	if f.State == "" {
		f.State = ledger.Pending // nothing has happened to it yet
	}
	if a.State != f.State {
		v.fault("account %s is %s, its entries make it %s", a.Name, a.State, f.State)
	}
	if (a.Hold != "") != f.Hold {
		v.fault("account %s: held back is %q, its entries say %v", a.Name, a.Hold, f.Hold)
	}
	if (a.Warned.Term != "") != (f.Warned != nil) || f.Warned != nil && !a.Warned.is(f.Warned) {
		v.fault("account %s was warned %d days before the end of the term %q, its entries do not say so", a.Name, a.Warned.Days, a.Warned.Term)
	}
	if a.Abuse != f.Abuse {
		v.fault("account %s: marked for abuse is %v, its entries say %v", a.Name, a.Abuse, f.Abuse)
	}
	if f.Limit != "" && a.AtLimit != f.Limit {
		v.fault("account %s is to %s at the limit, its entries say %s", a.Name, a.AtLimit, f.Limit)
	}
	if f.Most != nil && a.OverMax != *f.Most {
		v.fault("account %s has %d as its ceiling of overage, its entries say %d", a.Name, a.OverMax, *f.Most)
	}
	if a.Open != f.Granted {
		v.fault("account %s: its open period is %q, the one that was granted last %q", a.Name, a.Open, f.Granted)
	}
	if !slices.EqualFunc(a.Contracts, f.Contracts, func(a, b quota.Contract) bool { return reflect.DeepEqual(a, b) }) {
		v.fault("account %s: its terms are not those of its entries", a.Name)
	}
	if (a.Ordered != nil) != (len(a.Contracts) == 0 && a.State != ledger.Closed) {
		v.fault("account %s has %d terms, what it waits for is %v", a.Name, len(a.Contracts), a.Ordered)
	}
}

func (v *proof) lots(a *Account, sum []quota.Lot) {
	for _, l := range sum {
		i := slices.IndexFunc(a.Lots, func(o quota.Lot) bool { return o.Ref == l.Ref })
		if i < 0 || !reflect.DeepEqual(a.Lots[i], l) || l.Amount < 0 {
			v.fault("account %s: entries of credit %s sum up to %+v, which it does not have", a.Name, l.Ref, l)
		}
	}
	if len(a.Lots) != len(sum) {
		v.fault("account %s has %d credits, its entries %d", a.Name, len(a.Lots), len(sum))
	}
}

func (v *proof) charges(name string, f *ledger.Fold) {
	used := map[string]quota.Charge{}
	for i := range f.Periods {
		used[f.Periods[i].Period] = f.Periods[i].Used
	}
	err := v.s.EachCharges(v.t, name, func(period string, c *Charges) error {
		if sum := used[period].Add(c.Today); sum != c.Charged {
			v.fault("usage of %s in %s says %v charged, the entries of its days and today %v", name, period, c.Charged, sum)
		}
		delete(used, period)
		return nil
	})
	if err != nil {
		v.fault("%v", err)
		return
	}
	for p, c := range used {
		if c != (quota.Charge{}) {
			v.fault("ledger of %s charges %v to %s, which has no usage", name, c, p)
		}
	}
}

// totals are the totals of invoices by number.
func totals(bills []ledger.Bill) map[string]int64 {
	m := map[string]int64{}
	for _, b := range bills {
		m[b.Number] = b.Total
	}
	return m
}

// bills proves that the account's invoices are those of its ledger, and that nothing is open
// while the customer has money with us, nor paid with money that is not there:
// debits are corrections against the customer.
func (v *proof) bills(a *Account, bills map[string]int64, debits int64) {
	list, err := v.s.InvoicesIn(v.t, a.Name, false)
	if err != nil {
		v.fault("%v", err)
		return
	}
	var open int64
	for i := range list {
		inv := &list[i]
		if total, ok := bills[ledger.NumberText(inv.Number)]; !ok || total != inv.Total {
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

// mostMoved is how far midnight may move with the operator's zone.
const mostMoved = 26 * time.Hour

func (v *proof) indexed(a *Account, n *bookCount) {
	if (a.Open == "") != a.Closes.IsZero() {
		v.fault("account %s: its open period is %q, which ends %v", a.Name, a.Open, a.Closes)
	}
	if !a.Closes.IsZero() {
		n.closing++
		if v.t.Get(bucket.Closing, closingKey(a.Closes, a.Name)) == nil {
			v.fault("account %s does not lie under the end of its open period", a.Name)
		}
	}
	_, p, ok := a.Contracts.Find(a.Open, v.s.zone)
	if !ok && a.Open != "" {
		v.fault("account %s: no contract has its open period %s", a.Name, a.Open)
	}
	if off := a.Closes.Sub(p.End); ok && off.Abs() > mostMoved {
		v.fault("account %s: its open period %s ends at %v and is to be closed at %v", a.Name, a.Open, p.End, a.Closes)
	}
	own := func(o room.Owned, by engine.Bucket, owner string, n *int64) {
		if owner == "" {
			return
		}
		if v.t.Get(by, []byte(owner)) == nil {
			v.fault("account %s belongs to %s, which is not among the %s", a.Name, owner, bucket.Names[by])
		}
		if *n++; v.t.Get(o.Index, room.Pair(owner, a.Name)) == nil {
			v.fault("account %s is not listed under %s", a.Name, owner)
		}
	}
	own(people.OwnAccounts, bucket.Customers, a.Owner, &n.owned)
	own(people.OwnBelow, bucket.Resellers, a.Reseller, &n.below)
}
