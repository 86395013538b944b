package tell

import (
	"cmp"
	"slices"
	"time"

	"relay/report/chart"
	"relay/report/invoice"
	"relay/report/letter"
	"relay/report/letter/wording"
	"relay/store"
	"relay/store/ledger"
	"relay/store/mailsyntax"
	"relay/store/news"
	"relay/store/people"
	"relay/store/spool"
	"relay/store/spooled"
)

// Config is how relay writes.
type Config struct {
	Host     string // where mail is handed over
	Seller   string // "": not said
	From     string // sender; "": postmaster at Host
	Contact  string // where answers of customers go; "": to From
	Operator string // the operator's own address; "": not told
	Language string // "en", "de" or "it", where the account says nothing

	RenewLink   string // templates of how to renew, see letter.HowToRenew; "": not said
	RenewText   string
	UpgradeLink string // templates of where plan, limit and mail are chosen, see letter.HowToChange; "": not said
	ChoiceLink  string
	AccessLink  string // likewise, of where logins are seen and revoked
	Guides      string // web address below which the guides for customers are; "": not said

	SigningZone string   // below which the keys are that customers' domains delegate to
	Selectors   []string // of these keys

	Expire    time.Duration   // how long a mail is tried
	Invoices  invoice.Options // how invoices are shown
	Templates *wording.Set    // nil: relay's

	// Digest reads how the relay stands; nil: nobody knows, and there is no digest.
	Digest func() (*Digest, error) `json:"-"`

	Wrong func(error) `json:"-"` // hears of what was replaced or left out; nil: nobody does
}

// Writer writes mails as of an instant.
type Writer struct {
	Config
	Now  time.Time
	Zone *time.Location

	Source Source  // that mail of kind source tells of, see WriteSource
	Answer *Answer // that mail of kinds test and errors gives; nil: an invented one

	digest *Digest // of Write; nil: an invented one
}

var relays = wording.Relays(View{})

