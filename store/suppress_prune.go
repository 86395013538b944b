package store

import (
	"fmt"
	"slices"
	"time"

	"relay/store/bolt"
)

// PruneSuppressions removes what ended before then: suppressions, and strikes that count no
// more. It works in small transactions and stops with the store.
func (s *Store) PruneSuppressions(before time.Time) (removed int, err error) {
	lists := []passing{
		{suppressed, func(raw []byte) (bool, error) {
			var is Suppression
			err := decode("suppressions", nil, raw, &is)
			return !is.inForce(before), err
		}},
		{strikesOf, func(raw []byte) (bool, error) {
			var is strikes
			err := decode("strikes", nil, raw, &is)
			return before.Sub(is.Last) > strikesKept, err
		}},
	}
	for _, l := range lists {
		n, err := s.prune(l)
		if removed += n; err != nil {
			return removed, fmt.Errorf("prune %s: %w", bucketNames[l.in], err)
		}
	}
	return removed, nil
}

// passing is a bucket whose records end, and says of one, by its value, whether it has.
type passing struct {
	in    bolt.Bucket
	ended func(raw []byte) (bool, error)
}

// prune walks a bucket and removes what has ended. It looks at each record again before: it
// may have been renewed.
func (s *Store) prune(l passing) (removed int, err error) {
	return stepwise{
		find: func(t *tx, from []byte) ([][]byte, []byte, bool, error) { return t.ended(l, from) },
		remove: func(t *tx, k []byte) (bool, error) {
			raw := t.b.Get(l.in, k)
			if raw == nil {
				return false, nil
			}
			gone, err := l.ended(raw)
			if err != nil || !gone {
				return false, err
			}
			return true, t.b.Delete(l.in, k)
		},
	}.run(s, nil)
}

// ended are the keys of what has ended among some records, and where the next ones begin.
func (t *tx) ended(l passing, from []byte) (keys [][]byte, next []byte, more bool, err error) {
	c := t.b.Cursor(l.in)
	n := 0
	for k, raw := c.Seek(from); k != nil; k, raw = c.Next() {
		if n++; n > walkStep {
			return keys, slices.Clone(k), true, nil
		}
		gone, err := l.ended(raw)
		if err != nil {
			return nil, nil, false, err
		}
		if gone {
			keys = append(keys, slices.Clone(k))
		}
	}
	return keys, nil, false, nil
}
