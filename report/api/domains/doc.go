// Package domains has the acts on accounts' signing domains and on the signing keys.
//
// The owner of a domain delegates it in the DNS, with a CNAME at each selector. This package
// works out the target of each CNAME; relay/mailer/records checks whether the DNS shows it.
package domains

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{Add, List, Check, Remove, Keys}
}
