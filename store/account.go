package store

import (
	"errors"
	"fmt"
	"time"

	"relay/quota"
)

// AccountState says whether an account may send. Only Active may.
type AccountState string

const (
	Pending   AccountState = "pending"   // waits for its first payment
	Active    AccountState = "active"    // sends, until its term ends
	Suspended AccountState = "suspended" // stopped by the operator or by a rule, see Reason
	Closed    AccountState = "closed"    // ended for good
)

// AtLimit is what happens when the allowance is used (M14).
type AtLimit string

const (
	Suspend  AtLimit = "suspend"  // mail that does not fit is refused
	Continue AtLimit = "continue" // it is taken and counted as overage
)

// Account is a customer's contract. Bucket "accounts", key Name, JSON.
type Account struct {
	Name      string       `json:"account"` // quota.ValidName
	Terms     quota.Plan   `json:"terms"`   // the plan as it was bought
	Contact   string       `json:"contact,omitempty"`
	AtLimit   AtLimit      `json:"at_limit"`
	State     AccountState `json:"state"`
	Reason    string       `json:"reason,omitempty"`  // why it is suspended, told to the customer
	Senders   []string     `json:"senders,omitempty"` // addresses or @domains it may send from; empty: any (M4)
	Created   time.Time    `json:"created"`
	Activated time.Time    `json:"activated,omitzero"` // start of the term; zero: not yet
}

// QuotaTerms are the account's terms as quota counts with them, in the operator's zone.
func (a *Account) QuotaTerms(zone *time.Location) quota.Terms {
	return quota.Terms{Plan: a.Terms, Activated: a.Activated, Zone: zone}
}

// MayContinue reports whether the account goes on over its allowance: only
// yearly bandwidth plans leave that choice (M14).
func (a *Account) MayContinue() bool {
	return a.AtLimit == Continue && ContinueAllowed(a.Terms)
}

// ContinueAllowed reports whether a plan leaves the choice to continue over its
// allowance (M14).
func ContinueAllowed(p quota.Plan) bool { return p.Term == quota.Year && p.Bandwidth > 0 }

// AddAccount stores a new account and, unless c is nil, its first credential.
func (s *Store) AddAccount(a Account, c *Credential) error {
	if !quota.ValidName(a.Name) {
		return fmt.Errorf("account %q: up to 64 of a-z 0-9 . _ @ + -, starting with a letter or digit", a.Name)
	}
	return s.update(0, func(t *tx) error {
		if c != nil && t.b.Get(credentials, []byte(c.Login)) != nil {
			return fmt.Errorf("login %q: %w", c.Login, ErrExists)
		}
		if err := add(t, accounts, a.Name, a); err != nil {
			return err
		}
		if c != nil {
			return add(t, credentials, c.Login, c)
		}
		return nil
	})
}

// Account by name.
func (s *Store) Account(name string) (a Account, err error) {
	err = s.view(func(t *tx) error { a, err = load[Account](t, accounts, name); return err })
	return a, err
}

// UpdateAccount changes an account in one transaction. fn may run more than once.
func (s *Store) UpdateAccount(name string, fn func(*Account) error) (a Account, err error) {
	err = s.update(0, func(t *tx) error {
		if a, err = load[Account](t, accounts, name); err != nil {
			return err
		}
		if err := fn(&a); err != nil {
			return err
		}
		if a.Name != name {
			return errors.New("an account keeps its name")
		}
		return t.put(accounts, []byte(name), a)
	})
	return a, err
}

// Accounts calls fn for each account by name, outside of any transaction.
func (s *Store) Accounts(fn func(Account) error) error {
	return walk(s, accounts, nil, func(_ []byte, a *Account) error { return fn(*a) })
}

// RemoveAccount deletes an account with its credentials and networks. Its usage
// stays. It fails with ErrBusy while mail of it is in the queue.
func (s *Store) RemoveAccount(name string) error {
	err := s.update(0, func(t *tx) error {
		if _, err := load[Account](t, accounts, name); err != nil {
			return err
		}
		queued, err := t.queued(name)
		if err != nil {
			return err
		}
		if queued > 0 {
			return fmt.Errorf("account %q: %w", name, ErrBusy)
		}
		return t.deleteAccount(name)
	})
	if err != nil {
		return err
	}
	return s.loadNetworks()
}

func (t *tx) deleteAccount(name string) error {
	cs, err := t.credentialsOf(name)
	if err != nil {
		return err
	}
	ns, err := all[Network](t, networks, nil)
	if err != nil {
		return err
	}
	for _, c := range cs {
		if err := t.b.Delete(credentials, []byte(c.Login)); err != nil {
			return err
		}
	}
	for _, n := range ns {
		if n.Account == name {
			if err := t.b.Delete(networks, []byte(n.Prefix.String())); err != nil {
				return err
			}
		}
	}
	return t.b.Delete(accounts, []byte(name))
}

// account is load for the hot path: a record that has not changed since it was
// last decoded, which its octets tell, is not decoded again.
func (t *tx) account(name string) (*Account, error) {
	return t.s.accounts.load(t, accounts, name)
}
