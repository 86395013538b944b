package books

import (
	"slices"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
)

// Wanted says which accounts a walk is for. The zero value is all of them.
type Wanted struct {
	Owner    string              // only those of this customer; "": any
	Reseller string              // only those below this reseller; "": any
	Match    func(*Account) bool // only those; it must not call the store. nil: any
	Prefix   string              // only those whose names begin with it; "": any
	After    string              // only those whose names are beyond it, as a page before ended; "": all
	Pause    func() error        // called between transactions, however few accounts match; an error ends the walk. nil: none
}

// EachAccount calls fn for the accounts that are wanted, by name, outside of any
// transaction. Those that come or go meanwhile may be missed.
func (s *Books) EachAccount(w Wanted, fn func(*Account) error) error {
	read := func(_ *room.Tx, a *Account) (*Account, bool, error) { return a, true, nil }
	return Walk(s, w, read, fn)
}

// Walk reads at most Step accounts a transaction, with what read adds
// to each, and hands them over outside of it. Of a customer or below a reseller it
// reads the index of these only.
func Walk[T any](s *Books, w Wanted, read func(*room.Tx, *Account) (T, bool, error), fn func(T) error) error {
	index, prefix := engine.Bucket(bucket.Accounts), []byte(nil)
	switch {
	case w.Owner != "":
		index, prefix = bucket.AccountsOf, room.Pair(w.Owner, "")
	case w.Reseller != "":
		index, prefix = bucket.Below, room.Pair(w.Reseller, "")
	}
	from := append(slices.Clone(prefix), max(w.Prefix, string(room.Beyond(w.After)))...)
	within := append(slices.Clone(prefix), w.Prefix...)
	for n := 1; from != nil || n == 1; n++ {
		if n%room.TrimSteps == 0 {
			s.db.Engine().Trim()
		}
		var list []T
		err := s.view(func(t *room.Tx) (err error) {
			c := t.Cursor(index)
			k, raw := c.Seek(from)
			for i := 0; k != nil && room.HasPrefix(k, within) && i < room.Step; i++ {
				if list, err = appendWanted(t, w, list, k[len(prefix):], raw, read); err != nil {
					return err
				}
				from = append(append(from[:0:0], k...), 0)
				k, raw = c.Next()
			}
			if k == nil || !room.HasPrefix(k, within) {
				from = nil
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, v := range list {
			if err := fn(v); err != nil {
				return err
			}
		}
		if w.Pause != nil {
			if err := w.Pause(); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendWanted decodes the account of that name, whose record raw is if it came
// with its key, and appends what read makes of it.
func appendWanted[T any](t *room.Tx, w Wanted, list []T, name, raw []byte, read func(*room.Tx, *Account) (T, bool, error)) ([]T, error) {
	if w.Owner != "" || w.Reseller != "" {
		raw = t.Get(bucket.Accounts, name)
	}
	a := &Account{}
	if err := room.Decode(bucket.Accounts, name, raw, a); err != nil {
		return list, err
	}
	if (w.Reseller != "" && a.Reseller != w.Reseller) || (w.Match != nil && !w.Match(a)) {
		return list, nil
	}
	v, ok, err := read(t, a)
	if err == nil && ok {
		list = append(list, v)
	}
	return list, err
}
