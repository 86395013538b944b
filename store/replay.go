package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"relay/quota"
)

// replay is what a ledger adds up to. It ends with the account as it is, and begins
// anew with another one of its name.
type replay struct {
	zone      *time.Location
	contracts quota.Contracts
	lots      []quota.Lot
	used      map[string]quota.Charge // by period
	granted   string                  // period that was opened last
	allowance quota.Charge

	state  AccountState // "": there is no account yet
	hold   bool
	abuse  bool
	warned *Entry // the last one; nil: none
	limit  string // that was chosen after the account was added; "": none was
	most   string // ceiling of overage, likewise
	beyond int64  // drawn and overage of the period that is being closed
	faults []string
}

func newReplay(zone *time.Location) *replay {
	return &replay{zone: zone, used: map[string]quota.Charge{}}
}

func (r *replay) add(e *Entry) {
	r.born(e)
	switch e.Kind {
	case KindCharge:
		r.used[e.Period] = r.used[e.Period].Add(quota.Charge{Messages: e.Messages, Bytes: e.Bytes})
	case KindGrant:
		r.granted, r.allowance = e.Period, quota.Charge{Messages: e.Messages, Bytes: e.Bytes}
	case KindUpgraded, KindPlan:
		if e.Period == r.granted {
			r.allowance = quota.Charge{Messages: e.Messages, Bytes: e.Bytes}
		}
	case KindDraw:
		r.beyond -= e.Units
	case KindOverage:
		r.beyond += e.Units
	case KindClosed:
		r.closed(e)
	case KindEnded:
		r.cut(e.Time)
		r.state = Closed
	}
	r.note(e)
	if e.Contract != nil {
		r.contract(e.Kind, *e.Contract)
	}
	if e.Lot != "" {
		r.lot(e)
	}
}

// born begins with an account: the first of the name, or one after another.
func (r *replay) born(e *Entry) {
	again := r.state == Closed && (e.Kind == KindInvoice || e.Kind == KindActivated)
	if r.state != "" && !again || e.Kind == KindCharge { // of one that is gone may be the charges only
		return
	}
	r.state, r.contracts, r.hold, r.abuse, r.limit, r.most, r.warned = Pending, nil, false, false, "", "", nil
}

// note takes over what the operator and the orders say of an account.
func (r *replay) note(e *Entry) {
	switch e.Kind {
	case KindActivated:
		if r.state == Pending {
			r.state = Active
		}
	case KindSuspended:
		if e.Ref != "" { // for an invoice
			r.hold = true
		} else {
			r.state = Suspended
		}
	case KindResumed:
		if r.hold = false; e.Text == resumedPaid {
			return
		}
		if r.state = Active; len(r.contracts) == 0 {
			r.state = Pending
		}
	case KindLimit:
		r.limit = e.Text
	case KindOverMax:
		r.most = e.Text
	case KindWarned:
		r.warned = e
	case KindAbuse:
		r.abuse = strings.TrimSpace(e.Text) != ""
	}
}

// closed: what a period used beyond its allowance is drawn, or overage.
func (r *replay) closed(e *Entry) {
	c, p, ok := r.contracts.Find(e.Period, r.zone)
	if over := quota.Over(c.Plan.In(p), r.used[e.Period]); !ok || over != r.beyond {
		r.faults = append(r.faults, fmt.Sprintf("used %d beyond the allowance of %s, drew or was billed %d", over, e.Period, r.beyond))
	}
	if r.beyond = 0; e.Period == r.granted {
		r.granted, r.allowance = "", quota.Charge{}
	}
	for i := range r.lots {
		r.lots[i].Fresh = false
	}
}

// contract is a new one, one that was changed, or one that was given back. One that
// the operator gave, and one that begins because those before it are used up, cuts
// them off.
func (r *replay) contract(kind Kind, c quota.Contract) {
	i := slices.IndexFunc(r.contracts, func(o quota.Contract) bool { return o.TermKey() == c.TermKey() })
	switch {
	case i >= 0 && kind == KindReturned:
		r.contracts = slices.Delete(r.contracts, i, i+1)
		return
	case i >= 0:
		r.contracts[i] = c
		return
	case kind == KindPlan, kind == KindRenewed: // that began at once, in the place of those
		r.cut(c.Start)
	}
	r.contracts = append(r.contracts, c)
}

// cut ends the terms at an instant, as deal.cut does.
func (r *replay) cut(at time.Time) {
	for i := range r.contracts {
		if c := &r.contracts[i]; at.Before(c.End) {
			c.End = at
		}
	}
	r.contracts = slices.DeleteFunc(r.contracts, func(c quota.Contract) bool { return !c.Start.Before(c.End) })
}

func (r *replay) lot(e *Entry) {
	i := slices.IndexFunc(r.lots, func(l quota.Lot) bool { return l.Ref == e.Lot })
	if i < 0 {
		r.lots = append(r.lots, quota.Lot{Ref: e.Lot, Amount: e.Units, Granted: e.Time, Expires: e.Expires, Fresh: e.Kind == KindTopUp})
		return
	}
	if r.lots[i].Amount += e.Units; r.lots[i].Amount == 0 {
		r.lots = slices.Delete(r.lots, i, i+1)
	}
}
