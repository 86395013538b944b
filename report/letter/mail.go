package letter

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"relay/report/invoice"
	"relay/store/maildomain"
	"relay/store/mailsyntax"
)

// Letter is a mail of relay's own.
type Letter struct {
	Host    string    // ours
	From    string    // sender; "": postmaster at Host
	Name    string    // who it is from, for people; "": not said
	ReplyTo string    // where answers go; "": to From
	To      string    // an address without a name, as on the wire
	ID      string    // makes the Message-ID, unique at Host
	Date    time.Time // its zone is written
	Subject string
	Text    string // lines end with \n
	HTML    string // likewise

	Topic     string // makes the List-Id (RFC 2919); "": none
	Choice    string // web address where such mail can be ended (RFC 2369); "": none
	Language  string // of text (RFC 3282); "": not said
	Answers   bool   // it answers a mail: InReplyTo, "": that one had no Message-ID
	InReplyTo string // with brackets
	Picture   []byte // a PNG that HTML shows as cid: and ChartID; nil: none
	Files     []File // attached
}

// File is an attachment.
type File struct {
	Name string // ASCII
	Type string // such as text/csv; charset=utf-8
	Data []byte
}

// Mail is a finished message.
type Mail struct {
	MessageID string // with brackets
	Content   []byte // header and body, CRLF
	SMTPUTF8  bool   // an address has UTF-8, and so has the header: it needs hosts with SMTPUTF8
}

// Build makes the message. It fails where To, From or ReplyTo is no address.
func (l *Letter) Build() (m Mail, err error) {
	for _, address := range []string{l.To, cmp.Or(l.From, l.To), cmp.Or(l.ReplyTo, l.To)} {
		if !mailsyntax.IsAddress(address) {
			return m, fmt.Errorf("%q is not a mail address", address)
		}
	}
	m.MessageID = "<" + l.ID + "@" + l.Host + ">"
	m.SMTPUTF8 = !mailsyntax.IsASCII(l.To) || !mailsyntax.IsASCII(l.From) || !mailsyntax.IsASCII(l.ReplyTo)
	content, err := l.content()
	if err != nil {
		return m, err
	}
	var b bytes.Buffer
	l.header(&b, m.MessageID)
	for _, name := range []string{"Content-Type", "Content-Transfer-Encoding"} {
		if v := content.header.Get(name); v != "" {
			field(&b, name, v)
		}
	}
	b.WriteString("\r\n")
	b.Write(content.body)
	m.Content = b.Bytes()
	return m, nil
}

