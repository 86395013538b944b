package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"

	"relay/store/bucket"
	"relay/store/sent"
	"relay/store/spooled"
)

// A token names a recipient of a message in a reverse-path (VERP), so that what comes back
// there is known to be about that recipient. It is what an entry of the index of what was sent
// begins with: the hash of the Message-ID (8 octets), the hash of the mailbox (6) and the ID of
// the message (16). So it finds that entry for as long as the index has it, 90 days, whether the
// trace is kept so long or not (trace_keep), and nothing is stored for it. A MAC (8) follows:
// nobody can make one up. All is in base32, since local parts are folded on the way, and the
// case of its letters means nothing: 61 letters and digits, 63 with TokenPrefix. A local part
// may have 64 (RFC 5321 §4.5.3.1.1).
//
// The address of the recipient is in the trace only. Once that is gone, a report by token still
// counts for its account, once, and goes to the account's contact, since the sender is not known
// any more. It lists and suppresses the recipient if it names the recipient itself: the hash of
// the address that it names is compared with that of the entry, so that a recipient who knows a
// token can have nobody else suppressed. If it names another address, or none, nobody is
// suppressed.
//
// Mail that went out before had another token: the ID, the index of the recipient (2) and a MAC
// (10). Such tokens find their message by the trace, as they did.
type token struct {
	id   spooled.ID
	hash sent.Hash
	box  sent.Box
	rcpt uint16 // of an older token: the index of the recipient, in place of hash and box
	old  bool
}

const (
	tokenBody    = sent.KeySize
	tokenMAC     = 8
	oldTokenBody = 18
	oldTokenMAC  = 10
)

var tokenLetters = base32.StdEncoding.WithPadding(base32.NoPadding)

// BounceToken is that of a recipient of a message, by its index.
func (s *Store) BounceToken(m *spooled.Message, rcpt int) string {
	e := sent.Entry{Message: s.hashOfMessage(m.MessageID, m.ID), Mailbox: s.hashOfMailbox(m.Recipients[rcpt].Mailbox()), ID: m.ID}
	raw := e.AppendKey(make([]byte, 0, tokenBody+tokenMAC))
	raw = append(raw, s.tokenMAC(raw, tokenMAC)...)
	return strings.ToLower(tokenLetters.EncodeToString(raw))
}

// TokenPrefix begins the local part of an address with a token.
const TokenPrefix = "b+"

// ReturnPath is the reverse-path of a recipient's copy, at a domain whose mail comes back to
// relay.
func (s *Store) ReturnPath(m *spooled.Message, rcpt int, domain string) string {
	return TokenPrefix + s.BounceToken(m, rcpt) + "@" + domain
}

// parseToken reads a token; ok is false for what is none of ours.
func (s *Store) parseToken(text string) (is token, ok bool) {
	body, mac := tokenBody, tokenMAC
	if is.old = len(text) == tokenLetters.EncodedLen(oldTokenBody+oldTokenMAC); is.old {
		body, mac = oldTokenBody, oldTokenMAC
	}
	if len(text) != tokenLetters.EncodedLen(body+mac) {
		return token{}, false
	}
	raw, err := tokenLetters.DecodeString(strings.ToUpper(text))
	if err != nil || !hmac.Equal(raw[body:], s.tokenMAC(raw[:body], mac)) {
		return token{}, false
	}
	if is.old {
		is.id, is.rcpt = spooled.ID(raw[:16]), binary.BigEndian.Uint16(raw[16:])
		return is, true
	}
	e := sent.ReadKey(raw)
	is.id, is.hash, is.box = e.ID, e.Message, e.Mailbox
	return is, true
}

func (s *Store) tokenMAC(body []byte, n int) []byte { return s.sentHash("token", body)[:n] }

var keySent = []byte("sent") // in bucket "meta": the key of tokens, and of the hashes of what was sent

// loadSentKey reads that key. The first Open makes it. A store that is only read and has none
// gets one that nobody can have used.
func (s *Store) loadSentKey(readOnly bool) error {
	err := s.view(func(t *tx) error { copy(s.sentKey[:], t.Get(bucket.Meta, keySent)); return nil })
	if err != nil || s.sentKey != [32]byte{} {
		return err
	}
	_, _ = rand.Read(s.sentKey[:])
	if readOnly {
		return nil
	}
	return s.update(0, func(t *tx) error { return t.Put(bucket.Meta, keySent, s.sentKey[:]) })
}

// sentHash is a keyed hash of a text, another one for each purpose.
func (s *Store) sentHash(purpose string, text []byte) []byte {
	h := hmac.New(sha256.New, s.sentKey[:])
	h.Write([]byte(purpose))
	h.Write([]byte{0})
	h.Write(text)
	return h.Sum(nil)
}
