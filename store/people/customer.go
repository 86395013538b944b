package people

import (
	"errors"
	"fmt"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/room"
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
func (p *People) AddCustomer(c Customer) error {
	if !quota.ValidName(c.Name) {
		return fmt.Errorf("customer %q: up to 64 of a-z 0-9 . _ @ + -", c.Name)
	}
	return p.db.Update(0, func(t room.Tx) error {
		if err := managed(&t, &c); err != nil {
			return err
		}
		return room.Add(&t, bucket.Customers, c.Name, c)
	})
}

// Customer by name.
func (p *People) Customer(name string) (c Customer, err error) {
	err = p.db.View(func(t room.Tx) error { c, err = CustomerIn(&t, name); return err })
	return c, err
}

// UpdateCustomer changes a customer in one transaction. fn may run more than once, and
// must not call the store.
func (p *People) UpdateCustomer(name string, fn func(*Customer) error) (c Customer, err error) {
	err = p.db.Update(0, func(t room.Tx) error {
		if c, err = CustomerIn(&t, name); err != nil {
			return err
		}
		if err := fn(&c); err != nil {
			return err
		}
		if c.Name != name {
			return errors.New("a customer keeps its name")
		}
		if err := managed(&t, &c); err != nil {
			return err
		}
		return t.Write(bucket.Customers, []byte(name), c)
	})
	return c, err
}

// Customers calls fn for each customer whose name is beyond after, by name, outside of
// any transaction.
func (p *People) Customers(after string, fn func(Customer) error) error {
	return room.Walk(p.db, bucket.Customers, nil, room.Beyond(after), func(_ []byte, c *Customer) error { return fn(*c) })
}

// RemoveCustomer deletes a customer without accounts; with any it fails with ErrInUse.
func (p *People) RemoveCustomer(name string) error {
	return p.removeOwner(OwnAccounts, bucket.Customers, name)
}

// CountOwned is how many accounts a customer has, without reading them.
func (p *People) CountOwned(customer string) (int, error) { return p.countOwned(OwnAccounts, customer) }

// CustomerIn is Customer within a transaction.
func CustomerIn(t *room.Tx, name string) (Customer, error) {
	return room.Load[Customer](t, bucket.Customers, name)
}

// managed checks that the reseller of a customer is there.
func managed(t *room.Tx, c *Customer) error {
	_, err := ResellerIn(t, c.Reseller)
	return err
}
