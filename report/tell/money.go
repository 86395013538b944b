package tell

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"strconv"
	"strings"
	"time"

	"relay/quota"
	"relay/report/chart"
	"relay/report/invoice"
	"relay/report/letter"
	"relay/report/letter/wording"
	"relay/report/words"
	"relay/store"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/overview"
	"relay/store/refusals"
)

// money is what is sold and to be paid. Below a reseller it is between the two.
func (w *Writer) money(v *View, t *store.Told) {
	if v.Resold {
		return
	}
	if i := invoiceOf(t); i != nil {
		v.Invoice = w.invoice(i, v.Language)
	}
	if t.Entry != nil {
		w.moved(v, t)
	}
}

// moved is the money of an entry of the ledger, and what the account's balance is with it.
func (w *Writer) moved(v *View, t *store.Told) {
	e := t.Entry
	amount := func(n int64) wording.Amount { return wording.Amount{Minor: n, Currency: e.Currency} }
	switch e.Kind {
	case ledger.KindPayment, ledger.KindReversal:
		v.Payment = Payment{Amount: amount(max(e.Money, -e.Money)), Reference: e.Reference, Also: t.Also}
	case ledger.KindRefund:
		v.Payment = Payment{Amount: amount(cmp.Or(t.News.Money, -e.Money)), Reference: ledger.PaidBackRef(t.Account.Name, e.Seq)}
	case ledger.KindCorrection:
		v.Payment = Payment{Amount: amount(max(e.Money, -e.Money)), Less: e.Money < 0}
	default:
		return
	}
	v.Balance, v.Owed = amount(max(t.Account.Balance, 0)), amount(max(-t.Account.Balance, 0))
}

// invoiceOf what is told; nil: there is none.
func invoiceOf(t *store.Told) *ledger.Invoice {
	switch {
	case t.Invoice != nil:
		return t.Invoice
	case t.Report != nil:
		return t.Report.Invoice
	}
	return nil
}

func (w *Writer) invoice(i *ledger.Invoice, l words.Language) Invoice {
	doc := invoice.New(i, w.Invoices)
	amount := func(n int64) wording.Amount { return wording.Amount{Minor: n, Currency: i.Currency} }
	is := Invoice{Number: i.Name, Credit: i.Kind == ledger.CreditNote, Total: amount(i.Total), Paid: amount(i.Paid), Left: amount(doc.Left()),
		Due: w.in(i.Due), Suspends: w.in(i.Suspends), Expires: w.in(i.Expires)}
	is.Late = !is.Due.IsZero() && is.Due.Format(time.DateOnly) < w.in(w.Now).Format(time.DateOnly)
	if i.Dunned {
		is.Suspends = time.Time{}
	}
	var lines []string
	for _, line := range i.Lines {
		lines = append(lines, l.Printed(line.Text))
	}
	is.For = strings.Join(lines, "; ")
	if doc.Left() > 0 {
		is.Instructions, is.Link = invoice.Shown(doc.Instructions, doc.Link)
	}
	return is
}

// files that go with a mail to a reader.
func (w *Writer) files(r reader, t *store.Told, lang string) (list []letter.File) {
	if r.kind.Name == news.Month && t.Report != nil && len(t.Report.Errors) > 0 {
		list = append(list, letter.File{Name: "errors.csv", Type: "text/csv; charset=utf-8; header=present", Data: w.errorsCSV(t.Report.Errors, words.Spoken(lang))})
	}
	if r.kind.Name == news.Errors {
		all := w.answerOr(t).Errors
		return []letter.File{{Name: "errors.csv", Type: "text/csv; charset=utf-8; header=present", Data: w.errorsCSV(all, words.Spoken(lang))},
			{Name: "addresses.txt", Type: "text/plain; charset=utf-8", Data: addresses(all)}}
	}
	i := invoiceOf(t)
	if i == nil || t.Reseller != nil && !r.reseller || !r.kind.OfMoney() && r.kind.Name != news.Month {
		return list
	}
	var b bytes.Buffer
	if err := invoice.PDF(&b, invoice.New(i, w.Invoices)); err != nil {
		w.wrong(err)
		return list
	}
	return append(list, letter.File{Name: fileName(i.Name) + ".pdf", Type: "application/pdf", Data: b.Bytes()})
}

// fileName of an invoice's number, which may be R-17 or 2026/17.
func fileName(number string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, number)
}

// longestReply that the list of errors has.
const longestReply = 300

// errorsCSV is a list of errors as a spreadsheet reads it. A cell that would be a formula
// there begins with an apostrophe, since replies come from anybody.
func (w *Writer) errorsCSV(list []refusals.Entry, l words.Language) []byte {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	out.UseCRLF = true
	_ = out.Write([]string{"recipient", "advice", "category", "reason", "code", "reply", "first", "last", "count", "source", "message_id"}) // a buffer takes all
	for _, e := range list {
		row := []string{e.Recipient, e.Advice, e.Category, l.Failure(e.Category), strings.TrimSpace(e.Code + " " + e.Enhanced), words.Cut(invoice.Clean(e.Reply), longestReply),
			words.Stamp(e.First, w.Zone), words.Stamp(e.Last, w.Zone), strconv.FormatInt(e.Count, 10), e.Source, e.MessageID}
		for i := range row {
			row[i] = words.Guarded(row[i])
		}
		_ = out.Write(row)
	}
	out.Flush()
	return b.Bytes()
}

// chartOf a report's days; nil: there is nothing to show.
func chartOf(r *overview.Report, lang string, now time.Time, zone *time.Location) *chart.Days {
	if r == nil || len(r.Days) == 0 || r.Period.End.IsZero() {
		return nil
	}
	c := &chart.Days{Language: words.Spoken(lang), Period: r.Period.Key, First: r.Period.Start.In(zone), Last: quota.LastDay(r.Period.End, zone)}
	if now.Before(c.Last) {
		c.Until = now
	}
	for _, d := range r.Days {
		c.List = append(c.List, chart.Day{Day: d.Day, Emails: d.Emails, Bytes: d.Bytes})
	}
	return c
}
