package store

import (
	"cmp"
	"slices"
	"strings"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/outcomes"
	"relay/store/room"
)

// Usage of one account in one period, for readers: what it was charged (Charges), and what
// became of that mail (outcomes.Progress), read in one transaction. Charged.Messages = Delivered +
// Failed + Queued: Queued is stored nowhere. Verify compares it with the recipients that wait.
type Usage struct {
	Account   string       `json:"account"`
	Period    string       `json:"period"`
	Charged   quota.Charge `json:"charged"`            // what was accepted
	Delivered int64        `json:"delivered"`          // e-mails that a next hop took
	Failed    int64        `json:"failed"`             // e-mails refused for good, expired or dropped
	Queued    int64        `json:"queued"`             // e-mails still to be delivered
	Deferred  int64        `json:"deferred"`           // of Queued, those tried at least once
	Stored    int64        `json:"stored"`             // octets of the bodies of messages in the spool
	Waiting   int64        `json:"waiting,omitempty"`  // messages in the spool
	DSNs      int64        `json:"dsns,omitempty"`     // sent about its mail, which are free
	Withheld  int64        `json:"withheld,omitempty"` // DSNs that were not: over the account's number an hour

	Bounced    int64 `json:"bounced,omitempty"`    // of Delivered, those that came back
	Complained int64 `json:"complained,omitempty"` // of Delivered, those that were reported as spam

	// Of Charged the part that is no entry of the ledger yet, and its date in the
	// operator's zone.
	Today quota.Charge `json:"today,omitzero"`
	Day   string       `json:"day,omitempty"` // "2026-11-23"
}

// usage of an account in a period, as this transaction sees it.
func (t *tx) usage(account, period string) Usage {
	return usageOf(account, period, t.charges(account, period), t.s.Outcomes.Of(&t.Tx, account, period))
}

// usageOf joins the two records of a period.
func usageOf(account, period string, c *Charges, p outcomes.Progress) Usage {
	return Usage{
		Account: account, Period: period,
		Charged: c.Charged, Today: c.Today, Day: c.Day,
		Delivered: p.Delivered, Failed: p.Failed, Queued: c.Charged.Messages - p.Delivered - p.Failed, Deferred: p.Deferred,
		Stored: p.Stored, Waiting: p.Waiting, DSNs: p.DSNs, Withheld: p.Withheld,
		Bounced: p.Bounced, Complained: p.Complained,
	}
}

// Usage of an account in a period; all zero when there is none.
func (s *Store) Usage(account, period string) (u Usage, err error) {
	err = s.view(func(t *tx) error { u = t.usage(account, period); return nil })
	return u, err
}

// Usages of an account in all its periods, oldest first.
func (s *Store) Usages(account string) (list []Usage, err error) {
	err = s.view(func(t *tx) (err error) { list, err = t.usages(account); return err })
	return list, err
}

func (t *tx) usages(account string) (list []Usage, err error) {
	err = t.eachCharges(account, func(period string, c *Charges) error {
		list = append(list, usageOf(account, period, c, t.s.Outcomes.Of(&t.Tx, account, period)))
		return nil
	})
	slices.SortFunc(list, func(a, b Usage) int { return cmp.Compare(a.Period, b.Period) })
	return list, err
}

// UsedIn is what an account used in a period: one by its key, or a month's plan by the
// month it began in, the last one that did. The account may be gone. ok is false where
// there is nothing.
func (s *Store) UsedIn(account, period string) (u Usage, ok bool, err error) {
	err = s.view(func(t *tx) error { u, ok = t.usedIn(account, period); return nil })
	return u, ok, err
}

func (t *tx) usedIn(account, period string) (u Usage, ok bool) {
	exact := room.Pair(account, period)
	last, ok := "", false
	c := t.Cursor(bucket.Usage)
	for k, _ := c.Seek(exact); room.HasPrefix(k, exact); k, _ = c.Next() {
		rest := string(k[len(exact):])
		if !t.s.charges.Has(k) || rest != "" && (len(period) < len("2026-11") || !strings.HasPrefix(rest, "-")) {
			continue
		}
		if last, ok = period+rest, true; rest == "" {
			break
		}
	}
	if !ok {
		return Usage{Account: account, Period: period}, false
	}
	return t.usage(account, last), true
}

// AccountUse is where an account stands, with its usage in that period.
type AccountUse struct {
	Standing
	Usage Usage
}

// Use of an account at this moment.
func (s *Store) Use(account string) (u AccountUse, err error) {
	err = s.view(func(t *tx) error {
		a, err := t.account(account)
		if err == nil {
			u, err = t.accountUse(a)
		}
		return err
	})
	return u, err
}

// EachUse is EachStanding with what became of the accounts' mail.
func (s *Store) EachUse(w Wanted, fn func(*AccountUse) error) error {
	read := func(t *tx, a *Account) (*AccountUse, bool, error) {
		u, err := t.accountUse(a)
		return &u, true, err
	}
	return walkAccounts(s, w, read, fn)
}

func (t *tx) accountUse(a *Account) (u AccountUse, err error) {
	if u.Standing, err = t.standingOf(a); err != nil {
		return u, err
	}
	u.due = nil // it dies with the transaction
	if u.Period.Key != "" {
		u.Usage = t.usage(a.Name, u.Period.Key)
	}
	return u, nil
}
