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

	"relay/store/mailsyntax"
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
	case mailsyntax.IsASCII(p.body):
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
	h.utf8 = !mailsyntax.IsASCII(p.To)
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
	if len(s) < 3 || len(s) > 900 || s[0] != '<' || s[len(s)-1] != '>' || !mailsyntax.IsASCII(s) {
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

// field writes a field. Nothing in value can end it.
func (h *headerWriter) field(name, value string) {
	h.b = mailsyntax.AppendField(h.b, name, h.shown(value))
}

// shown is s without control characters, and without UTF-8 where that may not be.
func (h *headerWriter) shown(s string) string {
	if s = mailsyntax.Line(s); !h.utf8 {
		s = mailsyntax.ASCII(s)
	}
	return s
}
