package jobs

import (
	"relay/report/letter"
	"relay/store"
)

// Told writes the mails that tell customer and operator that an account's mail waits. An
// address that there is none of, or that mail cannot go to, gets none. Both have IDs of
// their own beside the one given.
func (r *Runner) Told(w *store.Told, id store.ID) (list []store.Notice, err error) {
	if w.News.Kind != store.NewsWaits && w.News.Kind != store.NewsHeld {
		return nil, nil
	}
	l := r.config().Letters
	seller, contact := l.Seller, l.Contact
	if w.Reseller != nil {
		seller, contact = w.Reseller.Name, w.Reseller.Contact
	}
	for _, x := range []struct {
		to, seller, contact, suffix string
		owner                       bool
	}{{w.Account.Contact, seller, contact, "", false}, {l.Operator, l.Seller, "", "-o", true}} {
		to, domain, ok := letter.Recipient(x.to)
		if !ok {
			continue
		}
		says := letter.Waits{Seller: x.seller, Host: l.Host, Contact: x.contact, Account: w.Account.Name, ToOwner: x.owner,
			Recipients: w.Waiting, Cap: w.Cap, LastDay: w.LastDay.In(r.store.Zone()),
			Provider: w.News.About, Reason: w.News.Reason, Reply: w.News.Why, Until: w.News.Until.In(r.store.Zone())}
		html, err := says.HTML()
		if err != nil {
			return nil, err
		}
		mail := letter.Letter{Host: l.Host, From: l.From, Name: x.seller, To: to, ID: id.String() + x.suffix, Date: r.store.Now().In(r.store.Zone()),
			Subject: says.Subject(), Text: says.Text(), HTML: html}
		if reply, _, ok := letter.Recipient(x.contact); ok {
			mail.ReplyTo = reply
		}
		m, err := mail.Build()
		if err != nil {
			continue // an address that no mail can go to
		}
		list = append(list, store.Notice{Body: m.Content, Message: store.Message{
			Expires: r.store.Now().Add(l.Expire), MessageID: m.MessageID, SMTPUTF8: m.SMTPUTF8, EightBit: m.SMTPUTF8,
			Recipients: []store.Recipient{{Address: to, Domain: domain}},
		}})
	}
	return list, nil
}
