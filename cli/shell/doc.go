// Package shell is what commands have in common: how a command line is read, what a
// command is given, and how flags' values are read.
package shell
