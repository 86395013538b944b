package jobs

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"relay/quota"
	"relay/report/invoice"
	"relay/report/letter"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

// mayTell fails for a customer with an address that no mail can go to.
func mayTell(w *store.Warning) error {
	if _, _, ok := letter.Recipient(w.To()); !ok {
		return fmt.Errorf("its contact %q is no address that mail can go to", w.To())
	}
	return nil
}

// write makes the mail of a warning, which will have that ID.
func (l *Letters) write(w *store.Warning, id store.ID, now time.Time, zone *time.Location) (n store.Notice, err error) {
	if err := mayTell(w); err != nil {
		return n, err
	}
	to, domain, _ := letter.Recipient(w.To())
	e := l.ending(w, zone)
	html, err := e.HTML()
	if err != nil {
		return n, err
	}
	mail := letter.Letter{Host: l.Host, From: l.From, Name: e.Seller, To: to, ID: id.String(), Date: now.In(zone),
		Subject: e.Subject(), Text: e.Text(), HTML: html}
	for _, contact := range []string{e.Contact, l.Contact} { // that of a reseller may be none that mail can go to
		if reply, _, ok := letter.Recipient(contact); ok && mail.ReplyTo == "" {
			mail.ReplyTo = reply
		}
	}
	m, err := mail.Build()
	return store.Notice{Body: m.Content, Message: store.Message{
		Expires: now.Add(l.Expire), MessageID: m.MessageID, SMTPUTF8: m.SMTPUTF8, EightBit: m.SMTPUTF8,
		Recipients: []store.Recipient{{Address: to, Domain: domain}},
	}}, err
}

// ending is what the mail says.
func (l *Letters) ending(w *store.Warning, zone *time.Location) *letter.Ending {
	p := &w.Contract.Plan
	e := &letter.Ending{Seller: l.Seller, Host: l.Host,
		Account: w.Account.Name, Reference: w.Account.Reference, Plan: p.Name, Holds: holds(p),
		LastDay: quota.LastDay(w.Contract.End, zone), Days: w.Days,
		Contact: l.Contact, RenewLink: l.RenewLink, RenewText: l.RenewText}
	if w.Reseller != nil {
		e.Resold, e.Seller, e.Contact, e.RenewLink, e.RenewText = true, w.Reseller.Name, w.Reseller.Contact, "", ""
	}
	if w.Account.Status() == store.Suspended {
		e.State = strings.TrimRight("suspended: "+cmp.Or(w.Account.Reason, w.Account.Hold), ": ")
	}
	if w.Sold != nil && w.Reseller == nil {
		e.Price, e.Amount = priceOf(w), money.Plain(w.Price, w.Currency)
	}
	if w.Credit > 0 {
		e.Credit = words.Units(w.Credit, p.Unit())
	}
	if w.Renewal != nil {
		e.Renewal = l.renewal(w.Renewal)
	}
	return e
}

// renewal is the invoice for a further term.
func (l *Letters) renewal(i *store.Invoice) *letter.Renewal {
	doc := invoice.New(i, l.Invoices)
	is := &letter.Renewal{Title: doc.Title(), Left: money.Format(doc.Left(), doc.Currency), Link: doc.Link, Instructions: doc.Instructions}
	if len(doc.Lines) > 0 {
		is.For = doc.Lines[0].Text
	}
	return is
}

// priceOf a further term of the same plan.
func priceOf(w *store.Warning) string {
	if w.Price == 0 {
		return "free"
	}
	text := money.Format(w.Price, w.Currency) + " a year"
	if w.Sold.Term == quota.Month {
		text = money.Format(w.Price, w.Currency) + " for 30 days"
	}
	if w.TaxRate != 0 {
		text += ", with " + w.TaxRate.String() + " tax"
	}
	return text
}

// holds is what a plan allows, "9,000 e-mails and 90 MB a month".
func holds(p *quota.Plan) string {
	return words.Allowance(limit(p.Emails), limit(p.Bandwidth)) + " " + words.PerPeriod(p.Term)
}

// limit is nil where there is none.
func limit(n int64) *int64 {
	n, limited := quota.Limit(n)
	if !limited {
		return nil
	}
	return &n
}
