package store

import (
	"cmp"
	"fmt"
	"time"

	"relay/quota"
)

// News that the books cause follow from what an order enters: they are stored by apply, in
// the order's transaction. So a dry run stores none, and a crash leaves either both or
// neither. The kinds:
//
//   - order, invoice: each invoice and credit note. The overage's goes with the month's
//     report, where the account gets one;
//   - receipt, reversal: each payment, and each that was taken back;
//   - suspended, resumed: where the account's Status is another one after the order;
//   - month: each period that was closed and had mail, money or errors;
//   - ended: the account's last period was closed and nothing follows, or the account was
//     closed;
//   - overdue: an invoice that remind has marked, see dun.go;
//   - ending: see warn.go.

// lateNews is how long after the end of a period or a term it is still news. So a store that
// was not opened for a year tells nobody about that year.
const lateNews = 62 * 24 * time.Hour

// addNews stores what the order means for the account's customer.
func (d *deal) addNews() error {
	if d.silent {
		return nil
	}
	for i := range d.entries {
		n, err := d.newsOf(&d.entries[i])
		if err != nil {
			return err
		}
		if err := d.addOne(n); err != nil {
			return err
		}
	}
	if d.overdue != 0 {
		if err := d.addOne(News{Kind: NewsOverdue, About: numberText(d.overdue)}); err != nil {
			return err
		}
	}
	return d.addOne(d.endOfTerms())
}

// addOne adds news of the account; one without a kind is none.
func (d *deal) addOne(n News) error {
	if n.Kind == "" {
		return nil
	}
	n.Account = d.a.Name
	n.Due = cmp.Or(n.Due, d.t.wall)
	n.Since = cmp.Or(n.Since, d.t.now)
	return d.t.addNews(n)
}

// newsOf is what an entry means for the customer.
func (d *deal) newsOf(e *Entry) (n News, err error) {
	n = News{About: numberText(e.Seq), Since: e.Time, Why: e.Note}
	switch e.Kind {
	case KindInvoice, KindCreditNote:
		n = News{Kind: d.paperNews(e), About: e.Ref}
	case KindPayment:
		n.Kind = NewsReceipt
	case KindReversal:
		n.Kind = NewsReversal
	case KindSuspended:
		if n.Kind = d.turned(Suspended, NewsSuspended); e.Cause == CauseUnpaid {
			n.Reason = string(CauseUnpaid)
		} else if d.a.Abuse {
			n.Reason = ReasonAbuse
		}
	case KindResumed:
		n.Kind = d.turned(Active, NewsResumed)
		n.Reason = string(e.Cause)
	case KindClosed:
		return d.monthNews(e)
	case KindWarned:
		n = News{Kind: NewsEnding, About: fmt.Sprintf("%s %d", e.Period, e.Days), Step: e.Days, Until: d.a.TermEnd()}
	case KindEnded:
		if d.was.Open != "" && e.Cause != CauseRemoved {
			n.Kind, n.Reason, n.About = NewsEnded, ReasonClosed, d.a.lastTerm().TermKey()
		}
	}
	return n, nil
}

// Reasons of news of states.
const (
	ReasonAbuse  = "abuse"  // of suspended: the account is marked for it
	ReasonClosed = "closed" // of ended: the account is closed for good, before its term was over
)

// paperNews is how an invoice or credit note is told; "": with the month's report.
func (d *deal) paperNews(e *Entry) NewsKind {
	i := d.invoices[e.Invoice()]
	switch {
	case i.Order != nil && i.State == InvoiceOpen:
		return NewsOrder
	case i.Kind == ForOverage && d.a.Reseller == "" && d.reports(e.Time):
		return ""
	}
	return NewsInvoice
}

// turned is kind where the order has brought the account into a state in which it was not.
// Of a new account nobody needs to be told that it may send.
func (d *deal) turned(to AccountState, kind NewsKind) NewsKind {
	was, is := d.was.Status(), d.a.Status()
	if is != to || was == to || to == Active && was != Suspended {
		return ""
	}
	return kind
}

// reports is whether the account gets a report on a period that ended then.
func (d *deal) reports(end time.Time) bool {
	return d.a.Contact != "" && d.a.Wants(TopicMonth) && d.t.now.Sub(end) < lateNews
}

// monthNews is the report on a period that was closed; none for one without mail, money and
// errors.
func (d *deal) monthNews(e *Entry) (n News, err error) {
	if !d.reports(e.Time) {
		return n, nil
	}
	n = News{Kind: NewsMonth, About: e.Period, Since: e.Time, Due: d.t.s.nextLook(d.t.wall)}
	if d.t.usage(d.a.Name, e.Period).Charged != (quota.Charge{}) {
		return n, nil
	}
	_, p, ok := d.a.Contracts.Find(e.Period, d.zone())
	if !ok {
		p = quota.Period{Key: e.Period, End: e.Time}
	}
	had, err := d.hadMoney(p)
	if err == nil && !had {
		had, err = d.hadErrors(p)
	}
	if err != nil || had {
		return n, err
	}
	return News{}, nil
}

// hadErrors reports whether mail was given up in a period, which may be mail of the one
// before.
func (d *deal) hadErrors(p quota.Period) (bool, error) {
	list, err := d.t.errorsBefore(d.a.Name, p.Start, "", 1)
	return len(list) > 0, err
}

// hadMoney reports whether money moved in a period without mail, whose entries are few.
func (d *deal) hadMoney(p quota.Period) (yes bool, err error) {
	moved := func(e *Entry) bool {
		return e.Money != 0 && (e.Period == "" || e.Period == p.Key) && !e.Time.Before(p.Start) && !e.Time.After(p.End)
	}
	for i := range d.entries {
		yes = yes || moved(&d.entries[i])
	}
	d.t.newest(d.a.Name, func(k, raw []byte) bool {
		var e Entry
		if err = decode("ledger", k, raw, &e); err != nil || yes {
			return false
		}
		yes = moved(&e)
		return !e.Time.Before(p.Start)
	})
	return yes, err
}

// endOfTerms is the news that the last term is over and nothing follows.
func (d *deal) endOfTerms() (n News) {
	if d.was.Open == "" || d.a.Open != "" || d.a.State == Closed || d.t.now.Sub(d.a.TermEnd()) >= lateNews {
		return n
	}
	return News{Kind: NewsEnded, About: d.a.lastTerm().TermKey(), Since: d.a.TermEnd()}
}

// SetLook says when the next daily look is after a time. What is to be told at the hour of
// the look, and not at once, is due then. Without it, it is due at once.
func (s *Store) SetLook(next func(time.Time) time.Time) { s.look.Store(&next) }

func (s *Store) nextLook(t time.Time) time.Time {
	if next := s.look.Load(); next != nil {
		return (*next)(t)
	}
	return t
}
