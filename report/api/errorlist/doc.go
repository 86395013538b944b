// Package errorlist has the act errors: the recipients that an account's mail was given up
// for, with what the next hop said and what to do about them.
//
// The store enters them as mail fails. The list is the account's own: its customer and its
// keys may see it too. The act only reads. It goes out as JSON, a page at a time, or as CSV.
package errorlist

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any { return []act.Any{List} }
