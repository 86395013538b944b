package billing

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/invoice"
	"relay/store/ledger"
)

// Number is the request for one invoice.
type Number struct {
	Invoice string `path:"invoice" doc:"Number as it is printed, or without the prefix."`
}

// Document is the request for an invoice as it is sent.
type Document struct {
	Number
	Format string `query:"format" doc:"text, html or pdf. Default text."`
}

// Cancellation is the request to take an invoice back.
type Cancellation struct {
	Number
	Body struct {
		Reason string `json:"reason" doc:"The credit note says it."`
		DryRun bool   `json:"dry_run,omitempty" doc:"Show the figures and change nothing."`
	}
}

// InvoiceDetail is an invoice with all that is on it.
type InvoiceDetail struct {
	answer.Payable
	Reason *string       `json:"reason" doc:"Of a credit note; null: none was given."`
	Seller []string      `json:"seller"`
	Buyer  []string      `json:"buyer"`
	Lines  []answer.Line `json:"lines"`
	Taxes  []Tax         `json:"taxes"`

	Suspends *time.Time `json:"suspends" doc:"Unpaid until then, it holds the account back."`
}

// Tax on all lines of one rate.
type Tax struct {
	Rate string `json:"rate"`
	Net  int64  `json:"net"`
	Tax  int64  `json:"tax"`
}

// Acts on one invoice.
var (
	ShowInvoice = act.New(act.Spec{Name: "invoice show", Route: "GET /v1/invoices/{invoice}", Summary: "An invoice, with all that is on it",
		May: act.Operator | act.Reseller}, showInvoice)
	InvoiceDocument = act.NewFile(act.Spec{Name: "invoice document", Route: "GET /v1/invoices/{invoice}/document", Summary: "An invoice as text, a web page or PDF",
		May: act.Operator | act.Reseller}, document)
	CancelInvoice = act.New(act.Spec{Name: "invoice cancel", Route: "POST /v1/invoices/{invoice}/cancel", Summary: "Cancel an invoice that is not paid",
		May: act.Operator}, cancelInvoice)
)

func showInvoice(ctx context.Context, s *act.Service, in *Number) (*InvoiceDetail, error) {
	i, err := find(ctx, s, in.Invoice)
	if err != nil {
		return nil, err
	}
	v := &InvoiceDetail{Payable: answer.PayableOf(s, &i), Reason: field.OrNull(i.Reason), Seller: field.OrNone(i.Seller), Buyer: field.OrNone(i.Buyer),
		Lines: answer.LinesOf(&i), Taxes: []Tax{}}
	for _, t := range invoice.New(&i, answer.Documents(s)).Taxes {
		v.Taxes = append(v.Taxes, Tax{t.Rate.String(), t.Net, t.Tax})
	}
	if v.Open > 0 {
		v.Suspends = field.OrNull(i.Suspends)
	}
	return v, nil
}

// formats of a document.
var formats = map[string]func(io.Writer, *invoice.Document) error{
	"text": invoice.Text, "html": invoice.HTML, "pdf": invoice.PDF,
}

// IsFormat reports a format of documents.
func IsFormat(name string) bool { return formats[name] != nil }

// MissingHeader of a PDF has the letters, escaped as in a URL, that its fonts lack.
const MissingHeader = "Relay-Missing-Letters"

func document(ctx context.Context, s *act.Service, in *Document, to *act.Sink) error {
	i, err := find(ctx, s, in.Invoice)
	if err != nil {
		return err
	}
	format := in.Format
	if format == "" {
		format = "text"
	}
	if !IsFormat(format) {
		return act.Invalid("format", "", " %q: text, html or pdf", format)
	}
	doc := invoice.New(&i, answer.Documents(s))
	var b bytes.Buffer // a document that fails half way is not sent
	if err := formats[format](&b, doc); err != nil {
		return err
	}
	if format == "pdf" {
		missing, err := invoice.Missing(doc)
		if err != nil {
			return err
		}
		to.Header().Set(MissingHeader, url.PathEscape(missing))
	}
	_, err = to.Write(b.Bytes())
	return err
}

func cancelInvoice(ctx context.Context, s *act.Service, in *Cancellation) (*answer.Receipt, error) {
	text := field.Reason(in.Body.Reason)
	if text == "" {
		return nil, act.Invalid("reason", "", " cannot be empty: the credit note says it")
	}
	i, err := find(ctx, s, in.Invoice)
	if err != nil {
		return nil, err
	}
	switch {
	case i.Kind == ledger.CreditNote:
		return nil, act.Fail(act.Refused, "{invoice show "+i.Name+"} has what it is about", "%s is a credit note: it cannot be cancelled", i.Name)
	case i.State != ledger.InvoiceOpen:
		return nil, act.Fail(act.Refused, "{account refund "+i.Account+"} pays a term back; {account correct "+i.Account+"} enters an amount of your own",
			"invoice %s is %s: only an open one can be cancelled", i.Name, i.State)
	}
	r, err := s.Store.Orders.CancelInvoice(s.Order(ctx, in.Body.DryRun), i.Number, text)
	return answer.Ordered(s, i.Account, fmt.Sprintf("cancel invoice %s", i.Name), in.Body.DryRun, &r, err)
}
