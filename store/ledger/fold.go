package ledger

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"relay/quota"
)

// Fold is what the entries of a ledger that were added, the oldest first, add up to. It is the one place that adds a ledger up: statements, the proof of the books,
// refunds, the sandbox and the simulation of a plan all read their sums here. Where an
// account follows another one of its name, its terms and state begin anew; sums go on.
type Fold struct {
	Periods  []PeriodSum // in the order in which entries name them
	Lots     []quota.Lot // credit that is left; of the running period nothing is drawn yet
	Bills    []Bill      // invoices and credit notes; Issued is when they hold from
	Balance  int64       // minor units
	Currency string      // of the last entry with money; "": there was none

	Zone      *time.Location // in which days turn
	Contracts quota.Contracts
	Granted   string       // period that was opened last
	Allowance quota.Charge // of it; 0: no limit

	State  AccountState  // "": there is no account yet
	Hold   bool          // an unpaid invoice holds the account back
	Abuse  bool          // it was suspended for what came back of its mail
	Warned *Entry        // the last one; nil: none
	Limit  quota.AtLimit // that was chosen after the account was added; "": none was
	Most   *int64        // ceiling of overage, likewise
	Faults []string      // what does not fit what was added before
	beyond int64         // drawn and overage of the period that is being closed

	Cash     int64 // that came in by payments, less what went back
	Debits   int64 // corrections against the customer
	Back     int64 // paid back
	Reversed int64 // payments that were taken back
	Overflow bool  // cash cannot be counted
}

// PeriodSum is what the entries of a period add up to. Units are the plan's.
type PeriodSum struct {
	Period   string
	Start    time.Time // UTC; zero: its term is not known, as of an account that had the name before
	End      time.Time // UTC, excluded; likewise
	Used     quota.Charge
	Drawn    int64              // from credit
	Overage  int64              // beyond allowance and credit
	Blocks   []quota.BlockCount // that were bought for it
	Covered  string             // likewise, in the words of an entry of schema 8 or before
	Credited int64              // of what the blocks left unused
	Until    time.Time          // UTC, end of that credit
	Rounded  int64              // credit lost, not a whole step
	Expired  int64              // credit lost at the end of the term
	Met      int64              // was overage until an order met it
	Closed   bool
}

// NewFold is the fold of no entries; days are those of zone.
func NewFold(zone *time.Location) *Fold { return &Fold{Zone: zone} }

// Period is the sum of a period, which is added if no entry has named it.
func (f *Fold) Period(key string) *PeriodSum {
	i := f.index(key)
	if i < 0 {
		i, f.Periods = len(f.Periods), append(f.Periods, PeriodSum{Period: key})
	}
	return &f.Periods[i]
}

// index of a period, most often the last one; -1: no entry has named it.
func (f *Fold) index(key string) int {
	for i := len(f.Periods) - 1; i >= 0; i-- {
		if f.Periods[i].Period == key {
			return i
		}
	}
	return -1
}

// Used in a period.
func (f *Fold) Used(key string) quota.Charge {
	if i := f.index(key); i >= 0 {
		return f.Periods[i].Used
	}
	return quota.Charge{}
}

// Charge adds use to a period.
func (f *Fold) Charge(key string, c quota.Charge) {
	p := f.Period(key)
	p.Used = p.Used.Add(c)
}

// Add adds the next entry of the ledger.
func (f *Fold) Add(e *Entry) {
	f.born(e)
	f.addMoney(e)
	f.addPeriod(e)
	switch e.Kind {
	case KindGrant:
		f.Granted, f.Allowance = e.Period, quota.Charge{Messages: e.Messages, Bytes: e.Bytes}
	case KindUpgraded, KindPlan:
		if e.Period == f.Granted {
			f.Allowance = quota.Charge{Messages: e.Messages, Bytes: e.Bytes}
		}
	case KindClosed:
		f.closePeriod(e)
	case KindEnded:
		f.cut(e.Time)
		f.State = Closed
	}
	f.note(e)
	if e.Contract != nil {
		f.contract(e.Kind, *e.Contract)
	}
	if e.Lot != "" {
		f.lot(e)
	}
}

// addPeriod adds an entry to the sum of its period.
func (f *Fold) addPeriod(e *Entry) {
	if e.Over > 0 {
		f.Period(e.Period).Met += e.Over
	}
	switch e.Kind {
	case KindGrant:
		f.Period(e.Period)
	case KindCharge:
		f.Charge(e.Period, quota.Charge{Messages: e.Messages, Bytes: e.Bytes})
	case KindDraw:
		f.Period(e.Period).Drawn -= e.Units
		f.beyond -= e.Units
	case KindOverage:
		p := f.Period(e.Period)
		p.Overage, p.Blocks, p.Covered = p.Overage+e.Units, e.Blocks, e.Note
		f.beyond += e.Units
	case KindCredit:
		p := f.Period(e.Period)
		p.Credited, p.Until = p.Credited+e.Units, e.Expires
	case KindRounded:
		f.Period(e.Period).Rounded -= e.Units
	case KindExpired:
		f.Period(e.Period).Expired -= e.Units
	case KindClosed:
		f.Period(e.Period).Closed = true
	}
}

