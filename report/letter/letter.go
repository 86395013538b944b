package letter

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
	"unicode/utf8"

	"relay/report/invoice"
	"relay/store/maildomain"
)

// Letter is a mail of relay's own.
type Letter struct {
	Host    string    // ours
	From    string    // sender; "": postmaster at Host
	Name    string    // who it is from, for people; "": not said
	ReplyTo string    // where answers go; "": to postmaster
	To      string    // an address without a name, as on the wire
	ID      string    // makes the Message-ID, unique at Host
	Date    time.Time // its zone is written
	Subject string
	Text    string // lines end with \n
	HTML    string // likewise
}

// Mail is a finished message.
type Mail struct {
	MessageID string // with brackets
	Content   []byte // header and body, CRLF
	SMTPUTF8  bool   // To has UTF-8, and so has the header: it needs hosts with SMTPUTF8
}

// Build makes the message. It fails where To, From or ReplyTo is no address.
func (l *Letter) Build() (m Mail, err error) {
	if l.From != "" && !isAddress(l.From) {
		return m, fmt.Errorf("%q is not a mail address", l.From)
	}
	if !isAddress(l.To) {
		return m, fmt.Errorf("%q is not a mail address", l.To)
	}
	if l.ReplyTo != "" && !isAddress(l.ReplyTo) {
		return m, fmt.Errorf("%q is not a mail address", l.ReplyTo)
	}
	m.MessageID = "<" + l.ID + "@" + l.Host + ">"
	m.SMTPUTF8 = !ascii(l.To) || !ascii(l.From) || !ascii(l.ReplyTo)
	boundary := l.boundary()
	var b bytes.Buffer
	field(&b, "From", l.from())
	if l.ReplyTo != "" {
		field(&b, "Reply-To", "<"+l.ReplyTo+">")
	}
	field(&b, "To", "<"+l.To+">")
	field(&b, "Subject", mime.QEncoding.Encode("utf-8", invoice.Clean(l.Subject)))
	field(&b, "Date", l.Date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	field(&b, "Message-ID", m.MessageID)
	field(&b, "Auto-Submitted", "auto-generated")
	field(&b, "MIME-Version", "1.0")
	field(&b, "Content-Type", `multipart/alternative; boundary="`+boundary+`"`)
	b.WriteString("\r\n")
	m.Content, err = l.parts(&b, boundary)
	return m, err
}

// from is the field From. net/mail would write an address in UTF-8 as ASCII that means
// another one.
func (l *Letter) from() string {
	address := cmp.Or(l.From, "postmaster@"+l.Host)
	if ascii(address) {
		return (&mail.Address{Name: invoice.Clean(l.Name), Address: address}).String()
	}
	named, _ := strings.CutSuffix((&mail.Address{Name: invoice.Clean(l.Name), Address: "x@x"}).String(), "<x@x>")
	return named + "<" + address + ">"
}

func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

// boundary is one that no part can contain (RFC 2045 §6.7): in quoted-printable no
// underscore follows an equals sign.
func (l *Letter) boundary() string {
	sum := sha256.Sum256([]byte(l.ID + "\x00" + l.Text))
	return "=_" + hex.EncodeToString(sum[:15])
}

// parts are the alternatives, the plainest first (RFC 2046 §5.1.4).
func (l *Letter) parts(b *bytes.Buffer, boundary string) ([]byte, error) {
	w := multipart.NewWriter(b)
	if err := w.SetBoundary(boundary); err != nil {
		return nil, err
	}
	for _, p := range []struct{ kind, text string }{{"text/plain", l.Text}, {"text/html", l.HTML}} {
		out, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Type": {p.kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}})
		if err != nil {
			return nil, err
		}
		q := quotedprintable.NewWriter(out)
		if _, err := q.Write([]byte(p.text)); err != nil {
			return nil, err
		}
		if err := q.Close(); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// foldAt is where a line of the header is folded if it has a space.
const foldAt = 76

// field writes a field, folded at spaces. Nothing in value can end it.
func field(b *bytes.Buffer, name, value string) {
	b.WriteString(name + ":")
	column := len(name) + 1
	for i, word := range strings.FieldsFunc(value, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		if i > 0 && column+1+len(word) > foldAt {
			b.WriteString("\r\n")
			column = 0
		}
		b.WriteString(" " + word)
		column += 1 + len(word)
	}
	b.WriteString("\r\n")
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// Recipient is an address as it goes out, its domain in A-labels, and that domain.
func Recipient(address string) (to, domain string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	_, domain, ok = maildomain.Parse(strings.TrimSuffix(address[at+1:], "."))
	return address[:max(at, 0)] + "@" + domain, domain, ok && at > 0
}
