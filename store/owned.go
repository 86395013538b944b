package store

import (
	"fmt"
	"strings"

	"relay/store/bolt"
)

// owned is a bucket whose records belong to somebody, and its index: key owner
// NUL key of the record, no value. So what one owns is found without reading
// what all own.
type owned struct{ records, index bolt.Bucket }

var (
	ownLogins   = owned{credentials, loginsOf}
	ownNetworks = owned{networks, networksOf}
	ownAccounts = owned{accounts, accountsOf} // of a customer
	ownBelow    = owned{accounts, below}      // of a reseller
)

// owned are the keys of the records that owner has, in order.
func (t *tx) owned(o owned, owner string) (keys []string) {
	prefix := pairKey(owner, "")
	c := t.b.Cursor(o.index)
	for k, _ := c.Seek(prefix); k != nil && hasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, string(k[len(prefix):]))
	}
	return keys
}

// addOwned stores a new record and whose it is.
func addOwned(t *tx, o owned, owner, key string, v any) error {
	if err := add(t, o.records, key, v); err != nil {
		return err
	}
	return t.b.Put(o.index, pairKey(owner, key), []byte{})
}

func (t *tx) removeOwned(o owned, owner, key string) error {
	if err := t.b.Delete(o.index, pairKey(owner, key)); err != nil {
		return err
	}
	if o == ownLogins {
		if err := t.b.Delete(places, []byte(key)); err != nil {
			return err
		}
	}
	return t.b.Delete(o.records, []byte(key))
}

// moveOwned brings an index after a change of owner; "" is nobody.
func (t *tx) moveOwned(o owned, was, is, key string) error {
	if was == is {
		return nil
	}
	if was != "" {
		if err := t.b.Delete(o.index, pairKey(was, key)); err != nil {
			return err
		}
	}
	if is == "" {
		return nil
	}
	return t.b.Put(o.index, pairKey(is, key), []byte{})
}

// allOwned decodes the records that owner has.
func allOwned[T any](t *tx, o owned, owner string) (list []T, err error) {
	for _, key := range t.owned(o, owner) {
		v, err := load[T](t, o.records, key)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (s *Store) countOwned(o owned, owner string) (n int, err error) {
	err = s.view(func(t *tx) error { n = len(t.owned(o, owner)); return nil })
	return n, err
}

func (s *Store) removeOwner(o owned, b bolt.Bucket, name string) error {
	return s.update(0, func(t *tx) error {
		if b == resellers {
			if err := t.manages(name); err != nil {
				return err
			}
		}
		if t.b.Get(b, []byte(name)) == nil {
			return fmt.Errorf("%s %q: %w", bucketNames[b], name, ErrNotFound)
		}
		if own := t.owned(o, name); len(own) > 0 {
			return fmt.Errorf("%s %q %w: accounts %d", strings.TrimSuffix(bucketNames[b], "s"), name, ErrInUse, len(own))
		}
		return t.b.Delete(b, []byte(name))
	})
}
