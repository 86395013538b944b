// Package record says what an account has earned by the mail it sent: whether it is proven
// or still new, and how many recipients a day it may reach that it never wrote to. It is
// arithmetic on values that the caller stores: no clock, no goroutine. The caller numbers the
// days, in one zone.
//
//  1. Record counts one day after the other. A day is clean if mail was delivered and
//     hardly any of it went wrong.
//  2. First is the daily cap of first sendings, which grows with clean days, and the plan
//     of those that wait for a later day.
package record