// header writes all fields but those about the content's MIME parts.
func (l *Letter) header(b *bytes.Buffer, id string) {
	field(b, "From", l.from())
	if l.ReplyTo != "" {
		field(b, "Reply-To", "<"+l.ReplyTo+">")
	}
	field(b, "To", "<"+l.To+">")
	field(b, "Subject", mime.QEncoding.Encode("utf-8", invoice.Clean(l.Subject)))
	field(b, "Date", l.Date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	field(b, "Message-ID", id)
	if l.InReplyTo != "" {
		field(b, "In-Reply-To", l.InReplyTo)
		field(b, "References", l.InReplyTo)
	}
	field(b, "Auto-Submitted", l.auto())
	if l.Topic != "" {
		field(b, "List-Id", "<"+l.Topic+".reports."+l.Host+">")
	}
	if l.Choice != "" {
		field(b, "List-Unsubscribe", "<"+l.Choice+">")
	}
	if l.Language != "" {
		field(b, "Content-Language", l.Language)
	}
	field(b, "MIME-Version", "1.0")
}

// auto says that no person wrote it (RFC 3834 §5).
func (l *Letter) auto() string {
	if l.Answers {
		return "auto-replied"
	}
	return "auto-generated"
}

// from is the field From. net/mail would write an address in UTF-8 as ASCII that means
// another one.
func (l *Letter) from() string {
	address := cmp.Or(l.From, "postmaster@"+l.Host)
	if mailsyntax.IsASCII(address) {
		return (&mail.Address{Name: invoice.Clean(l.Name), Address: address}).String()
	}
	named, _ := strings.CutSuffix((&mail.Address{Name: invoice.Clean(l.Name), Address: "x@x"}).String(), "<x@x>")
	return named + "<" + address + ">"
}

// part of a message: the fields that say how it is made, and its octets.
type part struct {
	header textproto.MIMEHeader
	body   []byte
}

// content is as deep as the letter needs: multipart/mixed where there are attachments,
// in it the alternatives, of which HTML is multipart/related where it shows a picture.
func (l *Letter) content() (part, error) {
	html := text("text/html", l.HTML)
	if l.Picture != nil {
		picture := encoded(File{Name: ChartID + ".png", Type: "image/png", Data: l.Picture}, "inline")
		picture.header.Set("Content-ID", "<"+ChartID+">")
		related, err := l.multipart(`related; type="text/html"`, "r", html, picture)
		if err != nil {
			return part{}, err
		}
		html = related
	}
	all, err := l.multipart("alternative", "a", text("text/plain", l.Text), html) // the plainest first (RFC 2046 §5.1.4)
	if err != nil || len(l.Files) == 0 {
		return all, err
	}
	parts := []part{all}
	for _, f := range l.Files {
		parts = append(parts, encoded(f, "attachment"))
	}
	return l.multipart("mixed", "m", parts...)
}

// multipart puts parts into one.
func (l *Letter) multipart(kind, mark string, parts ...part) (p part, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	boundary := l.boundary(mark)
	if err := w.SetBoundary(boundary); err != nil {
		return p, err
	}
	for _, one := range parts {
		out, err := w.CreatePart(one.header)
		if err != nil {
			return p, err
		}
		if _, err := out.Write(one.body); err != nil {
			return p, err
		}
	}
	err = w.Close()
	p.header = textproto.MIMEHeader{"Content-Type": {"multipart/" + kind + `; boundary="` + boundary + `"`}}
	p.body = b.Bytes()
	return p, err
}

// boundary is one that no part can contain (RFC 2045 §6.7): in quoted-printable no
// underscore follows an equals sign, and base64 has none. The same letter has the same.
func (l *Letter) boundary(mark string) string {
	sum := sha256.Sum256([]byte(l.ID + "\x00" + mark + l.Text))
	return "=_" + hex.EncodeToString(sum[:15])
}

func text(kind, content string) part {
	var b bytes.Buffer
	q := quotedprintable.NewWriter(&b)
	_, _ = q.Write([]byte(content)) // a buffer takes all
	_ = q.Close()
	return part{textproto.MIMEHeader{"Content-Type": {kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}}, b.Bytes()}
}

// encoded is a file in base64, in lines of 76 octets.
func encoded(f File, disposition string) part {
	const width = 57 // octets that make such a line
	var b bytes.Buffer
	for from := 0; from < len(f.Data); from += width {
		b.WriteString(base64.StdEncoding.EncodeToString(f.Data[from:min(from+width, len(f.Data))]) + "\r\n")
	}
	return part{textproto.MIMEHeader{
		"Content-Type":              {f.Type},
		"Content-Transfer-Encoding": {"base64"},
		"Content-Disposition":       {disposition + `; filename="` + f.Name + `"`},
	}, b.Bytes()}
}

// field writes a field. Nothing in value can end it.
func field(b *bytes.Buffer, name, value string) {
	b.Write(mailsyntax.AppendField(b.AvailableBuffer(), name, value))
}

// Recipient is an address as it goes out, its domain in A-labels, and that domain. It is not
// ok for a text that no letter can be built to.
func Recipient(address string) (to, domain string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	_, domain, ok = maildomain.Parse(strings.TrimSuffix(address[at+1:], "."))
	to = address[:max(at, 0)] + "@" + domain
	return to, domain, ok && mailsyntax.IsAddress(to)
}
