package store

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"relay/quota"
)

// Fold is what the entries of a ledger add up to, as far as they were added, the oldest
// first. It is the one place that adds a ledger up: statements, the proof of the books,
// refunds, the sandbox and the simulation of a plan all read their sums here. Where an
// account follows another one of its name, its terms and state begin anew; sums go on.
type Fold struct {
	Periods  []PeriodSum // in the order in which entries name them
	Lots     []quota.Lot // credit that is left; of the running period nothing is drawn yet
	Bills    []Bill      // invoices and credit notes; Issued is when they hold from
	Balance  int64       // minor units
	Currency string      // of the last entry with money; "": there was none

	zone      *time.Location
	contracts quota.Contracts
	granted   string // period that was opened last
	allowance quota.Charge

	state  AccountState // "": there is no account yet
	hold   bool
	abuse  bool
	warned *Entry        // the last one; nil: none
	limit  quota.AtLimit // that was chosen after the account was added; "": none was
	most   *int64        // ceiling of overage, likewise
	beyond int64         // drawn and overage of the period that is being closed
	faults []string

	cash     int64 // that came in by payments, less what went back
	debits   int64 // corrections against the customer
	back     int64 // paid back
	reversed int64 // payments that were taken back
	overflow bool  // cash cannot be counted
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
func NewFold(zone *time.Location) *Fold { return &Fold{zone: zone} }

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

// used in a period.
func (f *Fold) used(key string) quota.Charge {
	if i := f.index(key); i >= 0 {
		return f.Periods[i].Used
	}
	return quota.Charge{}
}

// charge adds use to a period.
func (f *Fold) charge(key string, c quota.Charge) {
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
		f.granted, f.allowance = e.Period, quota.Charge{Messages: e.Messages, Bytes: e.Bytes}
	case KindUpgraded, KindPlan:
		if e.Period == f.granted {
			f.allowance = quota.Charge{Messages: e.Messages, Bytes: e.Bytes}
		}
	case KindClosed:
		f.closePeriod(e)
	case KindEnded:
		f.cut(e.Time)
		f.state = Closed
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
		f.charge(e.Period, quota.Charge{Messages: e.Messages, Bytes: e.Bytes})
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
		f.debits += min(e.Money, 0)
	case KindRefund:
		f.back -= e.Money
	case KindReversal:
		f.reversed -= e.Money
	}
	switch e.Kind {
	case KindPayment, KindRefund, KindReversal:
		f.cash += e.Money
		f.overflow = f.overflow || magnitude(f.cash) > math.MaxInt64/2
	}
}

// born begins with an account: the first of the name, or one after another.
func (f *Fold) born(e *Entry) {
	again := f.state == Closed && (e.Kind == KindInvoice || e.Kind == KindActivated)
	if f.state != "" && !again || e.Kind == KindCharge { // of one that is gone may be the charges only
		return
	}
	f.state, f.contracts, f.hold, f.abuse, f.limit, f.most, f.warned = Pending, nil, false, false, "", nil, nil
}

// note takes over what the operator and the orders say of an account.
func (f *Fold) note(e *Entry) {
	switch e.Kind {
	case KindActivated:
		if f.state == Pending {
			f.state = Active
		}
	case KindSuspended:
		if e.Ref != "" { // for an invoice
			f.hold = true
		} else {
			f.state = Suspended
		}
	case KindResumed:
		if f.hold = false; e.Cause == CausePaid {
			return
		}
		if f.state = Active; len(f.contracts) == 0 {
			f.state = Pending
		}
	case KindLimit:
		f.limit = e.Limit
	case KindOverMax:
		f.most = e.Most
	case KindWarned:
		f.warned = e
	case KindAbuse:
		f.abuse = strings.TrimSpace(e.Note) != ""
	}
}

// closePeriod ends a period: what it used beyond its allowance is drawn, or overage.
func (f *Fold) closePeriod(e *Entry) {
	c, p, ok := f.contracts.Find(e.Period, f.zone)
	if over := quota.Over(c.Plan.In(p), f.used(e.Period)); !ok || over != f.beyond {
		f.faults = append(f.faults, fmt.Sprintf("used %d beyond the allowance of %s, drew or was billed %d", over, e.Period, f.beyond))
	}
	if f.beyond = 0; e.Period == f.granted {
		f.granted, f.allowance = "", quota.Charge{}
	}
	for i := range f.Lots {
		f.Lots[i].Fresh = false
	}
}

// contract is a new one, one that was changed, or one that was given back. One that
// the operator gave, and one that begins because those before it are used up, cuts
// them off.
func (f *Fold) contract(kind Kind, c quota.Contract) {
	i := slices.IndexFunc(f.contracts, func(o quota.Contract) bool { return o.TermKey() == c.TermKey() })
	switch {
	case i >= 0 && kind == KindReturned:
		f.contracts = slices.Delete(f.contracts, i, i+1)
		return
	case i >= 0:
		f.contracts[i] = c
		return
	case kind == KindPlan, kind == KindRenewed: // that began at once, in the place of those
		f.cut(c.Start)
	}
	f.contracts = append(f.contracts, c)
}

// cut ends the terms at an instant, as deal.cut does.
func (f *Fold) cut(at time.Time) {
	for i := range f.contracts {
		if c := &f.contracts[i]; at.Before(c.End) {
			c.End = at
		}
	}
	f.contracts = slices.DeleteFunc(f.contracts, func(c quota.Contract) bool { return !c.Start.Before(c.End) })
}

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
