package store

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"relay/quota"
)

// Reseller manages accounts, and sees no others (M23). Bucket "resellers", key
// Name, JSON.
type Reseller struct {
	Name    string    `json:"reseller"` // quota.ValidName
	Hash    string    `json:"hash"`     // SHA-256 of the token, hexadecimal, see TokenHash
	Contact string    `json:"contact,omitempty"`
	Created time.Time `json:"created"`
}

// TokenHash is how a reseller's token is kept.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// AddReseller stores a new reseller.
func (s *Store) AddReseller(r Reseller) error {
	if !quota.ValidName(r.Name) {
		return fmt.Errorf("reseller %q: up to 64 of a-z 0-9 . _ @ + -", r.Name)
	}
	return s.update(0, func(t *tx) error { return add(t, resellers, r.Name, r) })
}

// Reseller by name.
func (s *Store) Reseller(name string) (r Reseller, err error) {
	err = s.view(func(t *tx) error { r, err = load[Reseller](t, resellers, name); return err })
	return r, err
}

// resellerOf an account; nil: the operator manages it.
func (t *tx) resellerOf(a *Account) (*Reseller, error) {
	if a.Reseller == "" {
		return nil, nil
	}
	r, err := load[Reseller](t, resellers, a.Reseller)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// ResellerByToken is the reseller whose token it is; ErrNotFound if nobody's.
func (s *Store) ResellerByToken(token string) (found Reseller, err error) {
	hash, ok := []byte(TokenHash(token)), false
	err = s.Resellers("", func(r Reseller) error {
		if subtle.ConstantTimeCompare([]byte(r.Hash), hash) == 1 {
			found, ok = r, true
		}
		return nil
	})
	if err == nil && !ok {
		err = fmt.Errorf("reseller: %w", ErrNotFound)
	}
	return found, err
}

// UpdateReseller changes a reseller in one transaction. fn may run more than once, and
// must not call the store.
func (s *Store) UpdateReseller(name string, fn func(*Reseller) error) (r Reseller, err error) {
	err = s.update(0, func(t *tx) error {
		if r, err = load[Reseller](t, resellers, name); err != nil {
			return err
		}
		if err := fn(&r); err != nil {
			return err
		}
		if r.Name != name {
			return errors.New("a reseller keeps its name")
		}
		return t.put(resellers, []byte(name), r)
	})
	return r, err
}

// Resellers calls fn for each reseller whose name is beyond after, by name, outside of
// any transaction.
func (s *Store) Resellers(after string, fn func(Reseller) error) error {
	return walk(s, resellers, nil, beyond(after), func(_ []byte, r *Reseller) error { return fn(*r) })
}

// RemoveReseller deletes a reseller without accounts and customers; with any it
// fails with ErrInUse.
func (s *Store) RemoveReseller(name string) error { return s.removeOwner(ownBelow, resellers, name) }

// Below reports whether the account is below the reseller. It takes the same time
// for one that is somebody else's and for one that is not there.
func (s *Store) Below(reseller, account string) (ok bool, err error) {
	if reseller == "" || !quota.ValidName(account) {
		return false, nil
	}
	err = s.view(func(t *tx) error {
		ok = t.b.Get(below, pairKey(reseller, account)) != nil
		return nil
	})
	return ok, err
}

// InvoiceBelow reports whether the invoice is of an account below the reseller. It
// looks at its own accounts only: the time it takes tells nothing of others.
func (s *Store) InvoiceBelow(reseller string, number uint64) (ok bool, err error) {
	err = s.view(func(t *tx) error {
		for _, account := range t.owned(ownBelow, reseller) {
			ok = ok || t.b.Get(billed, numberKey(account, number)) != nil
		}
		return nil
	})
	return ok, err
}

// manages fails for a reseller that has customers.
func (t *tx) manages(reseller string) error {
	list, err := all[Customer](t, customers, nil)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Reseller == reseller {
			return fmt.Errorf("reseller %q %w: customer %q", reseller, ErrInUse, c.Name)
		}
	}
	return nil
}

// CountBelow is how many accounts are below a reseller, without reading them.
func (s *Store) CountBelow(reseller string) (int, error) { return s.countOwned(ownBelow, reseller) }
