package answer

import (
	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/invoice"
)

// Owed is an open item that has no invoice: what an account owes by a correction, or for
// a payment that was taken back after it had been paid back.
type Owed struct {
	Amount   int64   `json:"amount"`
	Currency string  `json:"currency"`
	Link     *string `json:"payment_link" doc:"Where it is paid; null: nowhere."`
	Text     *string `json:"payment_text" doc:"How it is paid."`
}

// OwedBy an account; nil where nothing is owed. In place of the number of an invoice the
// customer names the account.
func OwedBy(s *act.Service, account string, amount int64) *Owed {
	if amount <= 0 {
		return nil
	}
	doc, o := invoice.Document{Number: account, Account: account, State: invoice.Open, Total: amount, Currency: s.Store.Currency()}, Documents(s)
	return &Owed{amount, doc.Currency, field.OrNull(doc.FillLink(o.Link)), field.OrNull(doc.FillText(o.Text))}
}
