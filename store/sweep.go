package store

import "relay/store/bolt"

// A body of more than so many chunks is removed in the background, under a
// mark in "orphans": one transaction for all of it would hold everybody up.
const sweepAt = 128

// deleteBody removes the chunks of a message that is gone.
func (t *tx) deleteBody(id ID, size int64) (later bool, err error) {
	n := chunkCount(size)
	if n > sweepAt {
		return true, t.b.Put(orphans, id[:], []byte{})
	}
	for i := range n {
		if err := t.b.Delete(bodies, chunkKey(id, i)); err != nil {
			return false, err
		}
	}
	return false, nil
}

// sweepLater removes the body of a mark in "orphans" without anybody waiting.
func (s *Store) sweepLater(id ID) {
	s.sweep.Go(func() {
		for more := true; more; {
			select {
			case <-s.closed:
				return // the next Open goes on
			default:
			}
			err := s.update(0, func(t *tx) (err error) { more, err = t.sweepSome(id); return err })
			if err != nil {
				s.logNotSwept(id, err)
				return
			}
		}
	})
}

// sweepSome removes up to sweepAt chunks, and the mark with the last of them.
func (t *tx) sweepSome(id ID) (more bool, err error) {
	var keys [][]byte
	c := t.b.Cursor(bodies)
	for k, _ := c.Seek(id[:]); k != nil && hasPrefix(k, id[:]); k, _ = c.Next() {
		if len(keys) == sweepAt {
			more = true
			break
		}
		keys = append(keys, append([]byte(nil), k...))
	}
	for _, k := range keys {
		if err := t.b.Delete(bodies, k); err != nil {
			return false, err
		}
	}
	if !more {
		err = t.b.Delete(orphans, id[:])
	}
	return more, err
}

// sweepOrphans removes what an earlier run staged and did not accept, or did
// not get round to removing.
func (s *Store) sweepOrphans() error {
	var ids []ID
	err := s.db.View(func(b *bolt.Tx) error {
		c := b.Cursor(orphans)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			ids = append(ids, ID(k))
		}
		return nil
	})
	for _, id := range ids {
		s.sweepLater(id)
	}
	return err
}
