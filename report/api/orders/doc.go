// Package orders has the acts by which an account buys and ends, and its statement.
//
//  1. An order finds the account within the actor's reach, and checks how it is paid.
//  2. The store does it in one transaction, or with dry_run works it out and does nothing.
//  3. The answer is a receipt: figures, invoices, and how the account stood before and
//     stands now. An order that is not possible is a problem which has the receipt too.
//
// A crash leaves an order done or not done: its statement tells which.
package orders

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{Upgrade, TopUp, Renew, Activate, Refund, Close, Correct, ShowStatement}
}
