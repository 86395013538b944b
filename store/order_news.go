package store

import (
	"cmp"
	"fmt"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/room"
)

// News of the books follows from what an order enters, and is stored in the order's transaction.
// So a dry run stores none, and a crash leaves either both or neither. The kinds:
//
//   - order, invoice: each invoice and credit note. The overage's goes with the month's
//     report, where the account gets one;
//   - receipt, reversal: each payment, and each that was taken back;
//   - refund: what an order paid back, in one sum;
//   - correction, credit: money and credit that the operator has entered by hand. What relay
//     corrects itself is told by the credit note or the refund that it goes with;
//   - suspended, resumed: where the account's Status is another one after the order;
//   - month: each period that was closed and had mail, money or errors;
//   - ended: the account's last period was closed and nothing follows, or the account was
//     closed;
//   - overdue: an invoice that orders.RemindBy has marked;
//   - ending: a warning by orders.Warn.

// lateNews is how long after the end of a period or a term it is still news. So a store that
// was not opened for a year tells nobody about that year.
const lateNews = 62 * 24 * time.Hour

// orderNews is what an order has done, with its transaction.
type orderNews struct {
	*orders.Result
	t *tx
}

// addNews stores what the account's customer is to be told of an order.
func (t *tx) addNews(done *orders.Result) error {
	d := &orderNews{done, t}
	for i := range d.Entries {
		n, err := d.newsOf(&d.Entries[i])
		if err != nil {
			return err
		}
		if err := d.addOne(n); err != nil {
			return err
		}
	}
	if d.Overdue != 0 {
		if err := d.addOne(news.Item{Kind: news.Overdue, About: ledger.NumberText(d.Overdue)}); err != nil {
			return err
		}
	}
	return d.addOne(d.endOfTerms())
}

// addOne adds news of the account; one without a kind is none.
func (d *orderNews) addOne(n news.Item) error {
	if n.Kind == "" {
		return nil
	}
	n.Account = d.Is.Name
	n.Due = cmp.Or(n.Due, d.t.Wall)
	n.Since = cmp.Or(n.Since, d.t.Now)
	return d.t.s.News.Add(&d.t.Tx, n)
}

// newsOf is what an entry means for the customer.
func (d *orderNews) newsOf(e *ledger.Entry) (n news.Item, err error) {
	n = news.Item{About: ledger.NumberText(e.Seq), Since: e.Time, Why: e.Note}
	switch e.Kind {
	case ledger.KindInvoice, ledger.KindCreditNote:
		n = news.Item{Kind: d.paperNews(e), About: e.Ref}
	case ledger.KindPayment:
		n.Kind = news.Receipt
	case ledger.KindReversal:
		n.Kind = news.Reversal
	case ledger.KindRefund:
		if n.Money = d.paidBack(e); n.Money > 0 {
			n.Kind = news.Refund
		}
	case ledger.KindCorrection:
		switch {
		case e.Cause != "":
		case e.Money != 0:
			n.Kind = news.Correction
		case e.Units > 0:
			n.Kind = news.Credit
		}
	case ledger.KindSuspended:
		n.Kind, n.Reason = d.suspendedNews(e)
	case ledger.KindResumed:
		n.Kind = d.turned(ledger.Active, news.Resumed)
		n.Reason = string(e.Cause)
	case ledger.KindClosed:
		return d.monthNews(e)
	case ledger.KindWarned:
		n = news.Item{Kind: news.Ending, About: fmt.Sprintf("%s %d", e.Period, e.Days), Step: e.Days, Until: d.Is.TermEnd()}
	case ledger.KindEnded:
		if d.Was.Open != "" && e.Cause != ledger.CauseRemoved {
			n.Kind, n.Reason, n.About = news.Ended, news.ReasonClosed, d.Is.LastTerm().TermKey()
		}
	}
	return n, nil
}

