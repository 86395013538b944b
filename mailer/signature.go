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
	once  sync.Once
	since time.Time
	made  store.Signature
}

// signature of a message, made if there is none that is young enough; its Fields are ""
// where nobody signs.
func (m *Mailer) signature(msg *store.Message) store.Signature {
	if len(msg.BodyHash) == 0 {
		return store.Signature{}
	}
	now := m.store.Now()
	if young(&msg.Signature, now) {
		return msg.Signature
	}
	k := m.signatures.making(msg.ID, now)
	k.once.Do(func() {
		fields, err := m.sign(msg, now)
		if err != nil {
			m.logUnsigned(msg, err)
		}
		if fields == "" {
			m.signatures.forget(msg.ID) // the next attempt asks again
			return
		}
		k.made = store.Signature{Fields: fields, Made: now}
	})
	return k.made
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

// sign makes the DKIM-Signature fields of a message.
func (m *Mailer) sign(msg *store.Message, now time.Time) (string, error) {
	header, err := m.header(msg.ID)
	if err != nil {
		return "", err
	}
	keys, err := m.keysFor(msg, header)
	if err != nil {
		return "", err
	}
	covered := &sign.Message{Header: header, BodyHash: msg.BodyHash}
	var fields bytes.Buffer
	for _, k := range keys {
		field, err := sign.Field(covered, k, now)
		if err != nil {
			return "", err
		}
		fields.Write(field)
	}
	return fields.String(), nil
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

// signed is a message behind its signature. It is read through WriteTo where the reader
// knows that, as the store's is.
type signed struct {
	head []byte
	body *store.BodyReader
}

// Read implements io.Reader.
func (s *signed) Read(p []byte) (int, error) {
	if len(s.head) > 0 {
		n := copy(p, s.head)
		s.head = s.head[n:]
		return n, nil
	}
	return s.body.Read(p)
}

// WriteTo implements io.WriterTo.
func (s *signed) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(s.head)
	s.head = s.head[n:]
	if err != nil {
		return int64(n), err
	}
	more, err := s.body.WriteTo(w)
	return int64(n) + more, err
}
