// Package guard decides who may try to log in.
//
//  1. Try looks the login up. A client whose address or network is banned, or whose user
//     name is locked, is refused whatever its password.
//  2. The password is checked: a generated one at once, a chosen one by argon2id. The
//     result is remembered for minutes, since a mass mailer opens a connection a message.
//     Strangers of one address wait behind each other for it.
//  3. The bans are looked at again: of guesses that come at once few are answered.
//  4. A wrong login counts for the address, the networks around it and the user name.
//     Too many of them ban or lock, each time for twice as long.
//  5. A right login makes its address a home of the login for a month: a lock, and the
//     ban of a network, do not hold there.
//  6. Enter and Says note from where a login is used, and by which program, so that the
//     use of a stolen password from a new network is seen.
//
// The guard writes no log and no reply, and does not wait: it says what it decided, and
// what began with it.
//
// # What is in memory
//
// Bans, locks, failed logins, and keyed hashes of logins that were right or wrong lie in
// memory only, in bounded tables. A restart forgets them, and every stranger begins anew.
// The addresses that logins came from are stored (buckets "places" and "access"): Run
// writes what is new once a minute, in a transaction for each, and once more at its end.
// A crash loses that minute: the addresses count as strange until the next login there,
// and uses of that minute are not counted. A use from a network that is new to its login
// is stored at once, together with the news of it (access.Enter).
package guard
