// Package control is the local API of a running relay: HTTP and JSON over a
// Unix socket in the data directory, for users who may open it.
//
//  1. Listen makes the socket, mode 0600. Its caller holds the store's lock, so
//     that what lies there of a killed relay can be removed safely.
//  2. POST /v1/run carries a command line: a line with a JSON Request, then standard input.
//     The answer is a stream of JSON frames, one a line: pieces of standard
//     output and standard error, at last the exit code.
//  3. All other requests are acts (package report/api): the operator's, or with a token
//     those of its holder. [api] answers them too, over a network, with a token only.
//  4. POST /v1/run with "Authorization: Bearer TOKEN" is a reseller's. It is what an
//     API answers too, which others can reach over a network; there every request
//     needs a token, and nothing else is answered. A command is run once all of its
//     request is there.
//
// An answer that ends before its last frame, or before the end of the HTTP body,
// is ErrBroken: the command may have been carried out or not.
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
	ErrBusy      = errors.New("the relay takes no more for now")            // nothing was done
	ErrPath      = errors.New("the path of the control socket is too long") // over MaxPath
)

// MaxPath is the longest path of a Unix socket.
const MaxPath = 107

// Request is a command line for a running relay.
type Request struct {
	Args []string `json:"args"` // without the program's name

	Reseller string `json:"-"` // who asks, by the token that came with it; "": the operator
}

// frame is a piece of the answer.
type frame struct {
	Out  []byte `json:"out,omitempty"`
	Err  []byte `json:"err,omitempty"`
	Code *int   `json:"code,omitempty"` // the last frame
}
