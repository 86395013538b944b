package orders

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// Deal is one order on one account, worked out in memory: entries, invoices and
// the account as it will be. Working it out only reads; Apply writes. So a dry
// run is the order without its last step, and what fails has changed nothing.
type Deal struct {
	s        *Orders
	t        *room.Tx
	by       string
	chosen   behalf.Order // Method and Reference of it
	was, a   books.Account
	entries  []ledger.Entry
	lines    []ledger.Line
	amount   int64
	invoices map[uint64]*ledger.Invoice // read, changed or new
	before   map[uint64]ledger.Invoice  // those of them that are stored, as they are stored
	owed     []uint64                   // numbers of the open invoices, as they are stored; nil: not read
	last     uint64                     // number of an invoice that was given out
	counted  bool                       // last is read
	periods  map[string]bool            // see books.Books.LedgerPeriods; nil: not read
	ended    []string                   // periods whose open day became an entry
	payments []ledger.Payment
	overdue  uint64 // number of the invoice that the customer is reminded of; 0: none
	silent   bool   // the order is of the past: nobody is told
	cutting  bool   // the term is being ended early: nothing follows it automatically
	beyond   bool   // the balance is more than can be counted
}

// deal begins an order on an account as it is stored. Where the clock was set back to before the account's
// open period or its credit began, the order is dated at that beginning: what is closed stays so, and what
// is open has begun.
func (s *Orders) deal(t *room.Tx, name string, o behalf.Order) (*Deal, error) {
	a, err := room.Load[books.Account](t, bucket.Accounts, name)
	if err != nil {
		return nil, err
	}
	if begun := a.Begun(s.zone); t.Now.Before(begun) {
		t.Now = begun
	}
	return s.NewDeal(t, a, o), nil
}

// PendingClose is the close of the account's periods that are over, worked out and not written.
func (s *Orders) PendingClose(t *room.Tx, account string) (*Deal, error) {
	d, err := s.deal(t, account, behalf.Order{})
	if err != nil {
		return nil, err
	}
	return d, d.CloseDue()
}

// Account is the account as it will be.
func (d *Deal) Account() books.Account { return d.a }

// Entries are those that the ledger will get.
func (d *Deal) Entries() []ledger.Entry { return slices.Clone(d.entries) }

// Ended are the periods whose open day is among the entries.
func (d *Deal) Ended() []string { return d.ended }

// NewDeal begins an order on the account a as it is given. It changes nothing that a shares with its other
// copies.
func (s *Orders) NewDeal(t *room.Tx, a books.Account, o behalf.Order) *Deal {
	d := &Deal{s: s, t: t, by: o.By, chosen: o, was: a, a: a, invoices: map[uint64]*ledger.Invoice{}, before: map[uint64]ledger.Invoice{}}
	d.a.Contracts, d.a.Lots = slices.Clone(a.Contracts), slices.Clone(a.Lots)
	return d
}

