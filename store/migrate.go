package store

import (
	"fmt"
	"strings"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/spool"
	"relay/store/spooled"
)

// migrations bring a file from schema i to i+1. Append only.
var migrations = []func(*tx) error{
	func(t *tx) error { // 0: a new file
		for _, p := range quota.Builtin() {
			if err := t.Write(bucket.Plans, []byte(p.Name), p); err != nil {
				return err
			}
		}
		return spool.Begin(&t.Tx)
	},
	func(t *tx) error { return t.s.Orders.ToContracts(&t.Tx) }, // 1: accounts with one term and no ledger
	func(*tx) error { return nil },                             // 2: no claims; a relay that knows none would leave entries behind what it settles
	countStored,                                                // 3: usage that did not say how much of it is in the spool
	func(t *tx) error { return t.s.Books.KeepResold(&t.Tx) },   // 4: plans that did not say whether they are for resellers
	func(t *tx) error { return t.s.Books.KeepUncapped(&t.Tx) }, // 5: no ceiling of overage, and years that end with a month
	func(t *tx) error { return t.s.Books.ExpireOrders(&t.Tx) }, // 6: orders that wait for ever
	func(*tx) error { return nil },                             // 7: claims that do not say when they are due next
	func(*tx) error { return nil },                             // 8: entries that have a text in place of their Facts, which an older relay would miss
	func(*tx) error { return nil },                             // 9: no domains, which an older relay would leave behind an account that it removes
	beginSplit,                                                 // 10: one record an account and period, which splitUsage makes two
}

var (
	keySchema   = []byte("schema")
	keyWaiting  = []byte("waiting")  // it is there once Usage.Waiting was counted
	keyStorable = []byte("storable") // when Storable wrote last
	keyClock    = []byte("clock")
	keySplit    = []byte("split") // where splitUsage goes on; gone once that has ended
)

// migrate brings the file to the schema of this relay. It refuses one that is newer with ErrNewer.
func (s *Store) migrate(readOnly bool) error {
	schema, split := 0, false
	err := s.view(func(t *tx) error {
		split = t.Get(bucket.Meta, keySplit) != nil
		_, err := t.Read(bucket.Meta, keySchema, &schema)
		return err
	})
	if err != nil {
		return err
	}
	if schema > len(migrations) {
		return fmt.Errorf("%w: schema %d, this relay knows %d", ErrNewer, schema, len(migrations))
	}
	if schema == len(migrations) && !split {
		return nil
	}
	if readOnly {
		return fmt.Errorf("%w: schema %d", ErrOlder, schema)
	}
	if schema > 0 { // it is not new
		s.log.Info("the store is being upgraded, a large one takes some seconds", "component", "store", "schema", schema, "to", len(migrations))
	}
	err = s.update(0, func(t *tx) error {
		for _, step := range migrations[schema:] {
			if err := step(t); err != nil {
				return err
			}
		}
		return t.Write(bucket.Meta, keySchema, len(migrations))
	})
	if err != nil {
		return err
	}
	return s.splitUsage(splitStep)
}

// countStored adds up what each usage has in the spool.
func countStored(t *tx) error {
	stored := map[string]int64{} // by key
	c := t.Cursor(bucket.Messages)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		m := &spooled.Message{}
		if err := room.Decode(bucket.Messages, k, raw, m); err != nil {
			return err
		}
		if m.Period != "" {
			stored[string(room.Pair(m.Account, m.Period))] += m.Stored
		}
	}
	for key, n := range stored {
		u := usage10{}
		if _, err := t.Read(bucket.Usage, []byte(key), &u); err != nil {
			return err
		}
		u.Account, u.Period, _ = strings.Cut(key, "\x00")
		u.Stored += n
		if err := t.Write(bucket.Usage, []byte(key), &u); err != nil {
			return err
		}
	}
	return nil
}

// countWaiting counts the messages that each usage has in the spool of a store that an earlier
// relay has written, once.
func (s *Store) countWaiting(readOnly bool) error {
	counted := false
	err := s.view(func(t *tx) error { counted = t.Get(bucket.Meta, keyWaiting) != nil; return nil })
	if err != nil || counted || readOnly {
		return err
	}
	return s.update(0, func(t *tx) error {
		c := t.Cursor(bucket.Messages)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			var m struct {
				Account string `json:"account"`
				Period  string `json:"period"`
			}
			if err := room.Decode(bucket.Messages, k, raw, &m); err != nil {
				return err
			}
			t.s.Outcomes.Enter(&t.Tx, outcomes.Mail{Account: m.Account, Period: m.Period}, 0)
		}
		return t.Put(bucket.Meta, keyWaiting, []byte{1})
	})
}
