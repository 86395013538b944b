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

// Actor is who asks.
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

// WithActor is ctx for what an actor asks for.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf is who asks; its Kind is 0 when the transport did not say.
func ActorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}
