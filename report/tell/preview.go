package tell

import (
	"encoding/base64"
	"fmt"
	"strings"

	"relay/report/letter"
	"relay/store"
	"relay/store/news"
	"relay/store/spool"
	"relay/store/spooled"
)

// Preview is a mail as its first reader gets it.
type Preview struct {
	To       []string // addresses of all readers; none: nobody has one
	Language string
	Subject  string
	Text     string
	HTML     string // with its picture in it, for a browser
	Message  []byte // as it is sent
}

// Preview makes a mail for a person to look at, in a language; "": the reader's. It goes out
// to nobody.
func (w *Writer) Preview(t *store.Told, language string) (*Preview, error) {
	k, ok := Find(t.News.Kind)
	if !ok {
		return nil, fmt.Errorf("there is no kind of mail %q", t.News.Kind)
	}
	at, told := *w, *t
	if language != "" {
		at.Language, told.Account.Language = language, language
	}
	if k.Name == news.Source {
		at.Source = sampleSource
	}
	readers := at.readers(&k, &told)
	p := &Preview{}
	for _, r := range readers {
		p.To = append(p.To, r.to)
	}
	r := reader{kind: k, role: k.To[0], to: "nobody@example.org", reseller: k.OfMoney() && told.Reseller != nil}
	if len(readers) > 0 {
		r = readers[0]
	}
	l, err := at.letter(r, &told)
	if err != nil {
		return nil, err
	}
	l.To, l.ID = r.to, "preview"
	m, err := l.Build()
	if err != nil {
		return nil, err
	}
	p.Language, p.Subject, p.Text, p.HTML, p.Message = l.Language, l.Subject, l.Text, l.HTML, m.Content
	if l.Picture != nil {
		p.HTML = strings.Replace(p.HTML, "cid:"+letter.ChartID, "data:image/png;base64,"+base64.StdEncoding.EncodeToString(l.Picture), 1)
	}
	return p, nil
}

// WriteTo makes the mail for an address that somebody has named, as its reader gets it where it
// is one of those that are told.
func (w *Writer) WriteTo(address string, t *store.Told, id spooled.ID) (n spool.Notice, err error) {
	k, ok := Find(t.News.Kind)
	to, domain, good := letter.Recipient(address)
	if !ok || !good {
		return n, fmt.Errorf("%q is no address that mail can go to", address)
	}
	r := reader{kind: k, role: k.To[0], to: to, domain: domain, reseller: k.OfMoney() && t.Reseller != nil}
	for _, is := range w.readers(&k, t) {
		if is.to == to && is.kind.Name == k.Name {
			r.role, r.reseller = is.role, is.reseller
		}
	}
	return w.mail(r, t, id.String())
}

// Readers are the addresses that a mail goes to.
func (w *Writer) Readers(t *store.Told) (list []string) {
	if k, ok := Find(t.News.Kind); ok {
		for _, r := range w.readers(&k, t) {
			list = append(list, r.to)
		}
	}
	return list
}
