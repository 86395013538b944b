// Package sites keeps what delivery has learned of the sites that mail goes to: the kinds of
// their replies, how fast they take mail, and TLS with their hosts.
//
//   - Bucket "heard" counts replies by kind, so that rules can be written for those that no
//     rule knew; "heard-order" has the kinds by age.
//   - Bucket "paces" has what the mailer remembers of the pace of a site, or of an account at
//     a provider.
//   - Bucket "tls-policies" has the policies of MTA-STS.
//   - Bucket "tls-days" counts connections by day and domain, until the day is reported.
//
// The transaction that settles an attempt writes its replies, its connections and the paces
// that must outlast a crash: after a crash all of them are stored, or the attempt is not
// settled and nothing of it counts. Other paces are stored some time later, and a crash loses
// those. A day is removed in the transaction that queues its report, so it is reported once.
package sites

import "relay/store/room"

// Sites is what is known of sites. Its methods may be called from any goroutine.
type Sites struct{ db *room.DB }

// New keeps it in db, whose engine must run Flush.
func New(db *room.DB) *Sites { return &Sites{db: db} }
