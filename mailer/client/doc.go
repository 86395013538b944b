// Package client speaks SMTP to one next hop over a connection that the caller
// has dialled (RFC 5321).
//
//  1. New reads the greeting, says EHLO, turns to TLS and logs in, as told by
//     its Options.
//  2. Deliver does one transaction: MAIL, RCPT and DATA leave in one flight
//     where PIPELINING is offered (RFC 2920), then the content follows. It tells
//     what became of every recipient, and whether the connection survived.
//  3. Deliver again, or Quit.
//
// What the next hop cannot take (8-bit content, UTF-8 addresses, a message
// above its SIZE, REQUIRETLS) fails for the recipients without being sent. No
// reply, however long or odd, costs more than a bounded amount of memory, and
// no phase lasts longer than its time in Timeouts.
//
// A reply whose lines have different codes means what its last line says.
//
// A connection that is lost before the final dot has left delivered nothing.
// Lost between the final dot and its reply, the message may or may not have been
// taken: Result.Uncertain says so, the outcome is temporary, and the next
// attempt may double it (RFC 1047).
package client
