package cli

import (
	"relay/report/invoice"
	"relay/report/money"
)

// owedView is an open item that has no invoice: what an account owes by a correction,
// or for a payment that was taken back after it had been paid back.
type owedView struct {
	Amount   int64   `json:"amount"` // minor units
	Currency string  `json:"currency"`
	Link     *string `json:"payment_link"` // where it is paid; null: nowhere
	Text     *string `json:"payment_text"` // how
}

// viewOwed is nil where nothing is owed. In place of the number of an invoice the
// customer names the account.
func (c *call) viewOwed(account string, amount int64) *owedView {
	if amount <= 0 {
		return nil
	}
	doc, o := invoice.Document{Number: account, Account: account, State: invoice.Open, Total: amount, Currency: c.st.Currency()}, c.documents()
	return &owedView{amount, doc.Currency, orNull(doc.FillLink(o.Link)), orNull(doc.FillText(o.Text))}
}

// text for people; "": nothing is owed.
func (v *owedView) text() string {
	if v == nil {
		return ""
	}
	return money.Format(v.Amount, v.Currency) + " without an invoice: by corrections or payments taken back"
}

func (v *owedView) link() string {
	if v == nil {
		return ""
	}
	return value(v.Link)
}

func (v *owedView) how() string {
	if v == nil {
		return ""
	}
	return value(v.Text)
}
