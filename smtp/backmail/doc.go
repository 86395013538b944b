// Package backmail takes the mail that comes back to relay itself: bounces,
// complaints, questions. It relays nothing, and answers only
// addresses that are proven.
//
// The addresses at the bounce domain (Names):
//
//	b+TOKEN@     a report about one recipient of one e-mail (VERP)
//	bounce@      reports that a customer's mailbox forwards
//	fbl@         complaints of the providers' feedback loops (ARF)
//	abuse@       the operator; complaints among them count like those at fbl@
//	postmaster@  the operator (RFC 5321 §4.5.1)
//	test@        answered with how the mail came in
//	errors@      answered with an account's list of errors
//
// The way of an e-mail:
//
//  1. connect: counted in all and for its address, which a listed proxy tells in a PROXY
//     header; over a limit it gets 421. A client that
//     brings no message loses its place after ten minutes, or after 20 s where three of four
//     places are taken.
//  2. RCPT: one recipient, which must be an address of the list, or else 550. A token must
//     be one of ours, which its MAC tells without a look at the disk. Mail that is not for
//     relay is refused in the session, so no DSN about it is ever made (RFC 5321 §3.6.2).
//  3. content: a goroutine reads reports while they come in (package returned), in bounded
//     memory. Only what goes on to somebody is kept as a bodies.Body as well.
//  4. Returns.Record finds the e-mail that a report is about, and counts it, in one
//     transaction. A forged report costs that look-up and writes nothing.
//  5. Returns.PassOn queues what goes on, in another: mail to a token to the sender of that
//     e-mail, mail to abuse@ and postmaster@ to the operator, so much a day.
//  6. Only then the client sees 250.
//
// A crash before 6 makes the client come again: a report counts once (Record knows it), and
// what 5 has queued goes out twice. Limits by address and the counts of 5 that are per day are
// memory. Nothing that comes in here is answered by a DSN.
//
// One goroutine serves a connection, and one more reads the report that comes in on it.
package backmail
