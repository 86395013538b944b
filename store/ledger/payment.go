package ledger

import "time"

// Methods that a payment can come by (M21).
var Methods = []string{"bank", "card", "paypal", "postepay", "western-union", "other"}

// PaidBack is the method of money that went out: a refund. Its reference is the
// account and the entry of its ledger, "acme/12".
const PaidBack = "refund"

// Reversed is the method of money that was taken back: a chargeback, a debit that
// bounced. Its reference is made like that of PaidBack.
const Reversed = "reversal"

// Payment that was received, taken back or paid back. Bucket "payments", key Method
// NUL Reference, JSON.
type Payment struct {
	Method    string    `json:"method"`             // one of Methods, PaidBack or Reversed
	Reference string    `json:"reference"`          // the bank's, the card processor's: unique with Method
	Invoice   uint64    `json:"invoice"`            // that the customer paid; 0: none, see Account
	Also      []uint64  `json:"also,omitempty"`     // more that it named, of the same account
	Amount    int64     `json:"amount"`             // minor units, negative: paid or taken back; RecordPayment takes 0 for what is open
	Account   string    `json:"account"`            // filled in where there is an Invoice
	Time      time.Time `json:"time"`               // filled in
	By        string    `json:"by,omitempty"`       // filled in
	Reversed  uint64    `json:"reversed,omitempty"` // entry of the ledger that took it back; 0: it stands
	Of        [2]string `json:"of,omitzero"`        // of a reversal: Method and Reference of the payment
	Text      string    `json:"text,omitempty"`     // why it was taken or paid back
}

// Invoices are those that it is for.
func (p *Payment) Invoices() []uint64 {
	if p.Invoice == 0 {
		return nil
	}
	return append([]uint64{p.Invoice}, p.Also...)
}

// PaidBackRef is the reference of what an entry paid back.
func PaidBackRef(account string, seq uint64) string { return account + "/" + NumberText(seq) }