// Write makes the mails of what there is to tell. A reader without an address that mail can
// go to gets none. They have IDs of their own beside the one given.
func (w *Writer) Write(t *store.Told, id spooled.ID) ([]spool.Notice, error) {
	k, ok := Find(t.News.Kind)
	if !ok {
		return nil, nil
	}
	var list []spool.Notice
	readers := w.readers(&k, t)
	if k.Name == news.Digest && len(readers) > 0 {
		if worth, err := w.readDigest(); err != nil || !worth {
			return nil, err
		}
	}
	for _, r := range readers {
		n, err := w.mail(r, t, id.String()+r.suffix)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

// readDigest reports whether there is something to tell.
func (w *Writer) readDigest() (worth bool, err error) {
	if w.Digest == nil {
		return false, nil
	}
	if w.digest, err = w.Digest(); err != nil {
		return false, err
	}
	return w.digest.Something(), nil
}

// reader is somebody that a mail is written to.
type reader struct {
	kind     Kind
	role     Role
	to       string
	domain   string
	suffix   string // of the mail's ID
	reseller bool   // it is the reseller of the account
}

// readers of a kind, each address once: the contact as far as the account wants it, and those
// who pay for a payment request in any case.
func (w *Writer) readers(k *Kind, t *store.Told) (list []reader) {
	add := func(k Kind, role Role, address, suffix string) {
		to, domain, ok := letter.Recipient(address)
		if ok && mailsyntax.IsAddress(to) && !slices.ContainsFunc(list, func(r reader) bool { return r.to == to }) {
			list = append(list, reader{k, role, to, domain, suffix, (k.OfMoney() || role == Payer) && t.Reseller != nil})
		}
	}
	a := &t.Account
	billing := cmp.Or(a.BillingContact, a.Contact)
	if t.Reseller != nil && k.OfMoney() {
		billing = t.Reseller.Contact
	}
	for _, role := range k.To {
		switch {
		case role == Contact && a.Wants(k.Topic):
			add(*k, role, a.Contact, "")
		case role == Desk:
			add(*k, role, t.News.About, "")
		case role == Billing:
			add(*k, role, billing, "-b")
		case role == Abuse && (t.Signs != nil || t.News.Reason == news.ReasonAbuse):
			add(*k, role, a.AbuseContact, "-a")
		case role == Payer && t.Reseller != nil && (t.Signs != nil || ofInvoice(t.News.Reason)):
			add(*k, role, t.Reseller.Contact, "-p")
		case role == Operator && (k.Name != news.LoginHeld || t.News.Reason == string(people.HeldByRelay)): // of other holds it knows, or need not
			add(*k, role, w.Operator, "-o")
		}
	}
	if t.Signs != nil {
		add(*k, Operator, w.Operator, "-o")
	}
	if k.Name == news.Month && t.Reseller == nil && t.Report != nil && t.Report.Invoice != nil {
		request, _ := Find(news.Invoice) // its own mail, to those who pay and do not get the report
		add(request, Billing, billing, "-b")
	}
	return list
}

// ofInvoice reports whether an account's state follows from an invoice.
func ofInvoice(reason string) bool {
	return reason == string(ledger.CauseUnpaid) || reason == string(ledger.CausePaid)
}

// mail is the message to a reader.
func (w *Writer) mail(r reader, t *store.Told, id string) (n spool.Notice, err error) {
	l, err := w.letter(r, t)
	if err != nil {
		return n, err
	}
	l.To, l.ID = r.to, id
	m, err := l.Build()
	if err != nil {
		return n, err
	}
	return spool.Notice{Body: m.Content, Message: spooled.Message{
		Expires: w.Now.Add(w.Expire), MessageID: m.MessageID, SMTPUTF8: m.SMTPUTF8, EightBit: m.SMTPUTF8,
		Recipients: []spooled.Recipient{{Address: r.to, Domain: r.domain}},
	}}, nil
}

// WriteSource tells the operator of a source; nil: there is no address that mail can go to.
func (w *Writer) WriteSource(s Source, id spooled.ID) (*spool.Notice, error) {
	k, _ := Find(news.Source)
	t := &store.Told{News: news.Item{Kind: news.Source, About: s.Name, Since: w.Now}}
	w.Source = s
	for _, r := range w.readers(&k, t) {
		n, err := w.mail(r, t, id.String())
		return &n, err
	}
	return nil, nil
}

// letter is what a reader gets, but for the address.
func (w *Writer) letter(r reader, t *store.Told) (*letter.Letter, error) {
	v := w.view(r, t)
	v.Source = w.Source
	lang := w.language(r, t)
	days := chartOf(t.Report, lang, w.Now.In(w.Zone), w.Zone)
	if days != nil {
		v.ChartAlt = days.Alt()
	}
	p, err := w.page(lang, r.kind.Name, v)
	if err != nil {
		return nil, err
	}
	html, err := p.HTML()
	if err != nil {
		return nil, err
	}
	l := &letter.Letter{Host: w.Host, From: w.From, Name: v.Seller, Date: w.Now.In(w.Zone), Subject: p.Subject, Text: p.Text(), HTML: html,
		Topic: string(r.kind.Topic), Language: lang, ReplyTo: w.replyTo(v.Contact)}
	if w.Seller == "" && !v.Resold {
		l.Name = "" // the host's name is no person's
	}
	if v.Choosable {
		l.Choice = v.ChoiceLink
	}
	if days != nil && p.HasChart() {
		l.Picture, err = chart.PNG(*days)
		w.wrong(err)
	}
	l.Files = w.files(r, t, lang)
	if r.kind.Answers() {
		w.reply(l, t)
	}
	return l, nil
}

// page in the words of the operator, else of relay.
func (w *Writer) page(lang string, kind news.Kind, v *View) (*letter.Page, error) {
	set := w.Templates
	if set == nil {
		set = relays
	}
	p, err := set.Page(lang, string(kind), v)
	if p == nil {
		return nil, err
	}
	w.wrong(err)
	p.Seller = v.Seller
	return p, nil
}

func (w *Writer) wrong(err error) {
	if err != nil && w.Wrong != nil {
		w.Wrong(err)
	}
}

// language of the reader: the account's, of the operator the configured one.
func (w *Writer) language(r reader, t *store.Told) string {
	if r.role == Operator || r.role == Desk || r.reseller {
		return cmp.Or(w.Language, "en")
	}
	return cmp.Or(t.Account.Language, w.Language, "en")
}

// replyTo is where answers go. The contact of a reseller may be one that no mail can go to.
func (w *Writer) replyTo(contact string) string {
	for _, c := range []string{contact, w.Contact} {
		if to, _, ok := letter.Recipient(c); ok {
			return to
		}
	}
	return ""
}