// addMoney adds an entry's money.
func (f *Fold) addMoney(e *Entry) {
	if e.Money != 0 {
		f.Balance, f.Currency = f.Balance+e.Money, e.Currency
	}
	switch e.Kind {
	case KindInvoice, KindCreditNote:
		f.Bills = append(f.Bills, Bill{e.Ref, e.For, e.Time, e.Period, -e.Money})
	case KindCorrection:
		f.Debits += min(e.Money, 0)
	case KindRefund:
		f.Back -= e.Money
	case KindReversal:
		f.Reversed -= e.Money
	}
	switch e.Kind {
	case KindPayment, KindRefund, KindReversal:
		f.Cash += e.Money
		f.Overflow = f.Overflow || Magnitude(f.Cash) > math.MaxInt64/2
	}
}

// born begins an account: the first of the name, or one after an account that was closed.
func (f *Fold) born(e *Entry) {
	again := f.State == Closed && (e.Kind == KindInvoice || e.Kind == KindActivated)
	if f.State != "" && !again || e.Kind == KindCharge { // of one that is gone may be the charges only
		return
	}
	f.State, f.Contracts, f.Hold, f.Abuse, f.Limit, f.Most, f.Warned = Pending, nil, false, false, "", nil, nil
}

// note enters what the operator and the orders say of an account.
func (f *Fold) note(e *Entry) {
	switch e.Kind {
	case KindActivated:
		if f.State == Pending {
			f.State = Active
		}
	case KindSuspended:
		if e.Ref != "" { // for an invoice
			f.Hold = true
		} else {
			f.State = Suspended
		}
	case KindResumed:
		if f.Hold = false; e.Cause == CausePaid {
			return
		}
		if f.State = Active; len(f.Contracts) == 0 {
			f.State = Pending
		}
	case KindLimit:
		f.Limit = e.Limit
	case KindOverMax:
		f.Most = e.Most
	case KindWarned:
		f.Warned = e
	case KindAbuse:
		f.Abuse = strings.TrimSpace(e.Note) != ""
	}
}

// closePeriod ends a period: what it used beyond its allowance is drawn, or overage.
func (f *Fold) closePeriod(e *Entry) {
	c, p, ok := f.Contracts.Find(e.Period, f.Zone)
	if over := quota.Over(c.Plan.In(p), f.Used(e.Period)); !ok || over != f.beyond {
		f.Faults = append(f.Faults, fmt.Sprintf("used %d beyond the allowance of %s, drew or was billed %d", over, e.Period, f.beyond))
	}
	if f.beyond = 0; e.Period == f.Granted {
		f.Granted, f.Allowance = "", quota.Charge{}
	}
	for i := range f.Lots {
		f.Lots[i].Fresh = false
	}
}

// contract enters a contract: a new one, one that was changed, or one that was given back. A new one that
// the operator gave, or that begins because those before it are used up, ends those.
func (f *Fold) contract(kind Kind, c quota.Contract) {
	i := slices.IndexFunc(f.Contracts, func(o quota.Contract) bool { return o.TermKey() == c.TermKey() })
	switch {
	case i >= 0 && kind == KindReturned:
		f.Contracts = slices.Delete(f.Contracts, i, i+1)
		return
	case i >= 0:
		f.Contracts[i] = c
		return
	case kind == KindPlan, kind == KindRenewed: // that began at once, in the place of those
		f.cut(c.Start)
	}
	f.Contracts = append(f.Contracts, c)
}

// cut ends the terms at an instant, as an order does (Deal.cut in package orders).
func (f *Fold) cut(at time.Time) {
	for i := range f.Contracts {
		if c := &f.Contracts[i]; at.Before(c.End) {
			c.End = at
		}
	}
	f.Contracts = slices.DeleteFunc(f.Contracts, func(c quota.Contract) bool { return !c.Start.Before(c.End) })
}

// lot adds an entry's units to the credit that they belong to.
func (f *Fold) lot(e *Entry) {
	i := slices.IndexFunc(f.Lots, func(l quota.Lot) bool { return l.Ref == e.Lot })
	if i < 0 {
		f.Lots = append(f.Lots, quota.Lot{Ref: e.Lot, Amount: e.Units, Granted: e.Time, Expires: e.Expires, Fresh: e.Kind == KindTopUp})
		return
	}
	if f.Lots[i].Amount += e.Units; f.Lots[i].Amount == 0 {
		f.Lots = slices.Delete(f.Lots, i, i+1)
	}
}
