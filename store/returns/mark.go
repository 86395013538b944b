package returns

import (
	"encoding/binary"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/sent"
	"relay/store/spooled"
)

// What came back is counted once: a mark says that it was. Bucket "returns", key kind (1), ID
// of the message, and what (6): the hash of the recipient, of the other address that a report
// names, or of the domain that reports a complaint without a recipient. The value is when the
// e-mail was delivered (4). A message has no more marks of a kind than it had recipients, so
// that nobody can make up more by naming others.
//
// The mark is written in the transaction that counts, and removed when the e-mail has left
// the index of what was sent.

func returnPrefix(kind Kind, id spooled.ID) []byte { return append([]byte{kind[0]}, id[:]...) }

// returnedBefore reports whether a report is not to be counted.
func (t *tx) returnedBefore(kind Kind, h *hit) (bool, error) {
	prefix := returnPrefix(kind, h.entry.ID)
	if t.Get(bucket.ReturnsOf, append(slices.Clone(prefix), h.mark[:]...)) != nil {
		return true, nil
	}
	n := 0
	c := t.Cursor(bucket.ReturnsOf)
	for k, _ := c.Seek(prefix); room.HasPrefix(k, prefix) && n < h.of; k, _ = c.Next() {
		n++
	}
	return n >= h.of, nil
}

// markReturned notes that a report was counted.
func (t *tx) markReturned(kind Kind, h *hit) error {
	key := append(returnPrefix(kind, h.entry.ID), h.mark[:]...)
	return t.Put(bucket.ReturnsOf, key, binary.BigEndian.AppendUint32(nil, h.entry.At))
}

// Prune removes marks of e-mails that no report can be about any more, brings the index
// of what was sent on, and forgets the names in it that are old. It works in small
// transactions and stops with the store.
func (s *Returns) Prune(now time.Time) (removed int, err error) {
	s.Delivered.Wake()
	before := now.Add(-(sent.Kept + 1) * 24 * time.Hour)
	for _, kind := range []Kind{Bounce, Complaint} {
		n, err := s.pruneReturns(kind, before)
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, s.Delivered.PruneNames(now)
}

// pruneReturns removes the marks of a kind. What was delivered long after it was accepted is
// passed over until its time has come.
func (s *Returns) pruneReturns(kind Kind, before time.Time) (removed int, err error) {
	old := func(raw []byte) bool {
		return len(raw) == 4 && int64(binary.BigEndian.Uint32(raw)) < before.Unix()
	}
	end := returnPrefix(kind, spooled.FirstID(before))
	return room.Removal[*tx]{In: s.in,
		Find: func(t *tx, from []byte) (keys [][]byte, next []byte, more bool, err error) {
			c, n := t.Cursor(bucket.ReturnsOf), 0
			for k, raw := c.Seek(from); k != nil && slices.Compare(k, end) < 0; k, raw = c.Next() {
				if n++; n > room.Step {
					return keys, slices.Clone(k), true, nil
				}
				if old(raw) {
					keys = append(keys, slices.Clone(k))
				}
			}
			return keys, nil, false, nil
		},
		Remove: func(t *tx, k []byte) (bool, error) {
			if !old(t.Get(bucket.ReturnsOf, k)) {
				return false, nil
			}
			return true, t.Delete(bucket.ReturnsOf, k)
		},
	}.Run(s.db, []byte{kind[0]})
}

// Verify proves that each mark can be read.
func (s *Returns) Verify(each func(engine.Bucket, func(k, raw []byte)) error, fault func(string, ...any)) error {
	return each(bucket.ReturnsOf, func(k, raw []byte) {
		if len(k) != 1+16+6 || len(raw) != 4 || k[0] != Bounce[0] && k[0] != Complaint[0] {
			fault("mark %x of what came back cannot be read", k)
		}
	})
}
