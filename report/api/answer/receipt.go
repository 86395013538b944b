package answer

import (
	"errors"
	"fmt"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
	"relay/store/orders"
)

// Receipt is what an order came to, or would.
type Receipt struct {
	Account  string        `json:"account"`
	Order    string        `json:"order"`
	DryRun   bool          `json:"dry_run" doc:"Nothing was changed."`
	Refused  []Refusal     `json:"refused" doc:"Why it is not possible; empty: it is."`
	Lines    []ReceiptLine `json:"lines" doc:"The figures."`
	Amount   int64         `json:"amount" doc:"Invoiced with tax, or paid back."`
	Currency string        `json:"currency"`
	Invoices []Payable     `json:"invoices" doc:"New or changed, credit notes too."`
	Before   Stand         `json:"before"`
	After    Stand         `json:"after"`
	Owed     *Owed         `json:"owed,omitempty" doc:"Without an invoice, afterwards."`
}

// Refusal is a reason why an order is not possible.
type Refusal struct {
	Why  string `json:"why"`
	Text string `json:"text"`
}

// ReceiptLine is a figure of a receipt.
type ReceiptLine struct {
	Text   string `json:"text"`
	Amount int64  `json:"amount"`
}

// Ordered is the answer to an order on an account; order is its name in words. An order
// that is not possible is a problem, with all reasons at once, which carries the receipt.
func Ordered(s *act.Service, account, order string, dryRun bool, r *orders.Receipt, err error) (*Receipt, error) {
	no, refused := errors.AsType[*quota.Refusal](err)
	if err != nil && !refused {
		return nil, Failed(account, err)
	}
	v := ReceiptOf(s, account, order, dryRun, r)
	if !refused {
		return &v, nil
	}
	for _, r := range no.Reasons {
		v.Refused = append(v.Refused, Refusal{string(r.Why), words.English.Reason(no.Order, &r)})
	}
	v.Invoices, v.After = []Payable{}, v.Before
	text := words.English.Refusal(no)
	if no.Order == "refund" {
		text += fmt.Sprintf("; it would have paid back %s", money.Format(v.Amount, v.Currency))
	}
	problem := act.Fail(act.Refused, RefusedHint(account, field.Or0(v.Before.Plan), no), "account %s: %s", account, text)
	return nil, act.With(problem, &v)
}

// ReceiptOf is a receipt of the store.
func ReceiptOf(s *act.Service, account, order string, dryRun bool, r *orders.Receipt) Receipt {
	v := Receipt{Account: account, Order: order, DryRun: dryRun, Refused: []Refusal{}, Lines: []ReceiptLine{},
		Amount: r.Amount, Currency: s.Store.Books.Currency(), Invoices: []Payable{},
		Before: StandOf(s, &r.Before), After: StandOf(s, &r.After), Owed: OwedBy(s, r.After.Name, r.Debt)}
	for i := range r.Lines {
		v.Lines = append(v.Lines, ReceiptLine{words.English.Line(&r.Lines[i]), r.Lines[i].Amount})
	}
	for i := range r.Invoices {
		v.Invoices = append(v.Invoices, IssuedOf(s, &r.Invoices[i]))
	}
	return v
}
