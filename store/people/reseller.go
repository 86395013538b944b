package people

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/room"
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
func (p *People) AddReseller(r Reseller) error {
	if !quota.ValidName(r.Name) {
		return fmt.Errorf("reseller %q: up to 64 of a-z 0-9 . _ @ + -", r.Name)
	}
	return p.db.Update(0, func(t room.Tx) error { return room.Add(&t, bucket.Resellers, r.Name, r) })
}

// Reseller by name.
func (p *People) Reseller(name string) (r Reseller, err error) {
	err = p.db.View(func(t room.Tx) error { r, err = room.Load[Reseller](&t, bucket.Resellers, name); return err })
	return r, err
}

// ResellerIn is Reseller within a transaction; nil without an error for the name "", which
// stands for the operator.
func ResellerIn(t *room.Tx, name string) (*Reseller, error) {
	if name == "" {
		return nil, nil
	}
	r, err := room.Load[Reseller](t, bucket.Resellers, name)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// ResellerByToken is the reseller that the token belongs to; room.ErrNotFound if there is none.
func (p *People) ResellerByToken(token string) (found Reseller, err error) {
	hash, ok := []byte(TokenHash(token)), false
	err = p.Resellers("", func(r Reseller) error {
		if subtle.ConstantTimeCompare([]byte(r.Hash), hash) == 1 {
			found, ok = r, true
		}
		return nil
	})
	if err == nil && !ok {
		err = fmt.Errorf("reseller: %w", room.ErrNotFound)
	}
	return found, err
}

// UpdateReseller changes a reseller in one transaction. fn may run more than once, and
// must not call the store.
func (p *People) UpdateReseller(name string, fn func(*Reseller) error) (r Reseller, err error) {
	err = p.db.Update(0, func(t room.Tx) error {
		if r, err = room.Load[Reseller](&t, bucket.Resellers, name); err != nil {
			return err
		}
		if err := fn(&r); err != nil {
			return err
		}
		if r.Name != name {
			return errors.New("a reseller keeps its name")
		}
		return t.Write(bucket.Resellers, []byte(name), r)
	})
	return r, err
}

// Resellers calls fn for each reseller whose name is beyond after, by name, outside of
// any transaction.
func (p *People) Resellers(after string, fn func(Reseller) error) error {
	return room.Walk(p.db, bucket.Resellers, nil, room.Beyond(after), func(_ []byte, r *Reseller) error { return fn(*r) })
}

// RemoveReseller deletes a reseller without accounts and customers; with any it
// fails with ErrInUse.
func (p *People) RemoveReseller(name string) error {
	return p.removeOwner(OwnBelow, bucket.Resellers, name)
}

// Below reports whether the account is below the reseller. It takes the same time
// for one that is somebody else's and for one that is not there.
func (p *People) Below(reseller, account string) (ok bool, err error) {
	if reseller == "" || !quota.ValidName(account) {
		return false, nil
	}
	err = p.db.View(func(t room.Tx) error {
		ok = t.Get(bucket.Below, room.Pair(reseller, account)) != nil
		return nil
	})
	return ok, err
}

// manages fails for a reseller that has customers.
func manages(t *room.Tx, reseller string) error {
	list, err := room.All[Customer](t, bucket.Customers, nil)
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
func (p *People) CountBelow(reseller string) (int, error) { return p.countOwned(OwnBelow, reseller) }
