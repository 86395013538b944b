package store

// stepwise is a removal of many records that holds up no other writer.
type stepwise struct {
	// find returns the keys of what is to go among walkStep records from a key on, and where
	// the next ones begin.
	find func(t *tx, from []byte) (keys [][]byte, next []byte, more bool, err error)
	// remove takes one away, unless it is gone or was renewed since it was found.
	remove func(t *tx, key []byte) (bool, error)
}

// run finds and removes, a step in a transaction each, until there are no more records or the
// store stops.
func (w stepwise) run(s *Store, from []byte) (removed int, err error) {
	for more := true; more; {
		select {
		case <-s.closed:
			return removed, nil
		default:
		}
		var keys [][]byte
		err := s.view(func(t *tx) (err error) {
			keys, from, more, err = w.find(t, from)
			return err
		})
		if err != nil {
			return removed, err
		}
		n, err := w.step(s, keys)
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// step removes what was found.
func (w stepwise) step(s *Store, keys [][]byte) (removed int, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	err = s.update(0, func(t *tx) error {
		removed = 0
		for _, k := range keys {
			gone, err := w.remove(t, k)
			if err != nil {
				return err
			}
			if gone {
				removed++
			}
		}
		return nil
	})
	return removed, err
}
