// Package behalf says on whose behalf something is ordered, and which accounts the order
// reaches. Every room asks it in the transaction that does what is ordered, by the indexes
// of accounts by customer and by reseller; it stores nothing.
package behalf

import (
	"relay/store/bucket"
	"relay/store/room"
)

// Order says who orders, and whether it is to be done or only worked out.
type Order struct {
	By     string // who, for the ledger; "": relay itself
	DryRun bool   // change nothing; the Receipt is what it would be

	Reseller     string // who may change the accounts below it only; "": any
	MostAccounts int    // that the reseller may have below it; 0: any number
	Customer     string // who may change its own accounts only; "": any

	Method    string // a payment method for this order; "": the account's
	Reference string // the customer's own text on its invoice; "": the account's
}

// Reaches fails with room.ErrNotFound for an account that does not exist, and in the same
// words for one that is not below the reseller or not of the customer who orders.
func (o *Order) Reaches(t *room.Tx, account string) error {
	switch {
	case t.Get(bucket.Accounts, []byte(account)) == nil,
		o.Reseller != "" && t.Get(bucket.Below, room.Pair(o.Reseller, account)) == nil,
		o.Customer != "" && t.Get(bucket.AccountsOf, room.Pair(o.Customer, account)) == nil:
		return room.Missing(bucket.Accounts, account)
	}
	return nil
}
