// Package signature makes the DKIM signatures of messages in hand, each once.
//
//  1. Of reads the header section at a message's first attempt, finds all keys that sign for
//     it (see signing.Signing.For), and prepares everything but the private key operation. The
//     envelope needs the length, which is known then.
//  2. Sign does that operation when the content is needed, or while replies are on their
//     way. It takes about as long as ten messages without a signature.
//  3. The mailer stores the signature with the outcome, so later attempts send the same one.
//     Until then it is kept here, for attempts at other sites at the same time.
//
// A crash before 3 has the signature made again; both are good.
package signature

import (
	"crypto"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"relay/mailer/settings"
	"relay/mailer/sign"
	"relay/store/maildomain"
	"relay/store/quiet"
	"relay/store/signing"
	"relay/store/spool"
	"relay/store/spooled"
)

const (
	signatureAge  = 3 * 24 * time.Hour // from which on a signature is made anew: receivers need some of its lifetime
	mostSigned    = 2000               // signatures in memory
	mostHeader    = 1 << 20            // octets of a header section that is signed
	mostSigners   = 16                 // private keys in memory, of which a rotation adds one
	headerAtFirst = 4 << 10            // octets that most header sections do not exceed
)

// Signatures are those of messages in hand.
type Signatures struct {
	spool *spool.Spool
	cfg   *atomic.Pointer[settings.Config]
	log   *quiet.Log

	mu      sync.Mutex
	of      map[spooled.ID]*Making
	order   []spooled.ID
	signers map[string]crypto.Signer // by public key
}

// New returns signatures by the keys of the spool's domains and by the host's key in cfg.
func New(sp *spool.Spool, cfg *atomic.Pointer[settings.Config], log *quiet.Log) *Signatures {
	return &Signatures{spool: sp, cfg: cfg, log: log}
}

// Making is a signature that one attempt makes and others wait for.
type Making struct {
	prepare, sign sync.Once
	since         time.Time
	parts         []*sign.Prepared // until it is made
	length        int64            // octets that it will have
	domain        string           // of the account that signs; "": only the host does
	made          signing.Signature
}

// Of prepares the signature of a message, if there is none that is young enough; nil
// where nobody signs.
func (s *Signatures) Of(msg *spooled.Message) *Making {
	if len(msg.BodyHash) == 0 {
		return nil
	}
	now := s.spool.Now()
	if young(&msg.Signature, now) {
		return &Making{made: msg.Signature, length: int64(len(msg.Signature.Fields))}
	}
	k := s.making(msg.ID, now)
	k.prepare.Do(func() {
		parts, domain, err := s.prepare(msg, k.since)
		if err != nil {
			s.logUnsigned(msg, err)
		}
		if len(parts) == 0 {
			s.Forget(msg.ID) // the next attempt asks again
		}
		for _, p := range parts {
			k.length += int64(p.Len())
		}
		k.parts, k.domain = parts, domain
	})
	return k
}

// Failed is for a message whose signature could not be made: it goes without one.
func (s *Signatures) Failed(msg *spooled.Message, err error) {
	s.logUnsigned(msg, err)
	s.Forget(msg.ID) // the next attempt asks again
}

// logUnsigned is for a message that goes without its signature: it is worth more than that.
func (s *Signatures) logUnsigned(msg *spooled.Message, err error) {
	s.log.Often(slog.LevelError, "", "message not signed", slog.String("spool_id", msg.ID.String()), slog.String("account", msg.Whose()), slog.Any("err", err))
}

// Size is how many octets a signature will add; none: nobody signs.
func (k *Making) Size() int64 {
	if k == nil {
		return 0
	}
	return k.length
}

// Sign makes what was prepared. Its Fields are "" where nobody signs.
func (k *Making) Sign() (_ signing.Signature, err error) {
	if k == nil {
		return signing.Signature{}, nil
	}
	k.sign.Do(func() {
		defer guard(&err)
		fields := make([]byte, 0, k.length)
		for _, p := range k.parts {
			var field []byte
			if field, err = p.Field(); err != nil {
				return
			}
			fields = append(fields, field...)
		}
		if len(fields) > 0 {
			k.made = signing.Signature{Fields: string(fields), Made: k.since, Domain: k.domain}
		}
		k.parts = nil
	})
	return k.made, err
}

func young(s *signing.Signature, now time.Time) bool {
	age := now.Sub(s.Made)
	return !s.Made.IsZero() && age < signatureAge && age > -signatureAge // a clock that was set back makes none old
}

// making is the one of a message that is young enough, or a new one.
func (s *Signatures) making(id spooled.ID, now time.Time) *Making {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.of[id]; k != nil && now.Sub(k.since) < signatureAge {
		return k
	}
	if s.of == nil {
		s.of = map[spooled.ID]*Making{}
	}
	if s.of[id] == nil {
		s.order = append(s.order, id)
	}
	for ; len(s.order) > mostSigned; s.order = s.order[1:] {
		delete(s.of, s.order[0])
	}
	k := &Making{since: now}
	s.of[id] = k
	return k
}

// Forget frees what is kept of a message that has left the spool.
func (s *Signatures) Forget(id spooled.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, id)
}

// prepare has all signatures of a message ready to be made. domain is the account's among
// those that sign.
func (s *Signatures) prepare(msg *spooled.Message, now time.Time) (parts []*sign.Prepared, domain string, err error) {
	defer guard(&err)
	header, err := s.header(msg.ID)
	if err != nil {
		return nil, "", err
	}
	keys, err := s.keysFor(msg, header)
	if err != nil {
		return nil, "", err
	}
	covered := &sign.Message{Header: header, BodyHash: msg.BodyHash}
	for _, k := range keys {
		p, err := sign.Prepare(covered, k, now)
		if err != nil {
			return nil, "", err
		}
		parts = append(parts, p)
		if k != s.cfg.Load().HostKey {
			domain = k.Domain
		}
	}
	return parts, domain, nil
}

// keysFor are the keys that sign a message: the host's for relay's own mail, else those of
// the domain in its From field. The host's key is added for accounts that ask for it, but
// never where the From field is of the host's own organization: anybody could write that.
func (s *Signatures) keysFor(msg *spooled.Message, header []byte) (keys []*sign.Key, err error) {
	host := s.cfg.Load().HostKey
	own := msg.Own != "" || msg.About != spooled.ID{}
	if own && host != nil {
		return []*sign.Key{host}, nil
	}
	if own {
		return nil, nil
	}
	from := fromDomain(header)
	g, service, err := s.spool.Signing.For(msg.Account, from)
	if err != nil {
		return nil, err
	}
	for i := range g.Keys {
		private, err := s.signer(&g.Keys[i])
		if err != nil {
			return nil, err
		}
		keys = append(keys, &sign.Key{Domain: g.Domain, Selector: g.Keys[i].Selector, Private: private})
	}
	if service && host != nil && !maildomain.SameOrganization(from, host.Domain) {
		keys = append(keys, host)
	}
	return keys, nil
}

// signer is a private key that was read before, or is now.
func (s *Signatures) signer(k *signing.Key) (crypto.Signer, error) {
	s.mu.Lock()
	private := s.signers[k.Public]
	s.mu.Unlock()
	if private != nil {
		return private, nil
	}
	private, err := k.Signer()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signers == nil || len(s.signers) >= mostSigners {
		s.signers = map[string]crypto.Signer{}
	}
	s.signers[k.Public] = private
	return private, nil
}
