// Package smtp is the submission listener: what comes in (RFC 5321, RFC 6409).
//
//  1. accept: count the connection against the limits in all and of its
//     address; over one of them, or banned, it gets 421 instead of a greeting. The
//     last of all connections are for addresses that logged in before.
//     From a listed proxy the address comes in a PROXY header, which the
//     connection's own goroutine reads before anything else.
//  2. greet: Conn owns TLS, deadlines and writes, by its wire.Stream. It reads whole
//     command lines, which end at CRLF only, answers what is wrong with them and hands
//     the others to go-smtp, which keeps the order of a session and calls ours.
//     A client that does not log in is soon sent away.
//  3. AUTH: only under TLS. Package guard decides about the login; a wrong one is answered
//     later each time. The account may instead be known by its network; then mail is taken
//     without TLS too, as old devices have none.
//  4. MAIL and RCPT: addresses are parsed and written anew (wire); the store is
//     asked whether the account may send so much, and its rate whether it may now.
//     Nothing is stored yet.
//  5. DATA or BDAT: content passes once through content.Submission into a bodies.Body:
//     checked, normalised to CRLF, header completed (RFC 6409 §8). What lies
//     above 1 MiB is staged on disk. Where the account asks for it, a message that
//     nothing proves is refused now (package align); others are noted after the 250.
//  6. store.Accept decides, charges and stores in one transaction. Its return is
//     the moment of RFC 5321 §6.1: only then the client sees 250.
//
// A crash before 6 returns leaves nothing but staged chunks, which the store
// removes at its next start; the client has no 250 and sends again. A crash
// after it, before the 250 has reached the client, makes the client send again
// what we have: the one case in which a message comes twice (RFC 1047). Rates are in
// memory only: after a crash each account has a whole minute's share. What the guard
// forgets stands in its documentation.
//
// One goroutine serves a connection from its greeting to its end. Other
// goroutines only poke it: they set its read deadline (drain) or close it.
//
// # go-smtp
//
// go-smtp reads from its connection one line at a time, because Conn.Read gives
// it one at a time: its own buffer is empty whenever it calls us. So Session.Data
// takes content from Conn directly and leaves for go-smtp's reader just the lone
// dot. BDAT becomes a DATA whose content Conn takes by chunks (RFC 3030): no pipe,
// no second goroutine, and a chunk cut off is seen.
package smtp
