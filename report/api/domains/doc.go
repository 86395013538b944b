// Package domains has the acts on the domains that accounts sign for, and on the keys that
// sign.
//
// A domain is delegated in the DNS, by a CNAME at each selector. What it leads to, below the
// operator's zone, is worked out here; whether it does is asked of relay/mailer/records.
package domains

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{Add, List, Check, Remove, Keys}
}
