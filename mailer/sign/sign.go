// Package sign makes DKIM signatures (RFC 6376, RFC 8463). It knows nothing of the queue.
//
//  1. The body's hash is made elsewhere, while the message comes in: see
//     relay/store/bodyhash. Only the header section is read here.
//  2. The header fields that a signature covers are brought into relaxed canonical form.
//     Those that receivers show or act on are named once more than they are there, so that
//     none can be added on the way (RFC 6376 §8.15).
//  3. One private key operation a signature, and the field is folded.
//
// A signature must be the last change to a message: it is written in front of it. There is
// no l=, which would let others add text; x= ends it after a week.
package sign

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Lifetime of a signature: x= is so long after t=.
const Lifetime = 7 * 24 * time.Hour

// Key signs for a domain.
type Key struct {
	Domain   string        // d=, lower case A-labels
	Selector string        // s=
	Private  crypto.Signer // RSA or Ed25519
}

// Message is what a signature covers.
type Message struct {
	Header   []byte // all of the header section, with CRLF at the end of each line
	BodyHash []byte // of relaxed canonical form, SHA-256
}

// Fields that every signature covers, each once more than it is there.
var always = []string{"From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post"}

// Fields that it covers where they are there: receivers read them only in signed form, or a
// change of them would change the message.
var present = []string{"Sender", "In-Reply-To", "References", "MIME-Version", "Content-Transfer-Encoding", "List-ID", "Feedback-ID"}

// Prepared is a signature of which only the private key operation is missing. That takes
// long, and what leaves before it wants to know its length.
type Prepared struct {
	key   *Key
	how   crypto.SignerOpts
	sum   [sha256.Size]byte
	field []byte // up to the value of b=
	value int    // octets of that, before they are encoded
}

// Prepare does all but the private key operation.
func Prepare(m *Message, k *Key, now time.Time) (*Prepared, error) {
	p := &Prepared{key: k, how: crypto.SHA256}
	algorithm := ""
	switch public := k.Private.Public().(type) {
	case *rsa.PublicKey:
		algorithm, p.value = "rsa-sha256", public.Size()
	case ed25519.PublicKey:
		algorithm, p.value = "ed25519-sha256", ed25519.SignatureSize
		p.how = crypto.Hash(0) // the key signs the hash as if it were the message (RFC 8463 §3)
	default:
		return nil, fmt.Errorf("sign: no algorithm for a key of type %T", public)
	}
	names, input := cover(split(m.Header), make([]byte, 0, len(m.Header)+atMost))
	p.field = unsigned(m, k, algorithm, names, now)
	input = appendCanonical(input, p.field)
	p.sum = sha256.Sum256(bytes.TrimSuffix(input, crlf)) // the field itself is without its line end (RFC 6376 §3.7)
	return p, nil
}

// Len is how many octets the field will have.
func (p *Prepared) Len() int {
	encoded := base64.StdEncoding.EncodedLen(p.value)
	return len(p.field) + encoded + (encoded-1)/foldAt*len(fold) + len(crlf)
}

// Field is the DKIM-Signature field with its CRLF, to be put in front of the message.
func (p *Prepared) Field() ([]byte, error) {
	value, err := p.key.Private.Sign(rand.Reader, p.sum[:], p.how)
	if err != nil {
		return nil, fmt.Errorf("sign for %s with %s: %w", p.key.Domain, p.key.Selector, err)
	}
	field := append(make([]byte, 0, p.Len()), p.field...)
	encoded := base64.StdEncoding.AppendEncode(nil, value)
	for ; len(encoded) > foldAt; encoded = encoded[foldAt:] {
		field = append(append(field, encoded[:foldAt]...), fold...)
	}
	return append(append(field, encoded...), crlf...), nil
}

// unsigned is the field up to the value of b=, which comes last.
func unsigned(m *Message, k *Key, algorithm string, names []string, now time.Time) []byte {
	b := append(make([]byte, 0, atMost), "DKIM-Signature: v=1; a="+algorithm+"; c=relaxed/relaxed;\r\n\td="+k.Domain+"; s="+k.Selector+";\r\n\tt="...)
	b = strconv.AppendInt(b, now.Unix(), 10)
	b = append(b, "; x="...)
	b = strconv.AppendInt(b, now.Add(Lifetime).Unix(), 10)
	b = append(b, ";\r\n\th="...)
	line := len("\th=")
	for i, name := range names {
		if i > 0 {
			b = append(b, ':')
			line++
		}
		if line+len(name) > foldAt {
			b = append(b, "\r\n\t "...)
			line = 2
		}
		b = append(b, name...)
		line += len(name)
	}
	b = append(b, ";\r\n\tbh="...)
	b = base64.StdEncoding.AppendEncode(b, m.BodyHash)
	return append(b, ";\r\n\tb="...)
}

// foldAt is about how long lines of the field are.
const (
	foldAt = 72
	fold   = "\r\n\t "
	atMost = 1200 // octets that a field is hardly longer than
)

// cover names the fields that are signed, and appends them in canonical form, in that
// order. Of several with one name the last comes first (RFC 6376 §5.4.2).
func cover(fields []field, b []byte) (names []string, input []byte) {
	names = make([]string, 0, 2*len(always)+len(present))
	add := func(name string, more bool) {
		for i := len(fields) - 1; i >= 0; i-- {
			if f := &fields[i]; len(f.name) == len(name) && strings.EqualFold(f.name, name) {
				names = append(names, name)
				b = appendCanonical(b, f.text)
			}
		}
		if more {
			names = append(names, name)
		}
	}
	for _, name := range always {
		add(name, true)
	}
	for _, name := range present {
		add(name, false)
	}
	return names, b
}

var crlf = []byte("\r\n")

// field of a header section.
type field struct {
	name string // as it is written
	text []byte // name, value, folds and the line end
}

// split cuts a header section into fields, and ends at its blank line. What is no field is
// left out.
func split(header []byte) (fields []field) {
	for len(header) > 0 && !bytes.HasPrefix(header, crlf) {
		n := length(header)
		name, _, ok := bytes.Cut(header[:n], []byte(":"))
		if ok {
			fields = append(fields, field{strings.TrimRight(string(name), " \t"), header[:n]})
		}
		header = header[n:]
	}
	return fields
}

// length of the first field with the lines that continue it.
func length(header []byte) int {
	for n := 0; ; {
		i := bytes.IndexByte(header[n:], '\n')
		if i < 0 {
			return len(header)
		}
		if n += i + 1; n == len(header) || header[n] != ' ' && header[n] != '\t' {
			return n
		}
	}
}

// appendCanonical appends the relaxed form of a field, with CRLF (RFC 6376 §3.4.2).
func appendCanonical(b, text []byte) []byte {
	name, value, _ := bytes.Cut(text, []byte(":"))
	for _, c := range bytes.TrimRight(name, " \t") {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	b = append(b, ':')
	gap, begun := false, false
	for _, c := range value {
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			gap = begun
			continue
		}
		if gap {
			b = append(b, ' ')
		}
		b = append(b, c)
		gap, begun = false, true
	}
	return append(b, crlf...)
}

// Value is the value of the first field of that name in a header section, unfolded; false
// when there is none.
func Value(header []byte, name string) (string, bool) {
	for _, f := range split(header) {
		if strings.EqualFold(f.name, name) {
			_, value, _ := bytes.Cut(f.text, []byte(":"))
			return string(bytes.TrimSpace(bytes.ReplaceAll(value, crlf, nil))), true
		}
	}
	return "", false
}
