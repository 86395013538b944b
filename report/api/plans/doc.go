// Package plans has the acts on plans: what can be bought, and at which price.
//
// A plan that changes holds for new terms. Accounts keep the terms that they bought, so
// the answers say how many run on older ones.
package plans

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{List, Show, Add, Set, Retire, Export, Import, Simulation}
}
