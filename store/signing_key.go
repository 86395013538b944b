package store

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Selectors of signing keys. The keys of a pair take turns, so that a domain's owner changes
// the DNS once.
var (
	RSASelectors     = [2]string{"s1", "s2"}
	Ed25519Selectors = [2]string{"e1", "e2"}
)

// SigningKey is a pair of keys for DKIM, which all domains share. Bucket "signing-keys",
// key Selector, JSON.
type SigningKey struct {
	Selector  string    `json:"selector"`
	Private   []byte    `json:"private"` // PKCS #8, DER
	Public    string    `json:"public"`  // as in the p= of its record
	Made      time.Time `json:"made"`
	Published time.Time `json:"published,omitzero"` // since when the DNS shows it; zero: not yet
	From      time.Time `json:"from,omitzero"`      // signs since; zero: not yet
	Until     time.Time `json:"until,omitzero"`     // signs no more since; zero: it does, or will
}

const (
	// RotateAfter is how long a key signs.
	RotateAfter = 182 * 24 * time.Hour
	// RetireAfter is how long a key that signs no more stays published: until its last
	// signature has expired.
	RetireAfter = 7 * 24 * time.Hour
)

// Record is the text under which the key is published (RFC 6376 §3.6.1, RFC 8463 §4).
func (k *SigningKey) Record() string {
	kind := "rsa"
	if slices.Contains(Ed25519Selectors[:], k.Selector) {
		kind = "ed25519"
	}
	return "v=DKIM1; k=" + kind + "; p=" + k.Public
}

// Publishes reports whether a TXT record has the key.
func (k *SigningKey) Publishes(record string) bool {
	for tag := range strings.SplitSeq(record, ";") {
		name, value, _ := strings.Cut(tag, "=")
		if strings.TrimSpace(name) == "p" {
			return strings.Join(strings.Fields(value), "") == k.Public
		}
	}
	return false
}

// Signer is the private key, ready for use.
func (k *SigningKey) Signer() (crypto.Signer, error) {
	private, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.Selector, err)
	}
	return private.(crypto.Signer), nil // all that newSigningKey makes are
}

