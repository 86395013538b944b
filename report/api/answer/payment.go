package answer

import (
	"cmp"
	"strconv"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/ledger"
)

// Payment is money that came in or went out.
type Payment struct {
	Kind      string    `json:"kind" doc:"payment, reversal, refund, or in a statement correction."`
	Account   string    `json:"account"`
	Invoice   *string   `json:"invoice" doc:"That was paid, as it is printed; null: none was named."`
	Also      []string  `json:"also,omitempty" doc:"More that it named."`
	Method    *string   `json:"method" doc:"null: relay does not know it."`
	Reference *string   `json:"reference" doc:"Of a refund: its account and entry of the ledger."`
	Amount    int64     `json:"amount" doc:"Negative: it went out."`
	Currency  string    `json:"currency"`
	Text      *string   `json:"text" doc:"Why, of a correction, of a reversal, and of what was paid back by hand."`
	Time      time.Time `json:"time"`
	By        *string   `json:"by" doc:"Who recorded it."`
	Reversed  bool      `json:"reversed,omitempty" doc:"It was taken back."`
}

// PaymentOf the store.
func PaymentOf(s *act.Service, p *ledger.Payment, currency string) Payment {
	v := Payment{Kind: string(ledger.KindPayment), Account: p.Account, Reference: &p.Reference, Amount: p.Amount, Currency: currency,
		Text: field.OrNull(p.Text), Time: p.Time, By: field.OrNull(p.By), Reversed: p.Reversed != 0}
	v.Invoice, v.Also = invoiceNames(s, p.Invoice, p.Also)
	switch p.Method {
	case ledger.PaidBack:
		v.Kind = string(ledger.KindRefund)
	case ledger.Reversed:
		v.Kind, v.Method, v.Reference = string(ledger.KindReversal), &p.Of[0], &p.Of[1]
	default:
		v.Method = &p.Method
	}
	return v
}

// invoiceNames are the invoices that a payment named, the first one by itself.
func invoiceNames(s *act.Service, first uint64, also []uint64) (*string, []string) {
	if first == 0 {
		return nil, nil
	}
	var more []string
	for _, n := range also {
		more = append(more, numberName(s, n))
	}
	return new(numberName(s, first)), more
}

func numberName(s *act.Service, n uint64) string { return InvoiceName(s, strconv.FormatUint(n, 10)) }

// MoneyOf is an entry of a ledger that is a payment, a reversal, a refund or a
// correction.
func MoneyOf(s *act.Service, e *ledger.Entry, currency string) Payment {
	v := Payment{Kind: string(e.Kind), Account: e.Account, Invoice: field.OrNull(InvoiceName(s, e.Ref)), Amount: e.Money,
		Currency: cmp.Or(e.Currency, currency), Time: e.Time, By: field.OrNull(e.By)}
	_, v.Also = invoiceNames(s, e.Invoice(), e.Also)
	switch e.Kind {
	case ledger.KindPayment:
		v.Method, v.Reference = &e.Method, &e.Reference
	case ledger.KindReversal:
		if p, err := s.Store.Books.Payment(ledger.Reversed, ledger.PaidBackRef(e.Account, e.Seq)); err == nil {
			v.Method, v.Reference, v.Text = &p.Of[0], &p.Of[1], field.OrNull(p.Text)
		}
	case ledger.KindRefund:
		v.Reference, v.Text = new(ledger.PaidBackRef(e.Account, e.Seq)), field.OrNull(words.English.Entry(e))
	default:
		v.Text = field.OrNull(words.English.Entry(e))
	}
	return v
}
