// Package accounts has the acts on accounts, on their logins and on the networks that
// send without one. What an account buys is in package orders.
//
// Resellers may add accounts, and may list, show, suspend and resume those below them
// (M23); so with their logins. Customers, and keys with the scope, see, hold and resume the
// logins of their own accounts. All else here is the operator's.
package accounts

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{
		Add, List, Show, ShowRemarks, Points, Set, Suspend, Resume, Remove,
		AddCredential, ListCredentials, HoldCredential, ResumeCredential, RevokeCredential,
		AddNetwork, ListNetworks, RemoveNetwork,
	}
}
