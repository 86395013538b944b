package store

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/room"
)

// deal is one order on one account, worked out in memory: entries, invoices and
// the account as it will be. Working it out only reads; apply writes. So a dry
// run is the order without its last step, and what fails has changed nothing.
type deal struct {
	t        *tx
	by       string
	chosen   behalf.Order // Method and Reference of it
	was, a   Account
	entries  []ledger.Entry
	lines    []ledger.Line
	amount   int64
	invoices map[uint64]*ledger.Invoice // read, changed or new
	before   map[uint64]ledger.Invoice  // of them, as they are stored
	owed     []uint64                   // the open ones as they are stored; nil: not read
	last     uint64                     // number of an invoice
	counted  bool                       // last is read
	periods  map[string]bool            // keys of the ledger, and whether more than a term was named by it; nil: not read
	ended    []string                   // periods whose open day became an entry
	payments []ledger.Payment
	overdue  uint64 // invoice that it reminds of; 0: of none
	silent   bool   // it is of the past: nobody is told
	cutting  bool   // the term is ended early: nothing follows by itself
	beyond   bool   // the balance is more than can be counted
}

// deal is on an account as it is stored. A clock that went back behind what the
// account has stands still meanwhile: what is closed stays so, and what is open
// has begun.
func (t *tx) deal(name string, o behalf.Order) (*deal, error) {
	a, err := room.Load[Account](&t.Tx, bucket.Accounts, name)
	if err != nil {
		return nil, err
	}
	if begun := a.begun(t.s.zone); t.Now.Before(begun) {
		t.Now = begun
	}
	return t.dealOn(a, o), nil
}

// dealOn changes nothing that a shares with other copies of it.
func (t *tx) dealOn(a Account, o behalf.Order) *deal {
	d := &deal{t: t, by: o.By, chosen: o, was: a, a: a, invoices: map[uint64]*ledger.Invoice{}, before: map[uint64]ledger.Invoice{}}
	d.a.Contracts, d.a.Lots = slices.Clone(a.Contracts), slices.Clone(a.Lots)
	return d
}

// order closes what is due of the account, works fn out and, unless it is a dry
// run, does it, all in one transaction.
func (s *Store) order(name string, o behalf.Order, fn func(*deal) error) (r Receipt, err error) {
	run := func(t *tx) error {
		r = Receipt{}
		d, err := t.deal(name, o)
		if err == nil {
			err = o.Reaches(&t.Tx, name)
		}
		if err != nil {
			return err
		}
		if err = d.closeDue(); err == nil {
			d.lines, d.amount = nil, 0 // these are not the order's
			err = cmp.Or(fn(d), d.countable())
		}
		r = d.receipt()
		if err != nil {
			return err
		}
		if r.Debt, err = d.debt(); err != nil || o.DryRun {
			return err
		}
		return d.apply()
	}
	err = s.carry(o.DryRun, run)
	return r, err
}

// carry runs an order in a transaction of its own: a dry run only reads.
func (s *Store) carry(dryRun bool, run func(*tx) error) error {
	if dryRun {
		return s.view(run)
	}
	return s.update(0, run)
}

func (d *deal) zone() *time.Location { return d.t.s.zone }

func (d *deal) receipt() Receipt {
	r := Receipt{Before: d.was, After: d.a, Entries: d.entries, Lines: d.lines, Amount: d.amount}
	for _, n := range slices.Sorted(maps.Keys(d.invoices)) {
		inv := d.invoices[n]
		if was, ok := d.before[n]; !ok || changed(&was, inv) {
			r.Invoices = append(r.Invoices, *inv)
		}
	}
	return r
}

// enter adds an entry; what it does not say is filled in.
func (d *deal) enter(e ledger.Entry) {
	d.a.Seq++
	d.addMoney(e.Money)
	e.Account, e.Seq, e.By = d.a.Name, d.a.Seq, d.by
	if e.Time.IsZero() {
		e.Time = d.t.Now
	}
	if e.Money != 0 {
		e.Currency = d.t.currency()
	}
	d.entries = append(d.entries, e)
}

// mostBalance is the most that an account may owe or have: sums of some hundred
// accounts can be counted.
const mostBalance = mostMoney

// addMoney adds to the balance, which never wraps: an order by which it would is refused,
// see countable.
func (d *deal) addMoney(money int64) {
	was, is := d.a.Balance, d.a.Balance+money // of which each is less than a quarter of what can be counted
	if ledger.Magnitude(is) > mostBalance && ledger.Magnitude(is) > ledger.Magnitude(was) {
		d.beyond = true
	}
	d.a.Balance = is
}

// countable fails for an order whose sums cannot be counted.
func (d *deal) countable() error {
	if d.beyond {
		return fmt.Errorf("account %q: balance: %w", d.a.Name, quota.ErrOverflow)
	}
	return nil
}

