// Package align judges whether receivers will believe who a message is from: whether
// something proves the domain of its From field (RFC 9989 §4.4, alignment), and whether it
// asks for what large receivers want of bulk mail.
//
//  1. The listener hands over a Message: what its header claims, read in the one pass.
//  2. Refuse, only for accounts that asked for it, judges before the message is taken. It
//     waits for the DNS, two seconds at most; what cannot be found out refuses nothing.
//  3. Note counts the message in memory, once it is stored. It waits for nothing.
//  4. Once a minute Save asks the DNS about the domains that were counted and stores what
//     came of it as remarks (remark.Remark). A crash loses that minute.
//
// A domain's standing (what its DNS says) is remembered for an hour. freemail.txt has the
// mail providers: which recipients count for whom, and from which domains nobody else can
// send. Nothing is ever added to a message.
package align
