package invoice

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"relay/store"
)

// Options are what the operator's documents have in common.
type Options struct {
	Prefix string         // before the number
	Zone   *time.Location // of dates; nil: UTC
	Link   string         // template of where to pay, see Document.FillLink; "": nowhere
	Text   string         // template of how to pay, see Document.FillText; "": not said
}

// Number of an invoice as it is shown.
func (o Options) Number(n uint64) string { return o.Prefix + strconv.FormatUint(n, 10) }

// ParseNumber reads a number as it is shown, or without the prefix.
func (o Options) ParseNumber(text string) (uint64, error) {
	text = strings.TrimSpace(text)
	bare := text
	if n := len(o.Prefix); len(text) > n && strings.EqualFold(text[:n], o.Prefix) {
		bare = text[n:]
	}
	n, err := strconv.ParseUint(bare, 10, 64)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not the number of an invoice such as %s", text, o.Number(17))
	}
	return n, nil
}

// New is the document of what the store keeps as an invoice.
func New(i *store.Invoice, o Options) *Document {
	zone := o.Zone
	if zone == nil {
		zone = time.UTC
	}
	d := &Document{
		Number: o.Number(i.Number), CreditNote: i.Kind == store.CreditNote, State: State(i.State), Account: i.Account,
		Issued: in(i.Issued, zone), Due: in(i.Due, zone), Period: i.Period,
		Seller: i.Seller, Buyer: i.Buyer, Reason: i.Reason,
		Currency: i.Currency, Net: i.Net, Tax: i.Tax, Total: i.Total, Paid: i.Paid,
	}
	if i.About != 0 {
		d.About = o.Number(i.About)
	}
	for _, l := range i.Lines {
		d.Lines = append(d.Lines, Line{
			Text: l.Text, Count: l.Count, Price: l.Price, Net: l.Net, Rate: l.TaxRate, Tax: l.Tax,
		})
	}
	d.Link, d.Instructions = d.FillLink(o.Link), d.FillText(o.Text)
	return d
}

// in the zone; no time stays none.
func in(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}
