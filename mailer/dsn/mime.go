package dsn

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"mime/quotedprintable"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// part is one body part of the report.
type part struct {
	kind     string // Content-Type
	about    string // Content-Description
	encoding string // Content-Transfer-Encoding
	body     []byte
}

// encode makes the body 7-bit, unless it may have 8.
func (p *part) encode(eightBit bool) {
	switch {
	case isASCII(string(p.body)):
		p.encoding = "7bit"
	case eightBit:
		p.encoding = "8bit"
	default:
		p.encoding = "quoted-printable"
		var b bytes.Buffer
		w := quotedprintable.NewWriter(&b)
		_, _ = w.Write(p.body) // a Buffer takes all
		_ = w.Close()
		p.body = b.Bytes()
	}
}

// assemble writes the header of the notification and its parts.
func (p *Params) assemble(id string, parts []part) []byte {
	boundary := boundary(id, parts)
	var h headerWriter
	h.utf8 = !isASCII(p.To)
	h.field("From", "Mail Delivery System <MAILER-DAEMON@"+p.Hostname+">")
	h.field("To", "<"+p.To+">")
	h.field("Subject", p.subject())
	h.field("Date", p.Date.Format(dateFormat))
	h.field("Message-ID", id)
	if isMessageID(p.OriginalID) {
		h.field("In-Reply-To", p.OriginalID)
		h.field("References", p.OriginalID)
	}
	h.field("Auto-Submitted", "auto-replied")
	h.field("MIME-Version", "1.0")
	h.field("Content-Type", `multipart/report; report-type=delivery-status; boundary="`+boundary+`"`)
	h.line("")
	h.line("This is a delivery status notification in MIME format.")
	for _, part := range parts {
		h.line("")
		h.line("--" + boundary)
		h.field("Content-Type", part.kind)
		h.field("Content-Description", part.about)
		h.field("Content-Transfer-Encoding", part.encoding)
		h.line("")
		h.b = append(h.b, part.body...)
	}
	h.line("")
	h.line("--" + boundary + "--")
	return h.b
}

// boundary is one that no part contains (RFC 2046 §5.1.1). It follows from the
// notification, so that the same one is always built the same.
func boundary(id string, parts []part) string {
	for n := 0; ; n++ {
		sum := sha256.New()
		sum.Write([]byte(id + strconv.Itoa(n)))
		taken := false
		for _, p := range parts {
			sum.Write(p.body)
		}
		b := "=_" + hex.EncodeToString(sum.Sum(nil)[:15])
		for _, p := range parts {
			taken = taken || bytes.Contains(p.body, []byte("--"+b))
		}
		if !taken {
			return b
		}
	}
}

const dateFormat = "Mon, 02 Jan 2006 15:04:05 -0700"

func newMessageID(host string) string {
	return "<" + time.Now().UTC().Format("20060102150405") + "." + strings.ToLower(rand.Text()) + "@" + host + ">"
}

// isMessageID reports whether s can stand in a header of ours.
func isMessageID(s string) bool {
	if len(s) < 3 || len(s) > 900 || s[0] != '<' || s[len(s)-1] != '>' || !isASCII(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) < 0
}

// headerWriter writes header fields and the groups of a delivery-status.
type headerWriter struct {
	b    []byte
	utf8 bool // UTF-8 may stay
}

func (h *headerWriter) line(s string) { h.b = append(append(h.b, s...), '\r', '\n') }

// foldAt is where a line is folded if it has a space, and maxWord where if it has none.
const (
	foldAt  = 76
	maxWord = 900
)

// field writes a field, folded at spaces. Nothing in value can end it.
func (h *headerWriter) field(name, value string) {
	h.b = append(append(h.b, name...), ':')
	column := len(name) + 1
	for _, word := range strings.Fields(clean(value, h.utf8)) {
		for first := true; first || word != ""; first = false {
			n := cut(word, maxWord)
			if column > len(name)+1 && column+1+n > foldAt || !first {
				h.b = append(h.b, '\r', '\n')
				column = 0
			}
			h.b = append(append(h.b, ' '), word[:n]...)
			column += 1 + n
			word = word[n:]
		}
	}
	h.b = append(h.b, '\r', '\n')
}

// cut is the length of s, or of as many whole characters of it as fit in max.
func cut(s string, max int) int {
	if len(s) <= max {
		return len(s)
	}
	n := max
	for n > max-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

// clean is s without control characters, and without UTF-8 where that may not be.
func clean(s string, keepUTF8 bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return ' '
		case r == utf8.RuneError, r >= 0x80 && (!keepUTF8 || !unicode.IsPrint(r)):
			return '?'
		}
		return r
	}, s)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
