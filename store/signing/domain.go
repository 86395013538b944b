package signing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/room"
)

// Domain is one that an account signs for, once the DNS shows that it is delegated: the
// domain has a CNAME at each selector that leads to Target. Bucket "domains", key account
// NUL Name, JSON.
type Domain struct {
	Name    string    `json:"domain"` // lower case A-labels
	Account string    `json:"account"`
	Label   string    `json:"label"` // in Target
	Since   time.Time `json:"since"`

	Selectors []string  `json:"selectors,omitempty"` // that were delegated at the last look
	Looked    time.Time `json:"looked,omitzero"`     // when that was; zero: not yet

	SPF    bool      `json:"spf,omitempty"`   // its SPF record let our addresses send, when that could be told last
	Broken time.Time `json:"broken,omitzero"` // when the customer was told last that it lost one of both; zero: never

	Listed []string  `json:"listed,omitempty"` // blocklists that have it, at the last look
	Asked  time.Time `json:"asked,omitzero"`   // when they were asked; zero: not yet
}

// Target is the name in the operator's zone to which the domain's owner points a selector.
// All selectors lead to the same keys; the label tells whose order it was. Without it an
// account could sign for a domain that its owner delegated for another account.
func (d *Domain) Target(selector, zone string) string {
	return d.Label + "." + selector + "." + zone
}

// Alias is the name at which the domain's owner does that.
func (d *Domain) Alias(selector string) string { return selector + "._domainkey." + d.Name }

// Delegated reports whether the domain's mail may be signed with a selector.
func (d *Domain) Delegated(selector string) bool { return slices.Contains(d.Selectors, selector) }

// AddDomain lets an account sign for a domain. Other accounts may add it too: the domain's owner
// decides in the DNS which of them signs.
func (g *Signing) AddDomain(o behalf.Order, account, name string) (d Domain, err error) {
	err = g.db.Update(0, func(t room.Tx) error {
		if err := o.Reaches(&t, account); err != nil {
			return err
		}
		label, err := g.label(&t, account)
		if err != nil {
			return err
		}
		d = Domain{Name: name, Account: account, Label: label, Since: t.Now}
		if err := room.Add(&t, bucket.Domains, string(room.Pair(account, name)), d); err != nil {
			return err
		}
		g.follow(&t, account)
		return nil
	})
	return d, err
}

var keyLabels = []byte("labels") // secret from which labels are made

// label of an account, or of its owner, who may move a domain from one account to another.
// It is the same when a domain is added again.
func (g *Signing) label(t *room.Tx, account string) (string, error) {
	var secret []byte
	ok, err := t.Read(bucket.Meta, keyLabels, &secret)
	if err == nil && !ok {
		secret = make([]byte, sha256.Size)
		if _, err = rand.Read(secret); err == nil {
			err = t.Write(bucket.Meta, keyLabels, secret)
		}
	}
	if err != nil {
		return "", err
	}
	owner, err := g.o.Owner(t, account)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(owner))
	const octets = 10
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil)[:octets])), nil
}

// Domain of an account.
func (g *Signing) Domain(account, name string) (d Domain, err error) {
	err = g.db.View(func(t room.Tx) error {
		found, err := g.Find(&t, account, name)
		if err == nil && found == nil {
			err = noDomain(account, name)
		}
		if err == nil {
			d = *found
		}
		return err
	})
	return d, err
}

func noDomain(account, name string) error {
	return fmt.Errorf("domain %q of account %q: %w", name, account, room.ErrNotFound)
}

// Find returns a domain of an account; nil: the account has no such domain.
func (g *Signing) Find(t *room.Tx, account, name string) (*Domain, error) {
	d := &Domain{}
	ok, err := t.Read(bucket.Domains, room.Pair(account, name), d)
	if err != nil || !ok {
		return nil, err
	}
	return d, nil
}

// EachDomain calls fn for the domains of an account, or of all accounts when account is empty,
// outside of any transaction. It begins behind the domain after of the account afterAccount.
func (g *Signing) EachDomain(account, afterAccount, after string, fn func(*Domain) error) error {
	var prefix, from []byte
	if account != "" {
		prefix = room.Pair(account, "")
		from = prefix
	}
	if after != "" {
		from = append(room.Pair(afterAccount, after), 0)
	}
	return room.Walk(g.db, bucket.Domains, prefix, from, func(_ []byte, d *Domain) error { return fn(d) })
}

// RemoveDomain removes a domain: the account no longer signs for it.
func (g *Signing) RemoveDomain(o behalf.Order, account, name string) error {
	return g.db.Update(0, func(t room.Tx) error {
		if err := o.Reaches(&t, account); err != nil {
			return err
		}
		key := room.Pair(account, name)
		if t.Get(bucket.Domains, key) == nil {
			return noDomain(account, name)
		}
		if err := t.Delete(bucket.Domains, key); err != nil {
			return err
		}
		g.follow(&t, account)
		return nil
	})
}

// Look is what the DNS shows of a domain.
type Look struct {
	Selectors []string // that are delegated
	SPF       bool     // its SPF record lets our addresses send
	SPFKnown  bool     // whether that could be told
}

// What a domain can lose.
const (
	LostDKIM = "dkim" // a selector is no longer delegated
	LostSPF  = "spf"  // its SPF record no longer lets our addresses send
)

// tellBroken is the least time between two messages to a customer about one domain: some domains
// come and go.
const tellBroken = 24 * time.Hour

// LookedAt notes what the DNS shows of a domain, and has the customer told what the domain
// has lost since the last look. It does nothing if the domain was removed meanwhile.
func (g *Signing) LookedAt(account, name string, look Look) (d Domain, err error) {
	err = g.db.Update(0, func(t room.Tx) error {
		key := room.Pair(account, name)
		ok, err := t.Read(bucket.Domains, key, &d)
		if err != nil || !ok {
			return err
		}
		lost := d.lost(&look)
		if d.Selectors, d.Looked = look.Selectors, t.Wall; look.SPFKnown {
			d.SPF = look.SPF
		}
		if age := t.Wall.Sub(d.Broken); len(lost) > 0 && (age < 0 || age >= tellBroken) {
			d.Broken = t.Wall
			err = g.o.Lost(&t, account, name, strings.Join(lost, " "))
		}
		return errors.Join(err, t.Write(bucket.Domains, key, &d))
	})
	return d, err
}

// lost is what the domain had at the last look and has lost since.
func (d *Domain) lost(look *Look) (list []string) {
	if slices.ContainsFunc(d.Selectors, func(s string) bool { return !slices.Contains(look.Selectors, s) }) {
		list = append(list, LostDKIM)
	}
	if d.SPF && look.SPFKnown && !look.SPF {
		list = append(list, LostSPF)
	}
	return list
}

// AskedAt notes which blocklists have a domain. It does nothing if the domain was removed
// meanwhile.
func (g *Signing) AskedAt(account, name string, listed []string) error {
	return g.db.Update(0, func(t room.Tx) error {
		var d Domain
		key := room.Pair(account, name)
		ok, err := t.Read(bucket.Domains, key, &d)
		if err != nil || !ok {
			return err
		}
		d.Listed, d.Asked = listed, t.Wall
		return t.Write(bucket.Domains, key, &d)
	})
}
