// Package egress keeps what decides how mail leaves, beside the configuration: the states of
// sources and blocklists, and the overrides of operators.
//
//   - Bucket "sources" has drains, listings and lost addresses of each source.
//   - Bucket "blocklists" has how the last look found each blocklist.
//   - Bucket "overrides" has the operators' orders to slow, stop, bounce or redirect mail for
//     a time.
//
// Each change is one transaction. The mail to the operator about a change of a source is
// queued in the same one, so after a crash both are stored or neither is.
package egress

import "relay/store/room"

// Egress is what decides how mail leaves. Its methods may be called from any goroutine.
type Egress struct{ db *room.DB }

// New keeps it in db.
func New(db *room.DB) *Egress { return &Egress{db: db} }
