// Package spooled has the types of mail in the spool: a message with its recipients, the lane
// in which it waits, its ID, and the keys under which the store keeps them.
//
// The types are values. The packages that store them say what they store, and in which
// transaction.
package spooled
