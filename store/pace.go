package store

import "bytes"

// PaceEntry is something that the mailer remembers of how fast mail may go: of a site, or
// of an account at a provider. Bucket "paces"; key and value are the mailer's own.
type PaceEntry struct {
	Key   string
	Value []byte // nil: it is forgotten

	// Change makes the value of the stored one, in the transaction; nil: Value is it. It may
	// run more than once, and must not call the store.
	Change func(old []byte) []byte
}

// KeepPace stores entries in one transaction.
func (s *Store) KeepPace(list []PaceEntry) error {
	return s.update(len(list)*256, func(t *tx) error { return t.keepPace(list) })
}

func (t *tx) keepPace(list []PaceEntry) error {
	for _, e := range list {
		var err error
		if e.Change != nil {
			e.Value = e.Change(bytes.Clone(t.b.Get(paces, []byte(e.Key))))
		}
		if e.Value == nil {
			err = t.b.Delete(paces, []byte(e.Key))
		} else {
			err = t.b.Put(paces, []byte(e.Key), e.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// PaceEntries are all that are stored: what is slower than usual, and little else.
func (s *Store) PaceEntries() (list []PaceEntry, err error) {
	err = s.view(func(t *tx) error {
		c := t.b.Cursor(paces)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			list = append(list, PaceEntry{Key: string(k), Value: bytes.Clone(raw)})
		}
		return nil
	})
	return list, err
}
