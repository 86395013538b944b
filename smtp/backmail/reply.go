package backmail

import (
	"errors"

	"relay/smtp/wire"
	"relay/store"
	"relay/store/bodies"
)

// Replies beside those that every listener has.
var (
	okTaken    = wire.Row(250, [3]int{2, 0, 0}, "taken as ")                                                             // RFC 5321 §6.1
	okData     = []byte("354 end with a line that is a dot\r\n")                                                         // RFC 5321 §4.1.1.4
	errRelay   = wire.Row(550, [3]int{5, 7, 1}, "no relaying: this port takes only what comes back to this host itself") // RFC 5321 §3.6.2, RFC 3463 X.7.1
	errNobody  = wire.Row(550, [3]int{5, 1, 1}, "no such address here")                                                  // RFC 5321 §3.3, RFC 3463 X.1.1
	errOneRcpt = wire.Row(452, [3]int{4, 5, 3}, "one recipient a message: send to the other separately")                 // RFC 5321 §4.5.3.1.10
	errTooFast = wire.Row(450, [3]int{4, 7, 1}, "too many messages from your address: try again in a minute")            // RFC 5321 §4.2.3, RFC 3463 X.7.1
	errFlood   = wire.Row(450, [3]int{4, 7, 1}, "too much mail to this address today: try again tomorrow")               // RFC 5321 §4.5.1
)

// replyTo is the only way from an error to the wire. It never returns nil.
func replyTo(err error) *wire.Reply {
	if r, ok := errors.AsType[*wire.Reply](err); ok {
		return r
	}
	if errors.Is(err, store.ErrFull) || errors.Is(err, bodies.ErrStaged) || errors.Is(err, bodies.ErrShare) {
		return wire.ErrFull
	}
	return wire.ErrLocal
}
