// Package control carries acts (package report/api) between a face and the running relay,
// as HTTP and JSON: over relay.sock in the data directory, and over the network at the
// address in [api]. It has the servers of both, and the client.
//
//  1. Listen makes the socket, mode 0600. Its caller holds the store's lock, so the
//     socket of a killed relay can be removed safely.
//  2. Server answers on the socket. A request is the operator's, or with "Authorization:
//     Bearer TOKEN" that of the token's holder.
//  3. API answers over the network, to holders of tokens only, within limits. It reads a
//     request whole before the act begins, so that a slow client takes no place from others.
//  4. Client sends requests to either. An answer that ends too early is ErrBroken: the act
//     may have been done or not.
//
// A crash leaves what the act's transaction left: all of it or nothing.
package control

import (
	"errors"

	"relay/report/api/act"
)

// Errors of a client.
var (
	ErrAbsent    = errors.New("no relay is running")                        // there is no socket, or nobody listens there
	ErrDenied    = errors.New("no permission to talk to the relay")         // the socket belongs to another user
	ErrBroken    = act.ErrBroken                                            // in the middle of an answer
	ErrUnreached = errors.New("the relay cannot be reached")                // one with --api; nothing was done
	ErrPath      = errors.New("the path of the control socket is too long") // over MaxPath
)

// MaxPath is the longest path of a Unix socket.
const MaxPath = 107
