// Package bodyhash makes the body hash of a DKIM signature (RFC 6376 §3.7) while a
// message is written, so that signing it later does not read its body again.
//
// The header section is passed over. The body is brought into relaxed canonical form
// (RFC 6376 §3.4.4) and hashed with SHA-256: white space at the end of a line goes, other
// runs of it become one space, and empty lines at the end do not count. The hash does
// not depend on how the message is cut into pieces, and keeps nothing of it.
package bodyhash

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Size of a hash, in octets.
const Size = sha256.Size

// Hash is the body hash of a message that is being written to it. It is not safe for
// several goroutines.
type Hash struct {
	sum  hash.Hash
	body bool // the blank line after the header section has come
	text bool // of the header line at hand some was seen, beside its CR

	ends  int  // line ends that are hashed if text follows
	space bool // white space that is hashed if text follows in the line
	cr    bool // a CR that is a line end if LF follows
	any   bool // some text was hashed
}

// New begins a message.
func New() *Hash { return &Hash{sum: sha256.New()} }

// Of is the body hash of a whole message.
func Of(message []byte) []byte {
	h := New()
	_, _ = h.Write(message)
	return h.Sum()
}

// Write takes the next octets of the message. It never fails.
func (h *Hash) Write(p []byte) (int, error) {
	n := len(p)
	if !h.body {
		p = h.header(p)
	}
	for len(p) > 0 {
		p = h.next(p)
	}
	return n, nil
}

// Sum is the hash of all that was written. Nothing may be written after it.
func (h *Hash) Sum() []byte {
	if h.cr {
		h.put(crOctet)
	}
	if h.any { // an empty body has no line end (RFC 6376 §3.4.4)
		h.sum.Write(crlf)
	}
	return h.sum.Sum(nil)
}

// header passes over the header section, and returns what follows it.
func (h *Hash) header(p []byte) []byte {
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			h.text = h.text || len(bytes.TrimSuffix(p, crOctet)) > 0
			return nil
		}
		blank := !h.text && len(bytes.TrimSuffix(p[:i], crOctet)) == 0
		h.text = false
		if p = p[i+1:]; blank {
			h.body = true
			return p
		}
	}
}

var (
	crlf    = []byte("\r\n")
	crOctet = []byte("\r")
	blanks  = " \t\r\n"
)

// next takes some octets from the beginning of p and returns the others.
func (h *Hash) next(p []byte) []byte {
	if h.cr {
		if h.cr = false; p[0] != '\n' {
			h.put(crOctet)
		}
	}
	switch p[0] {
	case '\n':
		h.ends++
		h.space = false
	case ' ', '\t':
		h.space = true
	case '\r':
		h.cr = true
	default:
		n := len(bytes.TrimRight(p[:plain(p)], blanks))
		h.put(p[:n])
		return p[n:]
	}
	return p[1:]
}

// put hashes text, and before it what only counts because text follows.
func (h *Hash) put(text []byte) {
	for ; h.ends > 0; h.ends-- {
		h.sum.Write(crlf)
	}
	if h.space {
		h.space = false
		h.sum.Write(space)
	}
	h.any = true
	h.sum.Write(text)
}

var space = []byte(" ")

// plain is how many octets of p, which begins with text, are in canonical form as they
// are: up to a tab, a space before another or before a line end, or a bare LF. It looks at
// eight octets at a time.
func plain(p []byte) int {
	i := 0
	for ; i+9 <= len(p); i += 8 {
		x, y := binary.LittleEndian.Uint64(p[i:]), binary.LittleEndian.Uint64(p[i+1:])
		odd := equal(x, '\t') | equal(x, ' ')&(equal(y, ' ')|equal(y, '\r')) | equal(y, '\n')&^equal(x, '\r')
		if odd != 0 {
			break
		}
	}
	for ; i < len(p); i++ {
		last := i+1 == len(p)
		switch {
		case p[i] == '\t', p[i] == ' ' && (last || p[i+1] == ' ' || p[i+1] == '\r'), !last && p[i+1] == '\n' && p[i] != '\r':
			return i + 1
		}
	}
	return i
}

const (
	ones = 0x0101010101010101
	low7 = 0x7f7f7f7f7f7f7f7f
)

// equal has the highest bit of each octet of v set that is c.
func equal(v, c uint64) uint64 {
	v ^= c * ones
	return ^((v&low7 + low7) | v | low7)
}
