// Package signs decides when too much of an account's mail comes back (M8): complaints,
// recipients that do not exist, and replies that name a blocklist. It is arithmetic on values
// that the caller stores: no clock, no goroutine. The caller numbers the days, in one zone.
//
//  1. Record counts signs by the day on which the mail in question was accepted. The
//     counts of what was delivered are kept by that day too, so a list that goes out for three
//     days, or a complaint that comes late, is compared with the mail it belongs to.
//  2. Rules compares two windows with their limits: the day of that mail, and the last seven
//     days. A limit has a number and a share, and is reached when both are: three wrong
//     addresses among the first fifty are an accident.
//
// Windows are whole days because the numbers of delivered mail are.
package signs
