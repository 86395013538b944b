// Package shell is what commands have in common: a command line is sorted into its parts
// (Line), help, the manual and completion are made from the same commands, Env is what a
// command is given, and flags that several commands have are read alike.
package shell
