// Package suppressions has the acts on recipients that an account's mail is not tried for.
//
// Refusals suppress them (relay/mailer/suppress says which), or somebody by hand. The list is
// the account's own: its customer and its keys may see, change and lift it too. A list comes
// in and goes out as a document, CSV or bare addresses.
package suppressions

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{List, Add, Lift, Import}
}

// Scopes that a key needs: to look, and to change.
const (
	reads  = "activity:read"
	writes = "suppressions:write"
)

const everyone = act.Operator | act.Reseller | act.Customer | act.Key
