package delivered

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"

	"relay/store/sent"
	"relay/store/spooled"
)

// Token names a recipient of a message in a reverse-path (VERP), so that what comes back there is
// known to be about that recipient. As text it has the octets that an entry of the index begins
// with: the hash of the Message-ID (8 octets), the hash of the mailbox (6) and the ID of the message
// (16). So it finds that entry for as long as the index has it, 90 days, whether or not the trace is
// kept so long (trace_keep), and nothing is stored for it. A MAC (8) follows: nobody can make one
// up. All is in base32, since local parts are folded on the way, and the case of its letters means
// nothing: 61 letters and digits, 63 with TokenPrefix. A local part may have 64 (RFC 5321
// §4.5.3.1.1).
//
// The address of the recipient is in the trace only. Once that is gone, a report by token still
// counts for its account, once, and goes to the account's contact, since the sender is not known
// any more. It lists and suppresses the recipient if it names the recipient itself: the hash of
// the address that it names is compared with that of the entry, so that a recipient who knows a
// token can have nobody else suppressed. If it names another address, or none, nobody is
// suppressed.
//
// Mail that went out before had another token: the ID, the index of the recipient (2) and a MAC
// (10). Such a token finds its message by the trace only.
type Token struct {
	ID   spooled.ID
	Hash sent.Hash
	Box  sent.Box
	Old  bool
	Rcpt int // of an old token: the index of the recipient, in place of Hash and Box
}

// TokenPrefix begins the local part of an address with a token.
const TokenPrefix = "b+"

const (
	tokenBody    = sent.KeySize
	tokenMAC     = 8
	oldTokenBody = 18
	oldTokenMAC  = 10
)

var tokenLetters = base32.StdEncoding.WithPadding(base32.NoPadding)

// Token is that of a recipient of a message, by its index.
func (x *Index) Token(m *spooled.Message, rcpt int) string {
	e := sent.Entry{Message: x.Hash(m.MessageID, m.ID), Mailbox: x.Box(m.Recipients[rcpt].Mailbox()), ID: m.ID}
	raw := e.AppendKey(make([]byte, 0, tokenBody+tokenMAC))
	raw = append(raw, x.mac(raw, tokenMAC)...)
	return strings.ToLower(tokenLetters.EncodeToString(raw))
}

// ReturnPath is the reverse-path of a recipient's copy, at a domain whose mail comes back to
// relay.
func (x *Index) ReturnPath(m *spooled.Message, rcpt int, domain string) string {
	return TokenPrefix + x.Token(m, rcpt) + "@" + domain
}

// KnowsToken reports whether a text is a token that the index made. It reads nothing.
func (x *Index) KnowsToken(text string) bool {
	_, ok := x.ParseToken(text)
	return ok
}

// ParseToken reads a token; ok is false for what is none of ours.
func (x *Index) ParseToken(text string) (is Token, ok bool) {
	body, mac := tokenBody, tokenMAC
	if is.Old = len(text) == tokenLetters.EncodedLen(oldTokenBody+oldTokenMAC); is.Old {
		body, mac = oldTokenBody, oldTokenMAC
	}
	if len(text) != tokenLetters.EncodedLen(body+mac) {
		return Token{}, false
	}
	raw, err := tokenLetters.DecodeString(strings.ToUpper(text))
	if err != nil || !hmac.Equal(raw[body:], x.mac(raw[:body], mac)) {
		return Token{}, false
	}
	if is.Old {
		is.ID, is.Rcpt = spooled.ID(raw[:16]), int(binary.BigEndian.Uint16(raw[16:]))
		return is, true
	}
	e := sent.ReadKey(raw)
	is.ID, is.Hash, is.Box = e.ID, e.Message, e.Mailbox
	return is, true
}

// mac is the first n octets of the MAC of a token.
func (x *Index) mac(body []byte, n int) []byte {
	h := hmac.New(sha256.New, x.key[:])
	h.Write([]byte("token\x00"))
	h.Write(body)
	return h.Sum(nil)[:n]
}
