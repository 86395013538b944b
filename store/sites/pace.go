package sites

import (
	"bytes"

	"relay/store/bucket"
	"relay/store/room"
)

// PaceEntry is what the mailer remembers of how fast mail may go to a site, or of an account
// at a provider. Bucket "paces"; the mailer makes key and value.
type PaceEntry struct {
	Key   string
	Value []byte // nil: the entry is removed

	// Change makes the new value from the stored one, within the transaction; nil: Value is
	// stored. It may run more than once, and must not call the store.
	Change func(old []byte) []byte
}

// KeepPace stores entries in one transaction.
func (s *Sites) KeepPace(list []PaceEntry) error {
	return s.db.Update(len(list)*256, func(t room.Tx) error { return s.PutPace(&t, list) })
}

// PutPace stores entries within a transaction.
func (s *Sites) PutPace(t *room.Tx, list []PaceEntry) error {
	for _, e := range list {
		var err error
		if e.Change != nil {
			e.Value = e.Change(bytes.Clone(t.Get(bucket.Paces, []byte(e.Key))))
		}
		if e.Value == nil {
			err = t.Delete(bucket.Paces, []byte(e.Key))
		} else {
			err = t.Put(bucket.Paces, []byte(e.Key), e.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// PaceEntries returns all entries. There are few: the mailer stores what is slower than usual.
func (s *Sites) PaceEntries() (list []PaceEntry, err error) {
	err = s.db.View(func(t room.Tx) error {
		c := t.Cursor(bucket.Paces)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			list = append(list, PaceEntry{Key: string(k), Value: bytes.Clone(raw)})
		}
		return nil
	})
	return list, err
}
