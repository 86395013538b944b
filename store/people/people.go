// Package people keeps who may use relay: customers, resellers, and the logins, networks and
// places by which mail programs get in. Of accounts it knows the names only, and which of them
// are below which customer and reseller.
//
// Buckets: "customers", "resellers", "credentials" with "logins-of", "networks" with
// "networks-of", "places". Each change, with its line in an index, is one transaction, so a kill
// leaves all of it or nothing. The store changes the indexes of accounts, "accounts-of" and
// "below", in the transaction that changes an account, through OwnAccounts and OwnBelow, and
// calls Remove in the one that removes it.
//
// Networks are in memory too, and are read anew after each change is on disk: until then, and
// after a kill from the next start on, a session goes by those that are stored.
package people

import (
	"errors"
	"sync"
	"sync/atomic"

	"relay/store/room"
)

// ErrInUse is the refusal to remove a customer or reseller that others depend on.
var ErrInUse = errors.New("is still in use")

// People keeps who may use relay. Its methods may be called from any goroutine.
type People struct {
	db     *room.DB
	logins room.Decoded[Credential]

	netMu sync.Mutex
	nets  atomic.Pointer[[]Network] // longest prefix first
}

// New keeps people in a store. Before networks are asked for, LoadNetworks is called.
func New(db *room.DB) *People { return &People{db: db} }
