package store

import (
	"cmp"
	"slices"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/room"
)

// Charges are what an account was charged in a period: the books' part of its use. Bucket
// "usage", key account NUL period, JSON. Beside each lies what became of that mail, which the
// books do not read: see package outcomes.
//
// The charges of a day become an entry of the ledger with the first message of another day, or
// when the period is closed, in that transaction. So Charged = Today + Σ charge entries of the
// period, always.
type Charges struct {
	Charged quota.Charge `json:"charged"`        // what was accepted
	Today   quota.Charge `json:"today,omitzero"` // of Charged, what is no entry of the ledger yet
	Day     string       `json:"day,omitempty"`  // of Today, in the operator's zone: "2026-11-23"
}

// charges are the record as this transaction sees it. Only a function that has decided to write may
// change it: a change is stored with the transaction.
func (t *tx) charges(account, period string) *Charges {
	return t.s.charges.In(&t.Tx, account, period)
}

// charge counts what an account that stands so was allowed. The first charge of
// another day makes an entry of the day before; the first of another period
// closes what is over, so that no entry of it comes before those of its close.
func (t *tx) charge(st *Standing, asked quota.Charge) error {
	c, day := t.charges(st.Account.Name, st.Period.Key), t.day()
	if c.Day < day && c.Today != (quota.Charge{}) {
		if st.due == nil {
			st.due = t.dealOn(st.Account, behalf.Order{})
		}
		st.due.endDay(st.Period.Key, t.Now)
	}
	if st.due != nil {
		if err := st.due.apply(); err != nil {
			return err
		}
	}
	t.Touch()
	c.Day = max(c.Day, day) // a clock that goes back does not make a day come twice
	c.Today = c.Today.Add(asked)
	c.Charged = c.Charged.Add(asked)
	return nil
}

// eachCharges calls fn for the charges of an account in each of its periods.
func (t *tx) eachCharges(account string, fn func(period string, c *Charges) error) error {
	return t.s.charges.Each(&t.Tx, account, nil, fn)
}

// wasCharged reports whether mail was charged under the name of an account.
func (t *tx) wasCharged(account string) (was bool, err error) {
	err = t.eachCharges(account, func(_ string, c *Charges) error {
		was = was || c.Charged != quota.Charge{}
		return nil
	})
	return was, err
}

// hasCharges reports whether there are charges of an account, even of nothing.
func (t *tx) hasCharges(account string) bool {
	prefix := room.Pair(account, "")
	c := t.Cursor(bucket.Usage)
	for k, _ := c.Seek(prefix); room.HasPrefix(k, prefix); k, _ = c.Next() {
		if t.s.charges.Has(k) {
			return true
		}
	}
	return false
}

// openDay is a day whose charges are no entry of the ledger yet.
type openDay struct {
	period, day string
	charged     quota.Charge
}

// openDays are those of an account, the oldest period first.
func (t *tx) openDays(account string) (list []openDay, err error) {
	err = t.eachCharges(account, func(period string, c *Charges) error {
		if c.Today != (quota.Charge{}) {
			list = append(list, openDay{period, c.Day, c.Today})
		}
		return nil
	})
	slices.SortFunc(list, func(a, b openDay) int { return cmp.Compare(a.period, b.period) })
	return list, err
}