// order closes what is due of the account, works fn out and, unless it is a dry
// run, does it, all in one transaction.
func (s *Orders) order(name string, o behalf.Order, fn func(*Deal) error) (r Receipt, err error) {
	run := func(t *room.Tx) error {
		r = Receipt{}
		d, err := s.deal(t, name, o)
		if err == nil {
			err = o.Reaches(t, name)
		}
		if err != nil {
			return err
		}
		if err = d.CloseDue(); err == nil {
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
		return d.Apply()
	}
	err = s.carry(o.DryRun, run)
	return r, err
}

func (d *Deal) zone() *time.Location { return d.s.zone }

func (d *Deal) receipt() Receipt {
	r := Receipt{Before: d.was, After: d.a, Entries: d.entries, Lines: d.lines, Amount: d.amount}
	for _, n := range slices.Sorted(maps.Keys(d.invoices)) {
		inv := d.invoices[n]
		if was, ok := d.before[n]; !ok || inv.Changed(&was) {
			r.Invoices = append(r.Invoices, *inv)
		}
	}
	return r
}

// enter adds an entry, and fills in account, number, who ordered it, time and currency.
func (d *Deal) enter(e ledger.Entry) {
	d.a.Seq++
	d.addMoney(e.Money)
	e.Account, e.Seq, e.By = d.a.Name, d.a.Seq, d.by
	if e.Time.IsZero() {
		e.Time = d.t.Now
	}
	if e.Money != 0 {
		e.Currency = d.s.books.CurrencyIn(d.t)
	}
	d.entries = append(d.entries, e)
}

// mostBalance is the most that an account may owe or have: sums of some hundred
// accounts can be counted.
const mostBalance = MostMoney

// addMoney adds to the balance, which never wraps: an order by which it would is refused,
// see countable.
func (d *Deal) addMoney(money int64) {
	was, is := d.a.Balance, d.a.Balance+money // of which each is less than a quarter of what can be counted
	if ledger.Magnitude(is) > mostBalance && ledger.Magnitude(is) > ledger.Magnitude(was) {
		d.beyond = true
	}
	d.a.Balance = is
}

// countable fails for an order whose sums cannot be counted.
func (d *Deal) countable() error {
	if d.beyond {
		return fmt.Errorf("account %q: balance: %w", d.a.Name, quota.ErrOverflow)
	}
	return nil
}

// Apply writes all of it, and calls the done of New. An order that comes after it in the same
// transaction must be worked out after it, so that it reads what was written.
func (d *Deal) Apply() error {
	if err := d.countable(); err != nil {
		return err
	}
	t := d.t
	t.Touch()
	for _, period := range d.ended {
		d.s.books.EndDay(t, d.a.Name, period)
	}
	for i := range d.entries {
		if err := d.s.books.PutEntry(t, &d.entries[i]); err != nil {
			return err
		}
	}
	if err := d.putInvoices(); err != nil {
		return err
	}
	for i := range d.payments {
		if err := d.s.books.PutPayment(t, &d.payments[i]); err != nil {
			return err
		}
	}
	if err := d.s.books.PutAccount(t, &d.was, &d.a); err != nil {
		return err
	}
	return d.s.done(t, &Result{Was: &d.was, Is: &d.a, Entries: d.entries, Invoices: d.invoices, Overdue: d.overdue, Silent: d.silent})
}

// Result is what an order has changed, in the transaction that stores it.
type Result struct {
	Was, Is  *books.Account
	Entries  []ledger.Entry             // that are new
	Invoices map[uint64]*ledger.Invoice // by number: all that it looked at, as they are now
	Overdue  uint64                     // number of the invoice that the customer is reminded of; 0: none
	Silent   bool                       // the order is of the past: nobody is told
}

// start appends a contract; cause adds to what the kind says.
func (d *Deal) start(c quota.Contract, kind ledger.Kind, cause ledger.Cause) {
	d.a.Contracts = append(d.a.Contracts, c)
	d.enter(ledger.Entry{Kind: kind, Contract: &c, Ref: c.Invoice, Facts: ledger.Facts{Cause: cause}})
	if d.a.Open == "" {
		d.openPeriod(c, c.FirstPeriod(d.zone()))
	}
}

// openPeriod makes p the first one that is not closed.
func (d *Deal) openPeriod(c quota.Contract, p quota.Period) {
	d.a.Open, d.a.Closes = p.Key, p.End
	if p.Start.Before(p.End) {
		is := c.Plan.In(p)
		d.enter(ledger.Entry{Kind: ledger.KindGrant, Time: p.Start, Period: p.Key, Messages: is.Emails, Bytes: is.Bandwidth})
	}
}

// next is a new contract's place after those of the account.
func (d *Deal) next(p quota.Plan) quota.Contract {
	return d.a.Contracts.Next(p, d.t.Now, d.zone(), d.taken)
}

// taken reports whether a period of the account, or of an earlier one of its
// name, has that key; of the first one of a term, also whether a term was named by
// it that never began: invoices have its key.
func (d *Deal) taken(key string, first bool) bool {
	if d.s.books.ChargesIn(d.t, d.a.Name, key).Charged != (quota.Charge{}) {
		return true
	}
	if d.periods == nil {
		var err error
		if d.periods, err = d.s.books.LedgerPeriods(d.t, d.a.Name); err != nil {
			d.t.Fail(err) // two periods must not share a key
			return false
		}
	}
	lived, there := d.periods[key]
	return lived || first && there
}

// bills are the invoices of the account by number, with those that this order has
// issued: what its close of a period comes to counts in it.
func (d *Deal) bills() []uint64 {
	list := d.s.books.InvoiceNumbers(d.t, bucket.Billed, d.a.Name)
	for n := range d.invoices {
		if _, stored := d.before[n]; !stored {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// current is the contract that runs, for orders on it.
func (d *Deal) current() (*quota.Contract, error) {
	if d.a.State == ledger.Closed {
		return nil, fmt.Errorf("account %q %w", d.a.Name, ErrClosed)
	}
	i := d.a.Contracts.Index(d.t.Now)
	if i < 0 {
		return nil, fmt.Errorf("account %q %w", d.a.Name, ErrPending)
	}
	return &d.a.Contracts[i], nil
}
