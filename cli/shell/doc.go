// Package shell has what all commands share: Line, a command line sorted into its parts;
// help, the manual and completion, which are made from the commands; Env, the streams and
// the service that a command works with; and the flags that several commands have.
package shell
