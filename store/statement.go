package store

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"relay/quota"
)

// Statement is an account as its ledger explains it: nothing of it comes from
// counters, but for the day that is not over.
type Statement struct {
	Account   string
	At        time.Time
	Name      string         // of the plan; "": none yet
	Contract  quota.Contract // that runs at At, or the nearest
	Period    string         // of Contract, open at At; "": none
	Allowance quota.Charge   // of Period; 0: no limit
	Used      quota.Charge   // in Period
	Use       quota.Use      // how that is met
	Lots      []quota.Lot    // credit, in the order of use; of the running period nothing is drawn yet
	Over      []Overage      // of closed periods
	Invoices  []Billed       // with credit notes, by number
	Payments  []Entry        // payments, refunds, corrections of money
	Balance   int64          // minor units
	Currency  string
	Entries   []Entry // all of it, oldest first
}

// Overage of a closed period.
type Overage struct {
	Period string
	Units  int64  // of the plan
	Blocks string // that cover it
}

// Billed is an invoice in a statement.
type Billed struct {
	Number string
	Kind   InvoiceKind
	Issued time.Time
	Period string
	Total  int64 // minor units; of a credit note negative
}

// Statement replays the ledger up to at; the zero time is now. Charges that are
// no entries yet are in it: those of a day that was over at at, and those of
// today when at is not in the past.
func (s *Store) Statement(account string, at time.Time) (st Statement, err error) {
	var open []Usage
	err = s.view(func(t *tx) error {
		if st.Entries, err = all[Entry](t, ledger, ledgerPrefix(account)); err != nil {
			return err
		}
		open, err = all[Usage](t, usage, usageKey(account, ""))
		if err == nil && len(st.Entries) == 0 {
			_, err = load[Account](t, accounts, account)
		}
		if at.IsZero() {
			at = t.now
		}
		if at.Before(t.now) {
			open = slices.DeleteFunc(open, func(u Usage) bool { return at.Before(dayEnd(u.Day, s.zone).Add(-1)) })
		}
		return err
	})
	if st.Account, st.At = account, at; err != nil {
		return st, err
	}
	st.Entries = slices.DeleteFunc(st.Entries, func(e Entry) bool {
		if e.Kind == KindCharge {
			e.Time = e.Time.Add(-1) // a day that ends at midnight is in the last instant before
		}
		return e.Time.After(at)
	})
	r := replay{zone: s.zone, used: map[string]quota.Charge{}}
	for i := range st.Entries {
		r.add(&st.Entries[i])
		st.note(&st.Entries[i])
	}
	for _, u := range open {
		r.used[u.Period] = r.used[u.Period].Add(u.Today)
	}
	r.into(&st)
	return st, nil
}

// note takes over what a statement lists.
func (st *Statement) note(e *Entry) {
	if e.Money != 0 {
		st.Balance += e.Money
		st.Currency = e.Currency
	}
	switch e.Kind {
	case KindInvoice, KindCreditNote:
		st.Invoices = append(st.Invoices, Billed{e.Ref, InvoiceKind(e.Text), e.Time, e.Period, -e.Money})
	case KindPayment, KindRefund:
		st.Payments = append(st.Payments, *e)
	case KindCorrection:
		if e.Money != 0 {
			st.Payments = append(st.Payments, *e)
		}
	case KindOverage:
		st.Over = append(st.Over, Overage{e.Period, e.Units, e.Text})
	}
}

// replay is what a ledger adds up to.
type replay struct {
	zone      *time.Location
	contracts quota.Contracts
	lots      []quota.Lot
	used      map[string]quota.Charge // by period
	granted   string                  // period that was opened last
	allowance quota.Charge
}

