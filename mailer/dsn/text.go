package dsn

import (
	"mime"
	"net/textproto"
	"strings"
	"unicode/utf8"

	"relay/store/mailsyntax"
)

// sections of the text, in their order.
var sections = []struct {
	action Action
	title  string // Subject, where it is the first
	intro  string
}{
	{Failed, "Your message was not delivered", "It could not be delivered to:"},
	{Delayed, "Your message is delayed", "It has not been delivered yet to the recipients below. You need not do anything: it will be tried again."},
	{Relayed, "Your message was passed on", "It was handed to the mail host of the recipients below, which does not report any further:"},
	{Delivered, "Your message was delivered", "It was delivered to:"},
}

// subject tells the worst of the news.
func (p *Params) subject() string {
	for _, s := range sections {
		if p.has(s.action) {
			return s.title
		}
	}
	return "About your message"
}

func (p *Params) has(a Action) bool {
	for i := range p.Recipients {
		if p.Recipients[i].Action == a {
			return true
		}
	}
	return false
}

// text is the part for people.
func (p *Params) text(utf8Path bool) part {
	var t textWriter
	t.para("", "This is a notification from the mail system at "+p.Hostname+" about a message of yours.")
	t.about(p)
	for _, s := range sections {
		if !p.has(s.action) {
			continue
		}
		t.para("", s.intro)
		for i := range p.Recipients {
			if r := &p.Recipients[i]; r.Action == s.action {
				t.recipient(r)
			}
		}
	}
	t.para("", "Details for your mail administrator are attached.")
	pt := part{kind: "text/plain; charset=utf-8", about: "Notification", body: []byte(strings.TrimSuffix(t.String(), "\r\n"))}
	if mailsyntax.IsASCII(t.String()) {
		pt.kind = "text/plain; charset=us-ascii"
	}
	pt.encode(utf8Path)
	return pt
}

// textWriter writes paragraphs.
type textWriter struct{ strings.Builder }

// about tells which message it is.
func (t *textWriter) about(p *Params) {
	lines := 0
	say := func(name, value string) {
		if value != "" {
			t.wrap("  "+name, "    ", value)
			lines++
		}
	}
	say("Subject: ", p.originalSubject())
	if !p.Arrived.IsZero() {
		say("Sent:    ", p.Arrived.Format(dateFormat))
	}
	say("ID:      ", p.OriginalID)
	if lines > 0 {
		t.WriteString("\r\n")
	}
}

func (t *textWriter) recipient(r *Recipient) {
	t.wrap("  ", "  ", r.Address)
	switch {
	case !r.Suppressed.IsZero():
		t.suppressed(r)
	case r.Reply == "":
	case r.RemoteMTA != "":
		t.wrap("    ", "    ", "The mail host "+r.RemoteMTA+" said:")
		t.wrap("      ", "      ", r.Reply)
	default:
		t.wrap("    ", "    ", "Reason: "+r.Reply)
	}
	if r.Expired {
		t.wrap("    ", "    ", "It was tried until its time ran out, and will not be tried again.")
	}
	if r.Action == Delayed && !r.RetryUntil.IsZero() {
		t.wrap("    ", "    ", "It will be tried until "+r.RetryUntil.Format(dateFormat)+".")
	}
	if r.Action == Failed {
		t.wrap("    ", "    ", "What to do: "+advice(r))
	}
	t.WriteString("\r\n")
}

// suppressed tells why a recipient was not tried.
func (t *textWriter) suppressed(r *Recipient) {
	t.wrap("    ", "    ", "It was not tried: the address has been on your list of suppressed recipients since "+r.Suppressed.Format(dateFormat)+".")
	if r.Reply != "" {
		t.wrap("    ", "    ", "The reason was:")
		t.wrap("      ", "      ", r.Reply)
	}
}

// para writes a paragraph and an empty line.
func (t *textWriter) para(indent, s string) {
	t.wrap(indent, indent, s)
	t.WriteString("\r\n")
}

// textWidth is where lines of the text are wrapped.
const textWidth = 72

// wrap writes s in lines, the first after one indent, the others after another.
func (t *textWriter) wrap(first, indent, s string) {
	line := first
	empty := true
	for _, word := range strings.Fields(mailsyntax.Line(s)) {
		for word != "" {
			n := mailsyntax.Fit(word, mailsyntax.MaxWord)
			if !empty && len(line)+1+n > textWidth {
				t.WriteString(line + "\r\n")
				line, empty = indent, true
			}
			if !empty {
				line += " "
			}
			line += word[:n]
			empty = false
			word = word[n:]
		}
	}
	t.WriteString(strings.TrimRight(line, " ") + "\r\n")
}

// maxSubject is how much of the original's subject is quoted.
const maxSubject = 200

// originalSubject is the Subject of the original, decoded; "" none.
func (p *Params) originalSubject() string {
	raw := fieldValue(header(p.Original), "Subject")
	s, err := new(mime.WordDecoder).DecodeHeader(raw)
	if err != nil || !utf8.ValidString(s) {
		s = raw
	}
	s = strings.Join(strings.Fields(mailsyntax.Line(s)), " ")
	if n := mailsyntax.Fit(s, maxSubject); n < len(s) {
		s = s[:n] + "..."
	}
	return s
}

// fieldValue is the value of the first field of that name, unfolded.
func fieldValue(h []byte, name string) string {
	var value strings.Builder
	found := false
	for line := range strings.Lines(string(h)) {
		line = strings.TrimRight(line, "\r\n")
		if found {
			if line == "" || line[0] != ' ' && line[0] != '\t' {
				break
			}
			value.WriteString(" " + textproto.TrimString(line))
			continue
		}
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(textproto.TrimString(k), name) {
			value.WriteString(textproto.TrimString(v))
			found = true
		}
	}
	return value.String()
}
