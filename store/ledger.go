package store

import (
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// Ledger calls fn for the entries of an account, oldest first, outside of any
// transaction. It outlives the account.
func (s *Store) Ledger(account string, fn func(*ledger.Entry) error) error {
	return s.LedgerAfter(account, 0, fn)
}

// LedgerAfter is Ledger from behind the entry with that number.
func (s *Store) LedgerAfter(account string, seq uint64, fn func(*ledger.Entry) error) error {
	return room.Walk(s.db, bucket.Ledger, ledgerPrefix(account), numberKey(account, seq+1), func(_ []byte, e *ledger.Entry) error { e.Recall(); return fn(e) })
}

// lastSeq is where the ledger of a name ends, which may be that of an account
// which was removed.
func (t *tx) lastSeq(name string) (seq uint64) {
	t.newest(name, func(k, _ []byte) (more bool) { seq = room.LastNumber(k); return false })
	return seq
}

// newest calls fn for the entries of a ledger as they are stored, the last one first,
// for as long as it wants more.
func (t *tx) newest(name string, fn func(k, raw []byte) (more bool)) {
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
