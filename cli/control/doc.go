// Package control is the local API of a running relay: HTTP and JSON over a
// Unix socket in the data directory, for users who may open it.
//
//  1. Listen makes the socket, mode 0600. Its caller holds the store's lock, so
//     that what lies there of a killed relay can be removed safely.
//  2. A request is an act (package report/api): the operator's, or with "Authorization:
//     Bearer TOKEN" that of the token's holder.
//  3. [api] answers acts over a network, to holders of tokens only. A request that others
//     can send slowly is read whole before it takes a place.
//
// An answer that ends too early is ErrBroken: the act may have been done or not.
package control

import (
	"errors"

	"relay/report/api/act"
)

// Errors of a client.
var (
	ErrAbsent    = errors.New("no relay is running")                        // there is no socket, or nobody listens there
	ErrDenied    = errors.New("no permission to talk to the relay")         // the socket is somebody else's
	ErrBroken    = act.ErrBroken                                            // in the middle of an answer
	ErrUnreached = errors.New("the relay cannot be reached")                // elsewhere; nothing was done
	ErrPath      = errors.New("the path of the control socket is too long") // over MaxPath
)

// MaxPath is the longest path of a Unix socket.
const MaxPath = 107
