package signing

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

	"relay/store/bucket"
	"relay/store/room"
)

// Selectors of signing keys. The keys of a pair take turns, so that a domain's owner changes
// the DNS once.
var (
	RSASelectors     = [2]string{"s1", "s2"}
	Ed25519Selectors = [2]string{"e1", "e2"}
)

// Key is a pair of keys for DKIM, which all domains share. Bucket "signing-keys",
// key Selector, JSON.
type Key struct {
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
func (k *Key) Record() string {
	kind := "rsa"
	if slices.Contains(Ed25519Selectors[:], k.Selector) {
		kind = "ed25519"
	}
	return "v=DKIM1; k=" + kind + "; p=" + k.Public
}

// Publishes reports whether a TXT record has the key.
func (k *Key) Publishes(record string) bool {
	for tag := range strings.SplitSeq(record, ";") {
		name, value, _ := strings.Cut(tag, "=")
		if strings.TrimSpace(name) == "p" {
			return strings.Join(strings.Fields(value), "") == k.Public
		}
	}
	return false
}

// Signer is the private key, ready for use.
func (k *Key) Signer() (crypto.Signer, error) {
	private, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.Selector, err)
	}
	return private.(crypto.Signer), nil // all that newKey makes are
}

// newKey takes a second for RSA: not in a transaction.
func newKey(selector string) (*Key, error) {
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
	return &Key{Selector: selector, Private: der, Public: base64.StdEncoding.EncodeToString(public)}, err
}

// Keys are all keys, by selector.
func (g *Signing) Keys() (list []Key, err error) {
	err = g.db.View(func(t room.Tx) error { list, err = room.All[Key](&t, bucket.SigningKeys, nil); return err })
	return list, err
}

// MakeKeys makes the keys of those selectors that have none.
func (g *Signing) MakeKeys(selectors ...string) error {
	for _, selector := range selectors {
		_, err := g.key(selector)
		if errors.Is(err, room.ErrNotFound) {
			err = g.replaceKey(selector, time.Time{})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *Signing) key(selector string) (k Key, err error) {
	err = g.db.View(func(t room.Tx) error { k, err = room.Load[Key](&t, bucket.SigningKeys, selector); return err })
	return k, err
}

// replaceKey makes a key in place of the one that was made at that time; zero: in place of
// none. It changes nothing if another key is there meanwhile.
func (g *Signing) replaceKey(selector string, made time.Time) error {
	k, err := newKey(selector)
	if err != nil {
		return fmt.Errorf("signing key %s: %w", selector, err)
	}
	return g.db.Update(0, func(t room.Tx) error {
		var is Key
		if _, err := t.Read(bucket.SigningKeys, []byte(selector), &is); err != nil || !is.Made.Equal(made) {
			return err
		}
		k.Made = t.Wall
		return t.Write(bucket.SigningKeys, []byte(selector), k)
	})
}

// Rotation is what became of keys.
type Rotation struct {
	Began []string // selectors that sign from now on
	Ended []string // that sign no more
	Fresh []string // that have a new key, which the operator has to publish
}

// RotateKeys brings the pairs of those selectors up to date. shown asks the DNS for a
// key. A key signs once the DNS shows it; after RotateAfter the other of its pair takes
// over, as soon as that is shown; RetireAfter later a new key takes the place of the old
// one. After a crash between these steps the next call goes on.
func (g *Signing) RotateKeys(pairs [][2]string, shown func(*Key) (bool, error)) (r Rotation, err error) {
	for _, pair := range pairs {
		if err := errors.Join(g.MakeKeys(pair[:]...), g.retire(pair, &r)); err != nil {
			return r, err
		}
		if err := g.rotate(pair, shown, &r); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (g *Signing) rotate(pair [2]string, shown func(*Key) (bool, error), r *Rotation) error {
	var seen, keys [2]Key
	var errs [2]error
	for i, selector := range pair {
		k, err := g.key(selector)
		if err != nil {
			return err
		}
		seen[i] = k
		if yes, err := shown(&k); err == nil {
			seen[i].see(yes, g.db.Wall())
		} else {
			errs[i] = err
		}
	}
	var turn Rotation
	err := g.db.Update(0, func(t room.Tx) (err error) {
		for i, selector := range pair {
			if keys[i], err = room.Load[Key](&t, bucket.SigningKeys, selector); err != nil {
				return err
			}
			if !keys[i].Made.Equal(seen[i].Made) {
				return nil // replaced meanwhile: the next call looks for that one
			}
			keys[i].Published = seen[i].Published
		}
		turn = takeTurns(&keys[0], &keys[1], t.Wall)
		return errors.Join(t.Write(bucket.SigningKeys, []byte(pair[0]), &keys[0]), t.Write(bucket.SigningKeys, []byte(pair[1]), &keys[1]))
	})
	if err == nil {
		r.Began, r.Ended = append(r.Began, turn.Began...), append(r.Ended, turn.Ended...)
	}
	return errors.Join(err, errs[0], errs[1])
}

// see notes whether the DNS shows the key.
func (k *Key) see(shown bool, now time.Time) {
	switch {
	case !shown:
		k.Published = time.Time{}
	case k.Published.IsZero():
		k.Published = now
	}
}

// takeTurns decides which of a pair signs from now on.
func takeTurns(old, next *Key, now time.Time) (r Rotation) {
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
func (k *Key) ready() bool { return !k.Published.IsZero() && k.From.IsZero() }

// Signs reports whether the key is the one of its pair that signs.
func (k *Key) Signs() bool { return !k.From.IsZero() && k.Until.IsZero() }

// retire makes new keys in place of those whose last signature has expired.
func (g *Signing) retire(pair [2]string, r *Rotation) error {
	for _, selector := range pair {
		k, err := g.key(selector)
		if err != nil {
			return err
		}
		if k.Until.IsZero() || g.db.Wall().Before(k.Until.Add(RetireAfter)) {
			continue
		}
		if err := g.replaceKey(selector, k.Made); err != nil {
			return err
		}
		r.Fresh = append(r.Fresh, selector)
	}
	return nil
}

// Signatory is a domain with the keys that sign for it.
type Signatory struct {
	Domain string
	Keys   []Key
}

// For returns the domain that signs a message of an account whose From field is of a domain, with
// its keys: the longest of the account's domains that is that one or above it. Without keys nothing
// is signed. service says that the account asks for a second signature, of the operator's domain.
func (g *Signing) For(account, from string) (is Signatory, service bool, err error) {
	err = g.db.View(func(t room.Tx) error {
		service = g.o.Service(&t, account)
		d, err := delegated(&t, account, from)
		if err != nil || d == nil {
			return err
		}
		keys, err := room.All[Key](&t, bucket.SigningKeys, nil)
		is = signatory(d, keys)
		return err
	})
	return is, service, err
}

// delegated is the nearest domain of an account, the one itself or above it, that has
// delegated a selector; nil: none.
func delegated(t *room.Tx, account, name string) (*Domain, error) {
	for ; name != ""; _, name, _ = strings.Cut(name, ".") {
		var d Domain
		ok, err := t.Read(bucket.Domains, room.Pair(account, name), &d)
		if err != nil || ok && len(d.Selectors) > 0 {
			return &d, err
		}
	}
	return nil, nil
}

// signatory takes the keys that sign and whose selectors the domain has delegated.
func signatory(d *Domain, keys []Key) Signatory {
	g := Signatory{Domain: d.Name}
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
