// Package signing keeps what mail is signed with, and for whom: domains of accounts, keys for DKIM,
// and what became of the mail that a domain's signature was on.
//
// Buckets "domains", "signing-keys" and "tallies". Domains and keys change in transactions of their
// own. Settle counts what became of signed mail in the transaction of the outcomes, and Flush writes
// the tallies once before its commit, so that a crash leaves an outcome with its count, or neither.
// The first count of a day removes the days that are too old.
package signing

import (
	"time"

	"relay/store/room"
)

// Options of the room.
type Options struct {
	Zone *time.Location // the operator's, in which days turn

	// Owner names the one that may move a domain of an account to another account.
	Owner func(t *room.Tx, account string) (string, error)
	// Service reports whether an account asks for a signature of the operator's domain.
	Service func(t *room.Tx, account string) bool
	// Lost has the customer of an account told what a domain has lost: LostDKIM, LostSPF.
	Lost func(t *room.Tx, account, domain, what string) error
}

// Signing are the domains, keys and tallies of all accounts.
type Signing struct {
	db      *room.DB
	o       Options
	signers signers
}

// New keeps them in a store.
func New(db *room.DB, o Options) *Signing {
	return &Signing{db: db, o: o, signers: signers{have: map[string]struct{}{}}}
}
