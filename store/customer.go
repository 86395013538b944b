package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"relay/quota"
	"relay/store/bolt"
)

// Customer owns accounts (M22). Bucket "customers", key Name, JSON.
type Customer struct {
	Name    string    `json:"customer"` // quota.ValidName
	Address []string  `json:"address"`  // lines of the buyer on invoices
	Contact string    `json:"contact,omitempty"`
	Created time.Time `json:"created"`

	Reseller string `json:"reseller,omitempty"` // who manages the accounts that are added for it; "": nobody
}

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

// AddCustomer stores a new customer.
func (s *Store) AddCustomer(c Customer) error {
	if !quota.ValidName(c.Name) {
		return fmt.Errorf("customer %q: up to 64 of a-z 0-9 . _ @ + -", c.Name)
	}
	return s.update(0, func(t *tx) error {
		if err := t.managed(&c); err != nil {
			return err
		}
		return add(t, customers, c.Name, c)
	})
}

// Customer by name.
func (s *Store) Customer(name string) (c Customer, err error) {
	err = s.view(func(t *tx) error { c, err = load[Customer](t, customers, name); return err })
	return c, err
}

// UpdateCustomer changes a customer in one transaction. fn may run more than once.
func (s *Store) UpdateCustomer(name string, fn func(*Customer) error) (c Customer, err error) {
	err = s.update(0, func(t *tx) error {
		if c, err = load[Customer](t, customers, name); err != nil {
			return err
		}
		if err := fn(&c); err != nil {
			return err
		}
		if c.Name != name {
			return errors.New("a customer keeps its name")
		}
		if err := t.managed(&c); err != nil {
			return err
		}
		return t.put(customers, []byte(name), c)
	})
	return c, err
}

// Customers calls fn for each customer by name, outside of any transaction.
func (s *Store) Customers(fn func(Customer) error) error {
	return walk(s, customers, nil, func(_ []byte, c *Customer) error { return fn(*c) })
}

// RemoveCustomer deletes a customer without accounts; with any it fails with ErrInUse.
func (s *Store) RemoveCustomer(name string) error { return s.removeOwner(ownAccounts, customers, name) }

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

// ResellerByToken is the reseller whose token it is; ErrNotFound if nobody's.
func (s *Store) ResellerByToken(token string) (found Reseller, err error) {
	hash, ok := TokenHash(token), false
	err = s.Resellers(func(r Reseller) error {
		if strings.EqualFold(r.Hash, hash) {
			found, ok = r, true
		}
		return nil
	})
	if err == nil && !ok {
		err = fmt.Errorf("reseller: %w", ErrNotFound)
	}
	return found, err
}

// UpdateReseller changes a reseller in one transaction. fn may run more than once.
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

// Resellers calls fn for each reseller by name, outside of any transaction.
func (s *Store) Resellers(fn func(Reseller) error) error {
	return walk(s, resellers, nil, func(_ []byte, r *Reseller) error { return fn(*r) })
}

// RemoveReseller deletes a reseller without accounts and customers; with any it
// fails with ErrInUse.
func (s *Store) RemoveReseller(name string) error { return s.removeOwner(ownBelow, resellers, name) }

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

// AccountsOf a customer, by name.
func (s *Store) AccountsOf(customer string) (list []Account, err error) {
	err = s.view(func(t *tx) error { list, err = allOwned[Account](t, ownAccounts, customer); return err })
	return list, err
}

// AccountsBelow a reseller, by name.
func (s *Store) AccountsBelow(reseller string) (list []Account, err error) {
	err = s.view(func(t *tx) error { list, err = allOwned[Account](t, ownBelow, reseller); return err })
	return list, err
}
