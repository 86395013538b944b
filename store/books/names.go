package books

import (
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// HasBooks reports whether there are a ledger or charges under a name. Those of an account that
// was removed stay, and may be of another customer.
func (s *Books) HasBooks(t *room.Tx, account string) bool {
	return s.LastSeq(t, account) > 0 || s.hasCharges(t, account)
}

// NameUsedIn reports whether mail was charged or an invoice issued under the name of an
// account. Such a name stands for that account for good, on paper and in the books.
func (s *Books) NameUsedIn(t *room.Tx, account string) (bool, error) {
	prefix := room.Pair(account, "")
	if k, _ := t.Cursor(bucket.Billed).Seek(prefix); room.HasPrefix(k, prefix) {
		return true, nil
	}
	return s.wasCharged(t, account)
}

// NameUsed is NameUsedIn in a transaction of its own. The name of a removed account for which it is
// true is never given to another one.
func (s *Books) NameUsed(account string) (used bool, err error) {
	err = s.view(func(t *room.Tx) error { used, err = s.NameUsedIn(t, account); return err })
	return used, err
}

// InheritsLedger reports whether the ledger of an account begins with that of another one,
// which had its name before.
func (s *Books) InheritsLedger(t *room.Tx, a *Account) (bool, error) {
	entries, err := s.EntriesIn(t, a.Name)
	ends := 0
	for _, e := range entries {
		if e.Kind == ledger.KindEnded {
			ends++
		}
	}
	return ends > 1 || ends == 1 && a.State != ledger.Closed, err
}

// LedgerPeriods are the keys of periods and terms in the ledger of a name. A key is false where
// the ledger has nothing under it but a term that never began.
func (s *Books) LedgerPeriods(t *room.Tx, account string) (lived map[string]bool, err error) {
	lived = map[string]bool{}
	s.LedgerBackwards(t, account, func(k, raw []byte) bool {
		var e ledger.Entry
		if err = room.Decode(bucket.Ledger, k, raw, &e); err != nil {
			return false
		}
		named := ""
		if e.Contract != nil {
			named = e.Contract.TermKey()
			if _, there := lived[named]; !there {
				lived[named] = false
			}
		}
		if e.Kind == ledger.KindWarned { // that a term ends, which may not have begun
			named = e.Period
		}
		lived[e.Period] = lived[e.Period] || e.Period != named
		return true
	})
	return lived, err
}
