package store

import (
	"strings"

	"relay/quota"
)

// Usage of one account in one period. Bucket "usage", key account NUL period,
// JSON. Charged.Messages = Delivered + Failed + Queued, always.
type Usage struct {
	Account   string       `json:"account"`
	Period    string       `json:"period"`
	Charged   quota.Charge `json:"charged"`            // what was accepted
	Delivered int64        `json:"delivered"`          // e-mails that a next hop took
	Failed    int64        `json:"failed"`             // e-mails refused for good, expired or dropped
	Queued    int64        `json:"queued"`             // e-mails still to be delivered
	Deferred  int64        `json:"deferred"`           // of Queued, those tried at least once
	Stored    int64        `json:"stored"`             // octets of the bodies of messages in the spool
	DSNs      int64        `json:"dsns,omitempty"`     // sent about its mail, which are free
	Withheld  int64        `json:"withheld,omitempty"` // DSNs that were not: over the account's number an hour

	// Of Charged the part that is no entry of the ledger yet, and its date in the
	// operator's zone. Charged = Today + Σ charge entries of the period.
	Today quota.Charge `json:"today,omitzero"`
	Day   string       `json:"day,omitempty"` // "2026-11-23"
}

// Totals are the sums over the spool. Bucket "meta", key "totals", JSON.
type Totals struct {
	Messages   int64 `json:"messages"`
	Recipients int64 `json:"recipients"` // not final ones
	Bytes      int64 `json:"bytes"`      // of bodies
}

// usage is the counter as this transaction sees it. Who changes it must have
// decided to write: a change is stored with the transaction.
func (t *tx) usage(account, period string) *Usage {
	key := pairKey(account, period)
	cache := t.scratch().usage
	if u := cache[string(key)]; u != nil {
		return &u.is
	}
	u := &counter{}
	if _, err := t.get(usage, key, &u.is); err != nil {
		panic(err) // a counter that cannot be read must not start again from zero
	}
	u.is.Account, u.is.Period = account, period
	u.was = u.is
	cache[string(key)] = u
	return &u.is
}

// charge counts what an account that stands so was allowed. The first charge of
// another day makes an entry of the day before; the first of another period
// closes what is over, so that no entry of it comes before those of its close.
func (t *tx) charge(st *Standing, asked quota.Charge, stored int64) error {
	u, day := t.usage(st.Account.Name, st.Period.Key), t.day()
	if u.Day < day && u.Today != (quota.Charge{}) {
		if st.due == nil {
			st.due = t.dealOn(st.Account, Order{})
		}
		st.due.endDay(u, t.now)
	}
	if st.due != nil {
		if err := st.due.apply(); err != nil {
			return err
		}
	}
	t.b.Touch()
	u.Day = max(u.Day, day) // a clock that goes back does not make a day come twice
	u.Today = u.Today.Add(asked)
	u.Charged = u.Charged.Add(asked)
	u.Queued += asked.Messages
	u.Stored += stored
	return nil
}

// queued are the e-mails of an account that wait, of all periods.
func (t *tx) queued(account string) (int64, error) {
	return t.sumUsage(account, func(u *Usage) int64 { return u.Queued })
}

// spooled are the octets of an account's messages in the spool.
func (t *tx) spooled(account string) (int64, error) {
	return t.sumUsage(account, func(u *Usage) int64 { return u.Stored })
}

// sumUsage adds up an account's usage of all periods: also of one that this
// transaction is the first to count in.
func (t *tx) sumUsage(account string, what func(*Usage) int64) (n int64, err error) {
	prefix := pairKey(account, "")
	stored, err := all[Usage](t, usage, prefix)
	if err != nil {
		return 0, err
	}
	for _, u := range stored {
		t.usage(account, u.Period)
	}
	for key, u := range t.scratch().usage {
		if strings.HasPrefix(key, string(prefix)) {
			n += what(&u.is)
		}
	}
	return n, nil
}

func (t *tx) totals() *Totals {
	sc := t.scratch()
	if sc.totals == nil {
		sc.totals = &Totals{}
		if _, err := t.get(meta, keyTotals, sc.totals); err != nil {
			panic(err)
		}
	}
	return sc.totals
}

// count moves a recipient of m from its state to another, in the statistics.
func (t *tx) count(m *Message, is fate) {
	t.b.Touch()
	if is.to.Final() {
		t.totals().Recipients--
	}
	if m.Period == "" {
		return
	}
	t.dayOf(m).count(is)
	u := t.usage(m.Account, m.Period)
	if is.from == Deferred {
		u.Deferred--
	}
	switch {
	case is.to == Deferred:
		u.Deferred++
	case is.to == Delivered:
		u.Queued--
		u.Delivered++
	case is.to.Final():
		u.Queued--
		u.Failed++
	}
}

// Usage of an account in a period; all zero when there is none.
func (s *Store) Usage(account, period string) (u Usage, err error) {
	err = s.view(func(t *tx) error { _, err := t.get(usage, pairKey(account, period), &u); return err })
	u.Account, u.Period = account, period
	return u, err
}

// Usages of an account in all its periods, oldest first.
func (s *Store) Usages(account string) (list []Usage, err error) {
	err = s.view(func(t *tx) error { list, err = all[Usage](t, usage, pairKey(account, "")); return err })
	return list, err
}

// Totals of the spool, at the same cost whatever its size.
func (s *Store) Totals() (sum Totals, err error) {
	err = s.view(func(t *tx) error { _, err := t.get(meta, keyTotals, &sum); return err })
	return sum, err
}

// UsedIn is what an account used in a period: one by its key, or a month's plan by the
// month it began in, the last one that did. The account may be gone. ok is false where
// there is nothing.
func (s *Store) UsedIn(account, period string) (u Usage, ok bool, err error) {
	err = s.view(func(t *tx) error { u, ok, err = t.usedIn(account, period); return err })
	return u, ok, err
}

func (t *tx) usedIn(account, period string) (u Usage, ok bool, err error) {
	u.Account, u.Period = account, period
	exact := pairKey(account, period)
	c := t.b.Cursor(usage)
	for k, raw := c.Seek(exact); k != nil && hasPrefix(k, exact); k, raw = c.Next() {
		rest := string(k[len(exact):])
		if rest != "" && (len(period) < len("2026-11") || !strings.HasPrefix(rest, "-")) {
			continue
		}
		u, ok = Usage{}, true
		if err := decode(bucketNames[usage], k, raw, &u); err != nil {
			return u, ok, err
		}
		if rest == "" {
			break
		}
	}
	return u, ok, nil
}