// apply writes all of it. What the orders before it in the same transaction
// wrote was read by this one.
func (d *deal) apply() error {
	if err := d.countable(); err != nil {
		return err
	}
	t := d.t
	t.Touch()
	for _, period := range d.ended {
		t.charges(d.a.Name, period).Today = quota.Charge{}
	}
	for i := range d.entries {
		e := &d.entries[i]
		if err := t.Write(bucket.Ledger, numberKey(e.Account, e.Seq), e); err != nil {
			return err
		}
	}
	if err := d.putInvoices(); err != nil {
		return err
	}
	for i := range d.payments {
		p := &d.payments[i]
		if err := t.Write(bucket.Payments, room.Pair(p.Method, p.Reference), p); err != nil {
			return err
		}
	}
	return errors.Join(d.putAccount(), d.addNews())
}

func (d *deal) putAccount() error {
	t, was, is := d.t, &d.was, &d.a
	if was.FirstCap != is.FirstCap {
		if err := chores.Add(&t.Tx, chores.Chore{Kind: chores.Replan, Account: is.Name, Due: t.Wall}); err != nil {
			return err
		}
	}
	if !was.Closes.Equal(is.Closes) {
		if !was.Closes.IsZero() {
			if err := t.Delete(bucket.Closing, closingKey(was.Closes, is.Name)); err != nil {
				return err
			}
		}
		if !is.Closes.IsZero() {
			if err := t.Put(bucket.Closing, closingKey(is.Closes, is.Name), []byte{}); err != nil {
				return err
			}
		}
	}
	return errors.Join(
		people.OwnAccounts.Move(&t.Tx, was.Owner, is.Owner, is.Name),
		people.OwnBelow.Move(&t.Tx, was.Reseller, is.Reseller, is.Name),
		t.switchQueue(was, is),
		t.Write(bucket.Accounts, []byte(is.Name), is))
}

// start appends a contract, for a cause that the kind does not say.
func (d *deal) start(c quota.Contract, kind ledger.Kind, cause ledger.Cause) {
	d.a.Contracts = append(d.a.Contracts, c)
	d.enter(ledger.Entry{Kind: kind, Contract: &c, Ref: c.Invoice, Facts: ledger.Facts{Cause: cause}})
	if d.a.Open == "" {
		d.openPeriod(c, c.FirstPeriod(d.zone()))
	}
}

// openPeriod makes p the first one that is not closed.
func (d *deal) openPeriod(c quota.Contract, p quota.Period) {
	d.a.Open, d.a.Closes = p.Key, p.End
	if p.Start.Before(p.End) {
		is := c.Plan.In(p)
		d.enter(ledger.Entry{Kind: ledger.KindGrant, Time: p.Start, Period: p.Key, Messages: is.Emails, Bytes: is.Bandwidth})
	}
}

// next is a new contract's place after those of the account.
func (d *deal) next(p quota.Plan) quota.Contract {
	return d.a.Contracts.Next(p, d.t.Now, d.zone(), d.taken)
}

// taken reports whether a period of the account, or of an earlier one of its
// name, has that key; of the first one of a term, also whether a term was named by
// it that never began: invoices have its key.
func (d *deal) taken(key string, first bool) bool {
	if d.t.charges(d.a.Name, key).Charged != (quota.Charge{}) {
		return true
	}
	if d.periods == nil {
		d.periods = map[string]bool{}
		prefix := ledgerPrefix(d.a.Name)
		c := d.t.Cursor(bucket.Ledger)
		for k, raw := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix); k, raw = c.Next() {
			var e ledger.Entry
			if err := room.Decode(bucket.Ledger, k, raw, &e); err != nil {
				d.t.Fail(err) // two periods must not share a key
				return false
			}
			named := ""
			if e.Contract != nil {
				named = e.Contract.TermKey()
				if _, there := d.periods[named]; !there {
					d.periods[named] = false
				}
			}
			if e.Kind == ledger.KindWarned { // that a term ends, which may not have begun
				named = e.Period
			}
			d.periods[e.Period] = d.periods[e.Period] || e.Period != named
		}
	}
	lived, there := d.periods[key]
	return lived || first && there
}

// bills are the invoices of the account by number, with those that this order has
// issued: what its close of a period comes to counts in it.
func (d *deal) bills() []uint64 {
	list := d.t.numbers(bucket.Billed, d.a.Name)
	for n := range d.invoices {
		if _, stored := d.before[n]; !stored {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// current is the contract that runs, for orders on it.
func (d *deal) current() (*quota.Contract, error) {
	if d.a.State == ledger.Closed {
		return nil, fmt.Errorf("account %q %w", d.a.Name, ErrClosed)
	}
	i := d.a.Contracts.Index(d.t.Now)
	if i < 0 {
		return nil, fmt.Errorf("account %q %w", d.a.Name, ErrPending)
	}
	return &d.a.Contracts[i], nil
}
