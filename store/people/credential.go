package people

import (
	"fmt"
	"time"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/room"
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
	Hold    *LoginHold     `json:"hold,omitempty"` // it may not send; nil: it may
}

// AddCredential stores a further credential of an account that the order reaches.
func (p *People) AddCredential(o behalf.Order, c Credential) error {
	return p.db.Update(0, func(t room.Tx) error {
		if err := ValidLogin(c.Login); err != nil {
			return err
		}
		if err := o.Reaches(&t, c.Account); err != nil {
			return err
		}
		return OwnLogins.Add(&t, c.Account, c.Login, c)
	})
}

// Credential by login, as a mail program writes it: case does not matter.
func (p *People) Credential(login string) (c Credential, err error) {
	err = p.db.View(func(t room.Tx) error {
		is, err := p.CredentialIn(&t, FoldLogin(login))
		if err == nil {
			c = *is
		}
		return err
	})
	return c, err
}

// CredentialIn is the credential of a folded login within a transaction. It must not be changed.
func (p *People) CredentialIn(t *room.Tx, login string) (*Credential, error) {
	return p.logins.Load(t, bucket.Credentials, login)
}

// PutCredential stores a changed credential.
func PutCredential(t *room.Tx, c *Credential) error {
	return t.Write(bucket.Credentials, []byte(c.Login), c)
}

// Credentials of an account, by login.
func (p *People) Credentials(account string) (list []Credential, err error) {
	err = p.db.View(func(t room.Tx) error { list, err = room.AllOwned[Credential](&t, OwnLogins, account); return err })
	return list, err
}

// EachCredential calls fn for the credentials of an account whose logins are beyond after,
// by login, outside of any transaction.
func (p *People) EachCredential(account, after string, fn func(*Credential) error) error {
	return room.WalkOwned(p.db, OwnLogins, account, after, fn)
}

// RemoveCredential revokes a login of an account that the order reaches; one of another account
// is not found.
func (p *People) RemoveCredential(o behalf.Order, account, login string) error {
	return p.db.Update(0, func(t room.Tx) error {
		if err := o.Reaches(&t, account); err != nil {
			return err
		}
		if t.Get(bucket.LoginsOf, room.Pair(account, login)) == nil { // nothing of another account's is read
			return fmt.Errorf("credentials %q: %w", login, room.ErrNotFound)
		}
		return removeLogin(&t, account, login)
	})
}
