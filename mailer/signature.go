package mailer

import (
	"bytes"
	"crypto"
	"errors"
	"io"
	"net/mail"
	"strings"
	"sync"
	"time"

	"relay/mailer/sign"
	"relay/store"
	"relay/store/maildomain"
)

// A message is signed at its first attempt, by all that sign for it (store.SigningFor).
// All but the private key operation is done when its envelope is written, which tells its
// length; the operation, which takes about as long as ten messages without one, when the
// content is needed, and while replies are on their way where that is known before.
// The signature is stored with the outcome, so that later attempts send the same one, and
// until then kept in memory, for attempts at other sites at the same time. A crash before
// it is stored has it made again.

const (
	signatureAge  = 3 * 24 * time.Hour // from which on a signature is made anew: receivers need some of its lifetime
	mostSigned    = 2000               // signatures in memory
	mostHeader    = 1 << 20            // octets of a header section that is signed
	mostSigners   = 16                 // private keys in memory, of which a rotation adds one
	headerAtFirst = 4 << 10            // octets that most header sections do not exceed
)

// signatures are those of messages in hand.
type signatures struct {
	mu      sync.Mutex
	of      map[store.ID]*making
	order   []store.ID
	signers map[string]crypto.Signer // by public key
}

// making is a signature that one attempt makes and others wait for.
type making struct {
	prepare, sign sync.Once
	since         time.Time
	parts         []*sign.Prepared // until it is made
	length        int64            // octets that it will have
	domain        string           // of the account that signs; "": only the host does
	made          store.Signature
}

// signing prepares the signature of a message, if there is none that is young enough; nil
// where nobody signs.
func (m *Mailer) signing(msg *store.Message) *making {
	if len(msg.BodyHash) == 0 {
		return nil
	}
	now := m.store.Now()
	if young(&msg.Signature, now) {
		return &making{made: msg.Signature, length: int64(len(msg.Signature.Fields))}
	}
	k := m.signatures.making(msg.ID, now)
	k.prepare.Do(func() {
		parts, domain, err := m.prepare(msg, k.since)
		if err != nil {
			m.logUnsigned(msg, err)
		}
		if len(parts) == 0 {
			m.signatures.forget(msg.ID) // the next attempt asks again
		}
		for _, p := range parts {
			k.length += int64(p.Len())
		}
		k.parts, k.domain = parts, domain
	})
	return k
}

// size is how many octets a signature will add; none: nobody signs.
func (k *making) size() int64 {
	if k == nil {
		return 0
	}
	return k.length
}

// signature makes what was prepared. Its Fields are "" where nobody signs.
func (k *making) signature() (_ store.Signature, err error) {
	if k == nil {
		return store.Signature{}, nil
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
			k.made = store.Signature{Fields: string(fields), Made: k.since, Domain: k.domain}
		}
		k.parts = nil
	})
	return k.made, err
}

// sign makes the signature of an attempt's message, where no other attempt has.
func (a *attempt) sign() {
	made, err := a.signing.signature()
	if err != nil {
		a.m.logUnsigned(a.job.message, err)
		a.m.signatures.forget(a.job.message.ID) // the next attempt asks again
	}
	a.signature = made
}

func young(s *store.Signature, now time.Time) bool {
	age := now.Sub(s.Made)
	return !s.Made.IsZero() && age < signatureAge && age > -signatureAge // a clock that was set back makes none old
}

// making is the one of a message that is young enough, or a new one.
func (s *signatures) making(id store.ID, now time.Time) *making {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.of[id]; k != nil && now.Sub(k.since) < signatureAge {
		return k
	}
	if s.of == nil {
		s.of = map[store.ID]*making{}
	}
	if s.of[id] == nil {
		s.order = append(s.order, id)
	}
	for ; len(s.order) > mostSigned; s.order = s.order[1:] {
		delete(s.of, s.order[0])
	}
	k := &making{since: now}
	s.of[id] = k
	return k
}

// forget frees what is kept of a message that has left the spool.
func (s *signatures) forget(id store.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, id)
}

// prepare has all signatures of a message ready to be made. domain is the account's among
// those that sign.
func (m *Mailer) prepare(msg *store.Message, now time.Time) (parts []*sign.Prepared, domain string, err error) {
	defer guard(&err)
	header, err := m.header(msg.ID)
	if err != nil {
		return nil, "", err
	}
	keys, err := m.keysFor(msg, header)
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
		if k != m.config().HostKey {
			domain = k.Domain
		}
	}
	return parts, domain, nil
}

// keysFor are the keys that sign a message: the host's for relay's own mail, else those of
// the domain in its From field. The host's key is added for accounts that ask for it, but
// never where the From field is of the host's own organization: anybody could write that.
func (m *Mailer) keysFor(msg *store.Message, header []byte) (keys []*sign.Key, err error) {
	host := m.config().HostKey
	own := msg.Own != "" || msg.About != store.ID{}
	if own && host != nil {
		return []*sign.Key{host}, nil
	}
	if own {
		return nil, nil
	}
	from := fromDomain(header)
	g, service, err := m.store.SigningFor(msg.Account, from)
	if err != nil {
		return nil, err
	}
	for i := range g.Keys {
		private, err := m.signatures.signer(&g.Keys[i])
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
func (s *signatures) signer(k *store.SigningKey) (crypto.Signer, error) {
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

var errLongHeader = errors.New("the header section is too long to be signed")

// header reads a message's header section, with the blank line where it has one.
func (m *Mailer) header(id store.ID) ([]byte, error) {
	body := m.store.OpenBody(id)
	defer func() { _ = body.Close() }()
	b := make([]byte, 0, headerAtFirst)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := body.Read(b[len(b):cap(b)])
		from := max(len(b)-len(blankLine), 0)
		b = b[:len(b)+n]
		if i := bytes.Index(b[from:], blankLine); i >= 0 {
			return b[:from+i+len(blankLine)], nil
		}
		switch {
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		case len(b) > mostHeader:
			return nil, errLongHeader
		}
	}
}

var blankLine = []byte("\r\n\r\n")

// fromDomain is the domain of the first author, in lower case A-labels; "": there is none.
func fromDomain(header []byte) string {
	from, _ := sign.Value(header, "From")
	address := ""
	switch list, err := mail.ParseAddressList(from); {
	case err != nil: // receivers read less strictly than the parser
		address, _, _ = strings.Cut(from[strings.LastIndexByte(from, '<')+1:], ">")
	case len(list) > 0: // a group may be empty
		address = list[0].Address
	}
	domain, _ := nextHopDomain(strings.TrimSpace(address))
	return domain
}

// signed is a message behind its signature, which is made when the message is read. It is
// read through WriteTo where the reader knows that, as the store's is.
type signed struct {
	attempt *attempt // nil: head has what is left of the signature
	head    string
	body    *store.BodyReader
}

// begin makes the signature.
func (s *signed) begin() {
	if s.attempt != nil {
		s.attempt.sign()
		s.head, s.attempt = s.attempt.signature.Fields, nil
	}
}

// Read implements io.Reader.
func (s *signed) Read(p []byte) (int, error) {
	if s.begin(); s.head != "" {
		n := copy(p, s.head)
		s.head = s.head[n:]
		return n, nil
	}
	return s.body.Read(p)
}

// WriteTo implements io.WriterTo.
func (s *signed) WriteTo(w io.Writer) (int64, error) {
	s.begin()
	n, err := io.WriteString(w, s.head)
	s.head = s.head[n:]
	if err != nil {
		return int64(n), err
	}
	more, err := s.body.WriteTo(w)
	return int64(n) + more, err
}
