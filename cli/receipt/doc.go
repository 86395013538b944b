// Package receipt shows what an order came to, or would: the same screen for both. Groups
// of commands share it, with the words for terms and for what is owed.
package receipt
