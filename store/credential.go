package store

import (
	"fmt"
	"time"
)

// CredentialKind says how a credential's secret is kept.
type CredentialKind string

const (
	Token    CredentialKind = "token"    // generated, 128 bits or more: Hash is its SHA-256, hexadecimal
	Password CredentialKind = "password" // chosen by a person: Hash is argon2id in PHC form
)

// Credential lets a mail program log in. Bucket "credentials", key Login, JSON.
// An account may have several; revoking one deletes it.
type Credential struct {
	Login   string         `json:"login"` // unique among all accounts, as FoldLogin has it; the first one is the account's name
	Account string         `json:"account"`
	Kind    CredentialKind `json:"kind"`
	Hash    string         `json:"hash"`
	Note    string         `json:"note,omitempty"`
	Created time.Time      `json:"created"`
}

// AddCredential stores a further credential of an account that the one who orders manages.
func (s *Store) AddCredential(o Order, c Credential) error {
	return s.update(0, func(t *tx) error {
		if err := validLogin(c.Login); err != nil {
			return err
		}
		a, err := load[Account](t, accounts, c.Account)
		if err == nil {
			err = o.reaches(&a)
		}
		if err != nil {
			return err
		}
		return addOwned(t, ownLogins, c.Account, c.Login, c)
	})
}

// Credential by login, as a mail program writes it: case does not matter.
func (s *Store) Credential(login string) (c Credential, err error) {
	err = s.view(func(t *tx) error {
		p, err := s.logins.load(t, credentials, FoldLogin(login))
		if err == nil {
			c = *p
		}
		return err
	})
	return c, err
}

// Credentials of an account, by login.
func (s *Store) Credentials(account string) (list []Credential, err error) {
	err = s.view(func(t *tx) error { list, err = allOwned[Credential](t, ownLogins, account); return err })
	return list, err
}

// EachCredential calls fn for the credentials of an account whose logins are beyond after,
// by login, outside of any transaction.
func (s *Store) EachCredential(account, after string, fn func(*Credential) error) error {
	return walkOwned(s, ownLogins, account, after, fn)
}

// RemoveCredential revokes a login of that account; of another one it is not found.
func (s *Store) RemoveCredential(o Order, account, login string) error {
	return s.update(0, func(t *tx) error {
		if o.Reseller != "" {
			a, err := load[Account](t, accounts, account)
			if err == nil {
				err = o.reaches(&a)
			}
			if err != nil {
				return err
			}
		}
		if t.b.Get(loginsOf, pairKey(account, login)) == nil { // nothing of another account's is read
			return fmt.Errorf("credentials %q: %w", login, ErrNotFound)
		}
		return t.removeOwned(ownLogins, account, login)
	})
}
