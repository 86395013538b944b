package books

import (
	"cmp"
	"slices"

	"relay/quota"
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

// ChargesIn is the record as this transaction sees it. Only a function that has decided to write may
// change it: a change is stored with the transaction.
func (s *Books) ChargesIn(t *room.Tx, account, period string) *Charges {
	return s.charged.In(t, account, period)
}

// EachCharges calls fn for the charges of an account in each of its periods.
func (s *Books) EachCharges(t *room.Tx, account string, fn func(period string, c *Charges) error) error {
	return s.charged.Each(t, account, nil, fn)
}

// wasCharged reports whether mail was charged under the name of an account.
func (s *Books) wasCharged(t *room.Tx, account string) (was bool, err error) {
	err = s.EachCharges(t, account, func(_ string, c *Charges) error {
		was = was || c.Charged != quota.Charge{}
		return nil
	})
	return was, err
}

// hasCharges reports whether there are charges of an account, even of nothing.
func (s *Books) hasCharges(t *room.Tx, account string) bool {
	prefix := room.Pair(account, "")
	c := t.Cursor(bucket.Usage)
	for k, _ := c.Seek(prefix); room.HasPrefix(k, prefix); k, _ = c.Next() {
		if s.charged.Has(k) {
			return true
		}
	}
	return false
}

// OpenDay is a day whose charges are no entry of the ledger yet.
type OpenDay struct {
	Period, Day string
	Charged     quota.Charge
}

// OpenDays are the open days of an account, the oldest period first.
func (s *Books) OpenDays(t *room.Tx, account string) (list []OpenDay, err error) {
	err = s.EachCharges(t, account, func(period string, c *Charges) error {
		if c.Today != (quota.Charge{}) {
			list = append(list, OpenDay{period, c.Day, c.Today})
		}
		return nil
	})
	slices.SortFunc(list, func(a, b OpenDay) int { return cmp.Compare(a.Period, b.Period) })
	return list, err
}

// IsCharges reports whether a key of bucket "usage" holds charges.
func (s *Books) IsCharges(key []byte) bool { return s.charged.Has(key) }

// EndDay notes that the charges of a period's open day have become an entry.
func (s *Books) EndDay(t *room.Tx, account, period string) {
	s.ChargesIn(t, account, period).Today = quota.Charge{}
}
