// Package term writes for people who read a terminal, and the same values as JSON for
// programs.
//
// Text fits the terminal's width, and nothing that strangers wrote reaches it as a
// command to the terminal. Table and WriteFields show what is at hand; Stream shows a
// list of any length while it comes; Progress shows how far long work is.
package term
