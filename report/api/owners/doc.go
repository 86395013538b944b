// Package owners has the acts on customers, who own accounts (M22), and on resellers, who
// manage them (M23).
package owners

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{
		AddCustomer, ListCustomers, ShowCustomer, SetCustomer, RemoveCustomer,
		AddReseller, ListResellers, ShowReseller, NewToken, RemoveReseller,
	}
}
