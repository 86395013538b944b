// Package pace says how fast mail may go to a site, and how fast one account's mail may. It
// is arithmetic on instants that the caller gives: no goroutine, no timer, no clock.
//
//  1. Rows are data: what each provider takes from one source, under the profiles
//     prudent, normal and full. A row matches by the names of MX hosts, and only if all
//     hosts of the domain match.
//  2. Site is the ceiling of a source at a site. Replies about rate or reputation halve
//     it; every clean quarter of an hour gives back a quarter of the row. A suspension is
//     obeyed to its end.
//  3. Account is the ceiling of an account at a provider. Unknown recipients, blame and
//     complaints slow or hold that account there, and nobody else.
//  4. Alarms say which site or account may send next, by time, without a search.
//
// Only messages sent and replies change a ceiling; waiting mail does not.
//
// The state of Site and Account is small, and the caller stores it. It must store a
// suspension with the reply that caused it. Everything else may be a minute old after a
// crash, which costs a few messages: a tenth of a minute's messages may go once more.
package pace
