package people

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
)

// What belongs to whom, and the indexes by owner.
var (
	OwnLogins   = room.Owned{Records: bucket.Credentials, Index: bucket.LoginsOf}
	OwnNetworks = room.Owned{Records: bucket.Networks, Index: bucket.NetworksOf}
	OwnAccounts = room.Owned{Records: bucket.Accounts, Index: bucket.AccountsOf} // of a customer
	OwnBelow    = room.Owned{Records: bucket.Accounts, Index: bucket.Below}      // of a reseller
)

// Remove takes away the logins and networks of an account, with all that is kept of them. When
// the transaction is on disk, LoadNetworks is called.
func Remove(t *room.Tx, account string) error {
	for _, login := range OwnLogins.Keys(t, account) {
		if err := removeLogin(t, account, login); err != nil {
			return err
		}
	}
	for _, network := range OwnNetworks.Keys(t, account) {
		if err := OwnNetworks.Remove(t, account, network); err != nil {
			return err
		}
	}
	return nil
}

// removeLogin deletes a login with what is known of its use.
func removeLogin(t *room.Tx, account, login string) error {
	return errors.Join(t.Delete(bucket.Places, []byte(login)), t.Delete(bucket.AccessOf, []byte(login)), OwnLogins.Remove(t, account, login))
}

func (p *People) countOwned(o room.Owned, owner string) (n int, err error) {
	err = p.db.View(func(t room.Tx) error { n = len(o.Keys(&t, owner)); return nil })
	return n, err
}

func (p *People) removeOwner(o room.Owned, b engine.Bucket, name string) error {
	return p.db.Update(0, func(t room.Tx) error {
		if b == bucket.Resellers {
			if err := manages(&t, name); err != nil {
				return err
			}
		}
		if t.Get(b, []byte(name)) == nil {
			return fmt.Errorf("%s %q: %w", bucket.Names[b], name, room.ErrNotFound)
		}
		if own := o.Keys(&t, name); len(own) > 0 {
			return fmt.Errorf("%s %q %w: accounts %d", strings.TrimSuffix(bucket.Names[b], "s"), name, ErrInUse, len(own))
		}
		return t.Delete(b, []byte(name))
	})
}

// Index writes the indexes of logins and networks by account.
func Index(t *room.Tx) error {
	cs, err := room.All[Credential](t, bucket.Credentials, nil)
	if err != nil {
		return err
	}
	slices.SortStableFunc(cs, func(a, b Credential) int { return cmp.Compare(a.Account, b.Account) }) // as in the index
	for _, c := range cs {
		if err := OwnLogins.Move(t, "", c.Account, c.Login); err != nil {
			return err
		}
	}
	ns, err := room.All[Network](t, bucket.Networks, nil)
	if err != nil {
		return err
	}
	for _, n := range ns {
		if err := OwnNetworks.Move(t, "", n.Account, n.Prefix.String()); err != nil {
			return err
		}
	}
	return nil
}
