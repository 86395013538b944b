package act

import (
	"context"
	"fmt"
)

// Who is a set of kinds of actors.
type Who uint8

// Kinds of actors.
const (
	Operator Who = 1 << iota // of relay.sock, or of the process that opened the store
	Reseller                 // sees the accounts below it
	Customer                 // sees the accounts that it owns
	Key                      // of one account, with scopes
)

// Actor is the one who asks for an act.
type Actor struct {
	Kind   Who
	Name   string   // reseller, customer or account; "": the operator
	UID    int      // user of the operator's process; -1: not known
	Scopes []string // of a key
}

// String is the actor as the ledger records it.
func (a Actor) String() string {
	switch {
	case a.Kind == Reseller:
		return "reseller " + a.Name
	case a.Kind == Customer:
		return "customer " + a.Name
	case a.Kind == Key:
		return "key of " + a.Name
	case a.UID < 0:
		return "operator"
	}
	return fmt.Sprintf("uid %d", a.UID)
}

type actorKey struct{}

// WithActor returns ctx for a request of an actor.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns the actor of a request; its Kind is 0 if the transport named none.
func ActorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}
