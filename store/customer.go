package store

import (
	"errors"
	"fmt"
	"time"

	"relay/quota"
)

// Customer owns accounts (M22). Bucket "customers", key Name, JSON.
type Customer struct {
	Name    string    `json:"customer"` // quota.ValidName
	Address []string  `json:"address"`  // lines of the buyer on invoices
	Contact string    `json:"contact,omitempty"`
	Country string    `json:"country,omitempty"` // ISO 3166-1; "": not known
	Created time.Time `json:"created"`

	Reseller string `json:"reseller,omitempty"` // who manages the accounts that are added for it; "": nobody
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

// UpdateCustomer changes a customer in one transaction. fn may run more than once, and
// must not call the store.
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

// Customers calls fn for each customer whose name is beyond after, by name, outside of
// any transaction.
func (s *Store) Customers(after string, fn func(Customer) error) error {
	return walk(s, customers, nil, beyond(after), func(_ []byte, c *Customer) error { return fn(*c) })
}

// RemoveCustomer deletes a customer without accounts; with any it fails with ErrInUse.
func (s *Store) RemoveCustomer(name string) error { return s.removeOwner(ownAccounts, customers, name) }

// CountOwned is how many accounts a customer has, without reading them.
func (s *Store) CountOwned(customer string) (int, error) { return s.countOwned(ownAccounts, customer) }

// inherit gives a new account the reseller of its customer, unless it has one.
func (t *tx) inherit(a *Account) error {
	if a.Owner == "" || a.Reseller != "" {
		return nil
	}
	c, err := load[Customer](t, customers, a.Owner)
	a.Reseller = c.Reseller
	return err
}

// managed checks that the reseller of a customer is there.
func (t *tx) managed(c *Customer) error {
	if c.Reseller == "" {
		return nil
	}
	_, err := load[Reseller](t, resellers, c.Reseller)
	return err
}
