package store

import "relay/store/bucket"

// Totals are the sums over the spool. Bucket "meta", key "totals", JSON.
type Totals struct {
	Messages   int64 `json:"messages"`
	Recipients int64 `json:"recipients"` // not final ones
	Bytes      int64 `json:"bytes"`      // of bodies
}

func (t *tx) totals() *Totals {
	sc := t.scratch()
	if sc.totals == nil {
		sum := &Totals{}
		if _, err := t.Read(bucket.Meta, keyTotals, sum); err != nil {
			t.Fail(err)
			return sum
		}
		sc.totals = sum
	}
	return sc.totals
}

// Totals of the spool, at the same cost whatever its size.
func (s *Store) Totals() (sum Totals, err error) {
	err = s.view(func(t *tx) error { _, err := t.Read(bucket.Meta, keyTotals, &sum); return err })
	return sum, err
}
