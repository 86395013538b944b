package standing

import (
	"cmp"
	"slices"
	"strings"

	"relay/quota"
	"relay/store/books"
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

// UsageIn of an account in a period, as this transaction sees it.
func (s *Standings) UsageIn(t *room.Tx, account, period string) Usage {
	return UsageOf(account, period, s.r.Books.ChargesIn(t, account, period), s.r.Outcomes.Of(t, account, period))
}

// UsageOf joins the two records of a period.
func UsageOf(account, period string, c *books.Charges, p outcomes.Progress) Usage {
	return Usage{
		Account: account, Period: period,
		Charged: c.Charged, Today: c.Today, Day: c.Day,
		Delivered: p.Delivered, Failed: p.Failed, Queued: c.Charged.Messages - p.Delivered - p.Failed, Deferred: p.Deferred,
		Stored: p.Stored, Waiting: p.Waiting, DSNs: p.DSNs, Withheld: p.Withheld,
		Bounced: p.Bounced, Complained: p.Complained,
	}
}

// Usage of an account in a period; all zero when there is none.
func (s *Standings) Usage(account, period string) (u Usage, err error) {
	err = s.view(func(t *room.Tx) error { u = s.UsageIn(t, account, period); return nil })
	return u, err
}

// Usages of an account in all its periods, oldest first.
func (s *Standings) Usages(account string) (list []Usage, err error) {
	err = s.view(func(t *room.Tx) (err error) { list, err = s.UsagesIn(t, account); return err })
	return list, err
}

// UsagesIn is Usages, as this transaction sees it.
func (s *Standings) UsagesIn(t *room.Tx, account string) (list []Usage, err error) {
	err = s.r.Books.EachCharges(t, account, func(period string, c *books.Charges) error {
		list = append(list, UsageOf(account, period, c, s.r.Outcomes.Of(t, account, period)))
		return nil
	})
	slices.SortFunc(list, func(a, b Usage) int { return cmp.Compare(a.Period, b.Period) })
	return list, err
}

// FindUsage is what an account used in a period, which is named by its key. A month's plan may also
// be named by the month in which it began; of several, the last one is meant. The account may be
// removed. ok is false where there is no such period.
func (s *Standings) FindUsage(account, period string) (u Usage, ok bool, err error) {
	err = s.view(func(t *room.Tx) error { u, ok = s.findUsage(t, account, period); return nil })
	return u, ok, err
}

func (s *Standings) findUsage(t *room.Tx, account, period string) (u Usage, ok bool) {
	exact := room.Pair(account, period)
	last, ok := "", false
	c := t.Cursor(bucket.Usage)
	for k, _ := c.Seek(exact); room.HasPrefix(k, exact); k, _ = c.Next() {
		rest := string(k[len(exact):])
		if !s.r.Books.IsCharges(k) || rest != "" && (len(period) < len("2026-11") || !strings.HasPrefix(rest, "-")) {
			continue
		}
		if last, ok = period+rest, true; rest == "" {
			break
		}
	}
	if !ok {
		return Usage{Account: account, Period: period}, false
	}
	return s.UsageIn(t, account, last), true
}

// AccountUse is where an account stands, with its usage in that period.
type AccountUse struct {
	Standing
	Usage Usage
}

// Use of an account at this moment.
func (s *Standings) Use(account string) (u AccountUse, err error) {
	err = s.view(func(t *room.Tx) error {
		a, err := s.r.Books.AccountIn(t, account)
		if err == nil {
			u, err = s.accountUse(t, a)
		}
		return err
	})
	return u, err
}

// EachUse is EachStanding with what became of the accounts' mail.
func (s *Standings) EachUse(w books.Wanted, fn func(*AccountUse) error) error {
	read := func(t *room.Tx, a *books.Account) (*AccountUse, bool, error) {
		u, err := s.accountUse(t, a)
		return &u, true, err
	}
	return books.Walk(s.r.Books, w, read, fn)
}

func (s *Standings) accountUse(t *room.Tx, a *books.Account) (u AccountUse, err error) {
	if u.Standing, err = s.StandingOf(t, a); err != nil {
		return u, err
	}
	u.TakeClose()
	if u.Period.Key != "" {
		u.Usage = s.UsageIn(t, a.Name, u.Period.Key)
	}
	return u, nil
}
