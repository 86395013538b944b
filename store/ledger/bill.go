package ledger

import "time"

// Bill is an invoice in a statement.
type Bill struct {
	Number string // "": it is not issued yet, since the close is still due
	Kind   InvoiceKind
	Issued time.Time
	Period string
	Total  int64 // minor units; of a credit note negative
}
