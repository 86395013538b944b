package books

import (
	"cmp"
	"fmt"
	"sort"
	"time"

	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// Ledger calls fn for the entries of an account, oldest first, outside of any
// transaction. The ledger outlives the account.
func (s *Books) Ledger(account string, fn func(*ledger.Entry) error) error {
	return s.LedgerAfter(account, 0, fn)
}

// LedgerAfter is Ledger for the entries after the one with that number.
func (s *Books) LedgerAfter(account string, seq uint64, fn func(*ledger.Entry) error) error {
	return room.Walk(s.db, bucket.Ledger, ledgerPrefix(account), numberKey(account, seq+1), func(_ []byte, e *ledger.Entry) error { e.Recall(); return fn(e) })
}

// LastSeq is the number of the last entry in the ledger of a name, which may be that of a
// removed account; 0: there is none.
func (s *Books) LastSeq(t *room.Tx, name string) (seq uint64) {
	s.LedgerBackwards(t, name, func(k, _ []byte) (more bool) { seq = room.LastNumber(k); return false })
	return seq
}

// LedgerBackwards calls fn for the entries of a ledger as they are stored, the last one first,
// until fn returns false.
func (s *Books) LedgerBackwards(t *room.Tx, name string, fn func(k, raw []byte) (more bool)) {
	prefix := ledgerPrefix(name)
	c := t.Cursor(bucket.Ledger)
	var raw []byte
	k, _ := c.Seek(append([]byte(name), 1)) // beyond them
	if k == nil {
		k, raw = c.Last()
	} else {
		k, raw = c.Prev()
	}
	for k != nil && room.HasPrefix(k, prefix) && fn(k, raw) {
		k, raw = c.Prev()
	}
}

// EntriesIn are the entries of a ledger, oldest first.
func (s *Books) EntriesIn(t *room.Tx, account string) ([]ledger.Entry, error) {
	list, err := room.All[ledger.Entry](t, bucket.Ledger, ledgerPrefix(account))
	for i := range list {
		list[i].Recall()
	}
	return list, err
}

// mostLate is how late the entry of a day's charges may come, so that entries of later
// instants stand before it: it is made with the first message of another day, at the latest
// when its period is closed.
const mostLate = 35 * 24 * time.Hour

// EntriesBetween calls fn for the entries of the time between two instants, and for some earlier
// and later ones. It finds the first one by binary search: the ledger is in the order of time, but for
// entries that come as late as mostLate.
func (s *Books) EntriesBetween(t *room.Tx, account string, from, to time.Time, fn func(*ledger.Entry)) (err error) {
	last := s.LastSeq(t, account)
	begin := from.Add(-mostLate)
	seq := 1 + sort.Search(int(last), func(i int) bool {
		var e struct{ Time time.Time }
		if _, bad := t.Read(bucket.Ledger, numberKey(account, uint64(i)+1), &e); bad != nil {
			err = bad
		}
		return !e.Time.Before(begin)
	})
	for ; err == nil && seq <= int(last); seq++ {
		var e ledger.Entry
		if _, err = t.Read(bucket.Ledger, numberKey(account, uint64(seq)), &e); err == nil && e.Time.After(to.Add(mostLate)) {
			break
		}
		fn(&e)
	}
	return err
}

// Entry of a ledger by its number.
func (s *Books) Entry(t *room.Tx, account string, seq uint64) (*ledger.Entry, error) {
	e := &ledger.Entry{}
	if ok, err := t.Read(bucket.Ledger, numberKey(account, seq), e); err != nil || !ok {
		return nil, cmp.Or(err, fmt.Errorf("entry %d of account %q: %w", seq, account, room.ErrNotFound))
	}
	e.Recall()
	return e, nil
}