// newSigningKey takes a second for RSA: not in a transaction.
func newSigningKey(selector string) (*SigningKey, error) {
	var private crypto.Signer
	var public []byte
	if slices.Contains(Ed25519Selectors[:], selector) {
		p, k, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		private, public = k, p
	} else {
		const bits = 2048 // of RSA; longer records do not fit everywhere (RFC 8301 §3.2)
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return nil, err
		}
		private = k
		if public, err = x509.MarshalPKIXPublicKey(k.Public()); err != nil {
			return nil, err
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	return &SigningKey{Selector: selector, Private: der, Public: base64.StdEncoding.EncodeToString(public)}, err
}

// SigningKeys are all keys, by selector.
func (s *Store) SigningKeys() (list []SigningKey, err error) {
	err = s.view(func(t *tx) error { list, err = all[SigningKey](t, signingKeys, nil); return err })
	return list, err
}

// MakeSigningKeys makes the keys of those selectors that have none.
func (s *Store) MakeSigningKeys(selectors ...string) error {
	for _, selector := range selectors {
		_, err := s.signingKey(selector)
		if errors.Is(err, ErrNotFound) {
			err = s.replaceSigningKey(selector, time.Time{})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) signingKey(selector string) (k SigningKey, err error) {
	err = s.view(func(t *tx) error { k, err = load[SigningKey](t, signingKeys, selector); return err })
	return k, err
}

// replaceSigningKey makes a key in place of the one that was made at that time; zero: in
// place of none. Another one that is there meanwhile stays.
func (s *Store) replaceSigningKey(selector string, made time.Time) error {
	k, err := newSigningKey(selector)
	if err != nil {
		return fmt.Errorf("signing key %s: %w", selector, err)
	}
	return s.update(0, func(t *tx) error {
		var is SigningKey
		if _, err := t.get(signingKeys, []byte(selector), &is); err != nil || !is.Made.Equal(made) {
			return err
		}
		k.Made = t.wall
		return t.put(signingKeys, []byte(selector), k)
	})
}

// Rotation is what became of keys.
type Rotation struct {
	Began []string // selectors that sign from now on
	Ended []string // that sign no more
	Fresh []string // that have a new key, which the operator has to publish
}

// RotateSigningKeys brings the pairs of those selectors up to date. shown asks the DNS for a
// key. A key signs once the DNS shows it; after RotateAfter the other of its pair takes
// over, as soon as that is shown; RetireAfter later a new key takes the place of the old
// one. A crash between these steps leaves the next one to the next call.
func (s *Store) RotateSigningKeys(pairs [][2]string, shown func(*SigningKey) (bool, error)) (r Rotation, err error) {
	for _, pair := range pairs {
		if err := errors.Join(s.MakeSigningKeys(pair[:]...), s.retire(pair, &r)); err != nil {
			return r, err
		}
		if err := s.rotate(pair, shown, &r); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (s *Store) rotate(pair [2]string, shown func(*SigningKey) (bool, error), r *Rotation) error {
	var seen, keys [2]SigningKey
	var errs [2]error
	for i, selector := range pair {
		k, err := s.signingKey(selector)
		if err != nil {
			return err
		}
		seen[i] = k
		if yes, err := shown(&k); err == nil {
			seen[i].see(yes, s.Now())
		} else {
			errs[i] = err
		}
	}
	var turn Rotation
	err := s.update(0, func(t *tx) (err error) {
		for i, selector := range pair {
			if keys[i], err = load[SigningKey](t, signingKeys, selector); err != nil {
				return err
			}
			if !keys[i].Made.Equal(seen[i].Made) {
				return nil // replaced meanwhile: the next call looks for that one
			}
			keys[i].Published = seen[i].Published
		}
		turn = takeTurns(&keys[0], &keys[1], t.wall)
		return errors.Join(t.put(signingKeys, []byte(pair[0]), &keys[0]), t.put(signingKeys, []byte(pair[1]), &keys[1]))
	})
	if err == nil {
		r.Began, r.Ended = append(r.Began, turn.Began...), append(r.Ended, turn.Ended...)
	}
	return errors.Join(err, errs[0], errs[1])
}

// see notes whether the DNS shows the key.
func (k *SigningKey) see(shown bool, now time.Time) {
	switch {
	case !shown:
		k.Published = time.Time{}
	case k.Published.IsZero():
		k.Published = now
	}
}

// takeTurns decides which of a pair signs from now on.
func takeTurns(old, next *SigningKey, now time.Time) (r Rotation) {
	if next.Signs() || !old.ready() && next.ready() && !old.Signs() {
		old, next = next, old
	}
	switch {
	case !old.Signs() && old.ready():
		old.From = now
		r.Began = []string{old.Selector}
	case old.Signs() && next.ready() && !now.Before(old.From.Add(RotateAfter)):
		old.Until, next.From = now, now
		r.Began, r.Ended = []string{next.Selector}, []string{old.Selector}
	}
	return r
}

// ready reports whether the key may begin to sign.
func (k *SigningKey) ready() bool { return !k.Published.IsZero() && k.From.IsZero() }

// Signs reports whether the key is the one of its pair that signs.
func (k *SigningKey) Signs() bool { return !k.From.IsZero() && k.Until.IsZero() }

// retire makes new keys in place of those whose last signature has expired.
func (s *Store) retire(pair [2]string, r *Rotation) error {
	for _, selector := range pair {
		k, err := s.signingKey(selector)
		if err != nil {
			return err
		}
		if k.Until.IsZero() || s.Now().Before(k.Until.Add(RetireAfter)) {
			continue
		}
		if err := s.replaceSigningKey(selector, k.Made); err != nil {
			return err
		}
		r.Fresh = append(r.Fresh, selector)
	}
	return nil
}

// Signing is a domain with the keys that sign for it.
type Signing struct {
	Domain string
	Keys   []SigningKey
}

// SigningFor is the domain that signs a message of an account whose From field is of a
// domain, with its keys: the longest of the account's domains that is that one or above it.
// Without keys nobody signs. service says that the account asks for a second signature, of
// the operator's domain.
func (s *Store) SigningFor(account, from string) (g Signing, service bool, err error) {
	err = s.view(func(t *tx) error {
		if a, err := t.account(account); err == nil {
			service = a.ServiceSignature
		}
		d, err := t.delegated(account, from)
		if err != nil || d == nil {
			return err
		}
		keys, err := all[SigningKey](t, signingKeys, nil)
		g = signing(d, keys)
		return err
	})
	return g, service, err
}

// delegated is the nearest domain of an account, the one itself or above it, that has
// delegated a selector; nil: none.
func (t *tx) delegated(account, name string) (*Domain, error) {
	for ; name != ""; _, name, _ = strings.Cut(name, ".") {
		var d Domain
		ok, err := t.get(domains, pairKey(account, name), &d)
		if err != nil || ok && len(d.Selectors) > 0 {
			return &d, err
		}
	}
	return nil, nil
}

// signing takes the keys that sign and whose selectors the domain has delegated.
func signing(d *Domain, keys []SigningKey) Signing {
	g := Signing{Domain: d.Name}
	for i := range keys {
		if k := &keys[i]; k.Signs() && d.Delegated(k.Selector) {
			g.Keys = append(g.Keys, *k)
		}
	}
	return g
}

// Signature is the DKIM-Signature fields of a message.
type Signature struct {
	Fields string    `json:"fields,omitempty"` // with CRLF; "": none
	Made   time.Time `json:"made,omitzero"`    // zero: there is none
	Domain string    `json:"domain,omitempty"` // of the account that signed; "": only the host did
}