func (r *replay) add(e *Entry) {
	switch e.Kind {
	case KindCharge:
		r.used[e.Period] = r.used[e.Period].Add(quota.Charge{Messages: e.Messages, Bytes: e.Bytes})
	case KindGrant:
		r.granted, r.allowance = e.Period, quota.Charge{Messages: e.Messages, Bytes: e.Bytes}
	case KindUpgraded, KindPlan:
		if e.Period == r.granted {
			r.allowance = quota.Charge{Messages: e.Messages, Bytes: e.Bytes}
		}
	case KindClosed:
		if e.Period == r.granted {
			r.granted, r.allowance = "", quota.Charge{}
		}
	}
	if e.Contract != nil {
		r.contract(*e.Contract)
	}
	if e.Lot != "" {
		r.lot(e)
	}
}

// contract is a new one, or one that was changed.
func (r *replay) contract(c quota.Contract) {
	i := slices.IndexFunc(r.contracts, func(o quota.Contract) bool { return o.Key == c.Key && o.Copy == c.Copy })
	if i >= 0 {
		r.contracts[i] = c
		return
	}
	r.contracts = append(r.contracts, c)
}

func (r *replay) lot(e *Entry) {
	i := slices.IndexFunc(r.lots, func(l quota.Lot) bool { return l.Ref == e.Lot })
	if i < 0 {
		r.lots = append(r.lots, quota.Lot{Ref: e.Lot, Amount: e.Units, Granted: e.Time, Expires: e.Expires})
		return
	}
	if r.lots[i].Amount += e.Units; r.lots[i].Amount == 0 {
		r.lots = slices.Delete(r.lots, i, i+1)
	}
}

func (r *replay) into(st *Statement) {
	st.Contract, _, _ = r.contracts.At(st.At, r.zone)
	st.Name = st.Contract.Plan.Name
	st.Period, st.Allowance, st.Used = r.granted, r.allowance, r.used[r.granted]
	st.Lots = quota.Live(r.lots, st.At)
	st.Use = quota.Split(st.Contract.Plan, st.Used, st.Lots)
}

// RollUp sums accounts up: of a customer, or below a reseller.
type RollUp struct {
	Accounts  int          `json:"accounts"`
	Charged   quota.Charge `json:"charged"`   // in the month
	Delivered int64        `json:"delivered"` // of it
	Failed    int64        `json:"failed"`
	Queued    int64        `json:"queued"`
	Invoiced  int64        `json:"invoiced"` // minor units, issued in the month; credit notes subtracted
	Open      int64        `json:"open"`     // minor units, of all months
	Balance   int64        `json:"balance"`  // minor units
}

// RollUpCustomer sums up the accounts of a customer for a month, "2026-11"; 30
// days count to the month they began in.
func (s *Store) RollUpCustomer(customer, month string) (RollUp, error) {
	return s.rollUp(ownAccounts, customer, month)
}

// RollUpReseller sums up the accounts below a reseller.
func (s *Store) RollUpReseller(reseller, month string) (RollUp, error) {
	return s.rollUp(ownBelow, reseller, month)
}

func (s *Store) rollUp(o owned, owner, month string) (sum RollUp, err error) {
	var names []string
	if err := s.view(func(t *tx) error { names = t.owned(o, owner); return nil }); err != nil {
		return sum, err
	}
	for _, name := range names {
		err := s.view(func(t *tx) error { return t.addUp(&sum, name, month) })
		if err != nil && !errors.Is(err, ErrNotFound) {
			return sum, err
		}
	}
	return sum, nil
}

func (t *tx) addUp(sum *RollUp, name, month string) error {
	a, err := load[Account](t, accounts, name)
	if err != nil {
		return err
	}
	us, e1 := all[Usage](t, usage, usageKey(name, month))
	invoices, e2 := t.invoicesOf(name, false)
	if err := cmp.Or(e1, e2); err != nil {
		return err
	}
	sum.Accounts++
	sum.Balance += a.Balance
	for _, u := range us {
		sum.Charged = sum.Charged.Add(u.Charged)
		sum.Delivered += u.Delivered
		sum.Failed += u.Failed
		sum.Queued += u.Queued
	}
	for i := range invoices {
		sum.Open += invoices[i].Open()
		if strings.HasPrefix(invoices[i].Issued.In(t.s.zone).Format(time.DateOnly), month) {
			sum.Invoiced += invoices[i].Total
		}
	}
	return nil
}