// suspendedNews is the kind of news of a suspension, and its reason.
func (d *orderNews) suspendedNews(e *ledger.Entry) (kind news.Kind, reason string) {
	kind = d.turned(ledger.Suspended, news.Suspended)
	switch {
	case e.Cause == ledger.CauseAbuse: // also where an unpaid invoice held it back already
		return news.Suspended, news.ReasonAbuse
	case e.Cause == ledger.CauseUnpaid:
		return kind, string(ledger.CauseUnpaid)
	case d.Is.Abuse:
		return kind, news.ReasonAbuse
	}
	return kind, ""
}

// paidBack is what the order pays back in all, for the first of its entries that do; 0 for
// the others.
func (d *orderNews) paidBack(first *ledger.Entry) (sum int64) {
	for i := range d.Entries {
		if e := &d.Entries[i]; e.Kind == ledger.KindRefund {
			if e.Seq < first.Seq {
				return 0
			}
			sum -= e.Money
		}
	}
	return sum
}

// paperNews is how an invoice or credit note is told; "": with the month's report.
func (d *orderNews) paperNews(e *ledger.Entry) news.Kind {
	i := d.Invoices[e.Invoice()]
	switch {
	case i.Order != nil && i.State == ledger.InvoiceOpen:
		return news.Order
	case i.Kind == ledger.ForOverage && d.Is.Reseller == "" && d.reports(e.Time):
		return ""
	}
	return news.Invoice
}

// turned is kind where the order has brought the account into a state in which it was not.
// Of a new account nobody needs to be told that it may send.
func (d *orderNews) turned(to ledger.AccountState, kind news.Kind) news.Kind {
	was, is := d.Was.Status(), d.Is.Status()
	if is != to || was == to || to == ledger.Active && was != ledger.Suspended {
		return ""
	}
	return kind
}

// reports is whether the account gets a report on a period that ended then.
func (d *orderNews) reports(end time.Time) bool {
	return d.Is.Contact != "" && d.Is.Wants(news.TopicMonth) && d.t.Now.Sub(end) < lateNews
}

// monthNews is the report on a period that was closed; none for one without mail, money and
// errors.
func (d *orderNews) monthNews(e *ledger.Entry) (n news.Item, err error) {
	if !d.reports(e.Time) {
		return n, nil
	}
	n = news.Item{Kind: news.Month, About: e.Period, Since: e.Time, Due: d.t.s.nextLook(d.t.Wall)}
	if d.t.s.Books.ChargesIn(&d.t.Tx, d.Is.Name, e.Period).Charged != (quota.Charge{}) {
		return n, nil
	}
	_, p, ok := d.Is.Contracts.Find(e.Period, d.t.s.zone)
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
	return news.Item{}, nil
}

// hadErrors reports whether mail was given up in a period, which may be mail of the one
// before.
func (d *orderNews) hadErrors(p quota.Period) (bool, error) {
	list, _, err := d.t.s.Refusals.Newest(&d.t.Tx, d.Is.Name, p.Start, 1)
	return len(list) > 0, err
}

// hadMoney reports whether money moved in a period without mail, whose entries are few.
func (d *orderNews) hadMoney(p quota.Period) (yes bool, err error) {
	moved := func(e *ledger.Entry) bool {
		return e.Money != 0 && (e.Period == "" || e.Period == p.Key) && !e.Time.Before(p.Start) && !e.Time.After(p.End)
	}
	for i := range d.Entries {
		yes = yes || moved(&d.Entries[i])
	}
	d.t.s.Books.LedgerBackwards(&d.t.Tx, d.Is.Name, func(k, raw []byte) bool {
		var e ledger.Entry
		if err = room.Decode(bucket.Ledger, k, raw, &e); err != nil || yes {
			return false
		}
		yes = moved(&e)
		return !e.Time.Before(p.Start)
	})
	return yes, err
}

// endOfTerms is the news that the last term is over and nothing follows.
func (d *orderNews) endOfTerms() (n news.Item) {
	if d.Was.Open == "" || d.Is.Open != "" || d.Is.State == ledger.Closed || d.t.Now.Sub(d.Is.TermEnd()) >= lateNews {
		return n
	}
	return news.Item{Kind: news.Ended, About: d.Is.LastTerm().TermKey(), Since: d.Is.TermEnd()}
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
