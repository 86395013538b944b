// Package reports has the acts on the mail that relay writes by itself: which kinds there
// are, how one looks, and sending one now.
//
// A preview has the account's real facts. What has not happened yet is invented, and the
// answer says so. Nothing that is invented is sent to a customer. What is sent is queued in
// one transaction: a crash before it leaves nothing, one after it the mails.
package reports

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any { return []act.Any{List, Preview, Send} }
