// Package client speaks SMTP to one next hop over a connection that the caller
// has dialled (RFC 5321).
//
//  1. New reads the greeting, says EHLO, turns to TLS and logs in, as told by
//     its Options.
//  2. Deliver does one transaction: MAIL, RCPT and DATA leave in one flight
//     where PIPELINING is offered (RFC 2920), then the content follows. It tells
//     what became of every recipient, and whether the connection survived.
//     Where CHUNKING is offered as well, a content that is not large goes by one
//     BDAT (RFC 3030), without DATA.
//  3. Deliver again, or Quit.
//
// DeliverBefore also sends the commands of the next transaction, behind the end of
// the content (RFC 2920 §3.1):
//
//	C: content, its end, MAIL, RCPT, DATA      C: BDAT LAST with content, MAIL, RCPT
//	S: 250, 250, 250, 354                      S: 250, 250, 250
//
// so each message costs one round trip, by DATA as by BDAT. It returns with the reply
// to the content, and nothing of the next content is sent before it is called again:
// in between, the outcome can be stored. A next hop that offers PIPELINING but errs at
// it shows when it is tried first on a connection: Result.Odd says so, and
// Options.OneByOne is the way without any of this.
//
// What the next hop cannot take (8-bit content, UTF-8 addresses, a message
// above its SIZE, REQUIRETLS) fails for the recipients without being sent. No
// reply, however long or odd, costs more than a bounded amount of memory, and
// no phase lasts longer than its time in Timeouts.
//
// A reply whose lines have different codes means what its last line says.
//
// A connection that is lost before the end of the content has left, which is the final
// dot or the last octet of a BDAT, delivered nothing. Lost between that and its reply,
// the message may or may not have been taken: Result.Uncertain says so, the outcome is
// temporary, and the next attempt may double it (RFC 1047).
package client
