package store

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

	"relay/store/bolt"
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

// AddDomain lets an account sign for a domain. Others may do so too: who does is decided by
// the domain's owner, in the DNS.
func (s *Store) AddDomain(o Order, account, name string) (d Domain, err error) {
	err = s.update(0, func(t *tx) error {
		a, err := load[Account](t, accounts, account)
		if err == nil {
			err = o.reaches(&a)
		}
		if err != nil {
			return err
		}
		label, err := t.label(&a)
		if err != nil {
			return err
		}
		d = Domain{Name: name, Account: account, Label: label, Since: t.now}
		return add(t, domains, string(pairKey(account, name)), d)
	})
	return d, err
}

var keyLabels = []byte("labels") // secret from which labels are made

// label of an account, or of its owner, who may move a domain from one account to another.
// It is the same when a domain is added again.
func (t *tx) label(a *Account) (string, error) {
	var secret []byte
	ok, err := t.get(meta, keyLabels, &secret)
	if err == nil && !ok {
		secret = make([]byte, sha256.Size)
		if _, err = rand.Read(secret); err == nil {
			err = t.put(meta, keyLabels, secret)
		}
	}
	if err != nil {
		return "", err
	}
	owner := "account " + a.Name
	if a.Owner != "" {
		c, err := load[Customer](t, customers, a.Owner)
		if err != nil {
			return "", err
		}
		owner = "customer " + a.Owner + c.Created.UTC().Format(time.RFC3339Nano) // an earlier one may have had the name
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(owner))
	const octets = 10
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil)[:octets])), nil
}

// Domain of an account.
func (s *Store) Domain(account, name string) (d Domain, err error) {
	err = s.view(func(t *tx) error {
		d, err = load[Domain](t, domains, string(pairKey(account, name)))
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("domain %q of account %q: %w", name, account, ErrNotFound)
		}
		return err
	})
	return d, err
}

// EachDomain calls fn for the domains of an account, of all when account is empty, that are
// behind the domain of an account, outside of any transaction.
func (s *Store) EachDomain(account, afterAccount, after string, fn func(*Domain) error) error {
	var prefix, from []byte
	if account != "" {
		prefix = pairKey(account, "")
		from = prefix
	}
	if after != "" {
		from = append(pairKey(afterAccount, after), 0)
	}
	return walk(s, domains, prefix, from, func(_ []byte, d *Domain) error { return fn(d) })
}

// RemoveDomain ends that an account signs for a domain.
func (s *Store) RemoveDomain(o Order, account, name string) error {
	return s.update(0, func(t *tx) error {
		a, err := load[Account](t, accounts, account)
		if err == nil {
			err = o.reaches(&a)
		}
		if err != nil {
			return err
		}
		key := pairKey(account, name)
		if t.b.Get(domains, key) == nil {
			return fmt.Errorf("domain %q of account %q: %w", name, account, ErrNotFound)
		}
		return t.b.Delete(domains, key)
	})
}

func (t *tx) deleteDomains(account string) error { return t.deleteOf(domains, account) }

// deleteOf deletes the records of a bucket whose keys begin with an account.
func (t *tx) deleteOf(b bolt.Bucket, account string) error {
	prefix := pairKey(account, "")
	c := t.b.Cursor(b)
	var keys [][]byte
	for k, _ := c.Seek(prefix); k != nil && hasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, slices.Clone(k))
	}
	for _, k := range keys {
		if err := t.b.Delete(b, k); err != nil {
			return err
		}
	}
	return nil
}

// DomainLook is what the DNS shows of a domain.
type DomainLook struct {
	Selectors []string // that are delegated
	SPF       bool     // its SPF record lets our addresses send
	SPFKnown  bool     // whether that could be told
}

// What a domain can lose, as Reason of NewsDomain has it.
const (
	LostDKIM = "dkim" // a selector is no longer delegated
	LostSPF  = "spf"  // its SPF record no longer lets our addresses send
)

// tellBroken is how often a customer is told of a domain at most: some change their minds.
const tellBroken = 24 * time.Hour

// LookedAt notes what the DNS shows of a domain, and has the customer told what the domain
// has lost since the last look. The domain may be gone meanwhile.
func (s *Store) LookedAt(account, name string, look DomainLook) (d Domain, err error) {
	err = s.update(0, func(t *tx) error {
		key := pairKey(account, name)
		ok, err := t.get(domains, key, &d)
		if err != nil || !ok {
			return err
		}
		lost := d.lost(&look)
		if d.Selectors, d.Looked = look.Selectors, t.wall; look.SPFKnown {
			d.SPF = look.SPF
		}
		if age := t.wall.Sub(d.Broken); len(lost) > 0 && (age < 0 || age >= tellBroken) {
			d.Broken = t.wall
			err = t.addNews(News{Kind: NewsDomain, Account: account, About: name, Reason: strings.Join(lost, " ")})
		}
		return errors.Join(err, t.put(domains, key, &d))
	})
	return d, err
}

// lost is what the domain had at the last look and has lost since.
func (d *Domain) lost(look *DomainLook) (list []string) {
	if slices.ContainsFunc(d.Selectors, func(s string) bool { return !slices.Contains(look.Selectors, s) }) {
		list = append(list, LostDKIM)
	}
	if d.SPF && look.SPFKnown && !look.SPF {
		list = append(list, LostSPF)
	}
	return list
}

// AskedAt notes which blocklists have a domain. The domain may be gone meanwhile.
func (s *Store) AskedAt(account, name string, listed []string) error {
	return s.update(0, func(t *tx) error {
		var d Domain
		key := pairKey(account, name)
		ok, err := t.get(domains, key, &d)
		if err != nil || !ok {
			return err
		}
		d.Listed, d.Asked = listed, t.wall
		return t.put(domains, key, &d)
	})
}

// signs reports whether mail of an account may bear a signature. Where that cannot be told
// it may not: the message goes without one.
func (s *Store) signs(account string) (yes bool) {
	if account == "" {
		return false
	}
	_ = s.view(func(t *tx) error {
		prefix := pairKey(account, "")
		k, _ := t.b.Cursor(domains).Seek(prefix)
		if yes = k != nil && hasPrefix(k, prefix); yes {
			return nil
		}
		a, err := t.account(account)
		yes = err == nil && a.ServiceSignature
		return err
	})
	return yes
}
