package invoice

import (
	"time"

	"relay/store/ledger"
)

// Options are what the operator's documents have in common.
type Options struct {
	Zone *time.Location // of dates; nil: UTC
	Link string         // template of where to pay, see Document.FillLink; "": nowhere
	Text string         // template of how to pay, see Document.FillText; "": not said

	By map[string]Instructions // in place of Link and Text, by the method that was chosen
}

// Instructions are how one pays by a method: templates as those of Options.
type Instructions struct{ Link, Text string }

// how an invoice is to be paid.
func (o Options) how(method string) Instructions {
	if is, ok := o.By[method]; ok {
		return is
	}
	return Instructions{o.Link, o.Text}
}

// New is the document of what the store keeps as an invoice.
func New(i *ledger.Invoice, o Options) *Document {
	zone := o.Zone
	if zone == nil {
		zone = time.UTC
	}
	d := &Document{
		Number: i.Name, CreditNote: i.Kind == ledger.CreditNote, State: State(i.State), Account: i.Account, Reference: i.Reference,
		About: i.Names, Issued: in(i.Issued, zone), Due: in(i.Due, zone), Period: i.Period,
		Seller: i.Seller, Buyer: i.Buyer, Reason: i.Reason,
		Currency: i.Currency, Net: i.Net, Tax: i.Tax, Total: i.Total, Paid: i.Paid,
	}
	for _, l := range i.Lines {
		d.Lines = append(d.Lines, Line{
			Text: l.Text, Count: l.Count, Price: l.Price, Net: l.Net, Rate: l.TaxRate, Tax: l.Tax,
		})
	}
	for _, t := range i.Taxes {
		d.Taxes = append(d.Taxes, Tax(t))
	}
	how := o.how(i.Method)
	d.Link, d.Instructions = d.FillLink(how.Link), d.FillText(how.Text)
	return d
}

// in the zone; no time stays none.
func in(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}
