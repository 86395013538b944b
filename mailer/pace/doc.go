// Package pace says how fast mail may go to a site, and for whom. It is arithmetic on
// instants that the caller gives: no goroutine, no timer, no clock of its own.
//
//  1. Rows are data: what each provider takes from one source, under the profiles
//     prudent, normal and full. A row matches by the names of MX hosts, and only if all
//     hosts of the domain match.
//  2. Site is the ceiling of a source at a site. Replies about rate or reputation halve
//     it; every clean quarter of an hour gives back a quarter of the row. A suspension is
//     obeyed to its end.
//  3. Account is the ceiling of an account at a provider. Unknown recipients, blame and
//     complaints slow or hold that account there, and nobody else.
//  4. Record says when an account is no longer new, First how many recipients a day an
//     account may reach that it never wrote to, and Known which ones it did write to.
//  5. Alarms wake what waits for a ceiling, by time: nothing is ever searched through.
//
// Waiting changes nothing here: only what was sent and what was replied does.
//
// State of Site and Account is small and stored by the caller. A suspension is to be
// stored with the reply that caused it. All else may be a minute old after a crash, which
// then costs a few messages: a tenth of a minute's may go once more.
package pace
