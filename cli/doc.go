// Package cli is relay's command line, and the place where its parts are put
// together.
//
// # A command
//
//  1. parse sorts the command line: flags may stand anywhere, the library below
//     wants them before the arguments. Wrong usage ends here.
//  2. A command that works on the store is sent to the relay that has it open,
//     over the control socket (package control), with standard input when it
//     reads that. With no relay running it opens the store itself.
//  3. Either way the same function runs, on a call: the open store, arguments,
//     streams. Its output goes to standard output, all else to standard error.
//  4. report says what went wrong, what to do next, and returns the exit code.
//
// serve, check, health, backup, restore and version have a part to do in the
// process that was started: they touch files, or they are the relay. reload only
// makes sense to one that runs.
//
// # The relay
//
// serve starts the store, the mailer, the scheduled jobs, the listeners
// and the control socket, in this order, and stops them in reverse when a signal
// comes, a part ends or the store fails. parts owns their goroutines. A second
// signal, or a part that does not end in time, ends the process as a kill would:
// what was acknowledged is on disk, what was in flight is tried again.
//
// SIGHUP and relay reload read the configuration again, see relay.reload. A
// service manager hears when the relay is ready, reloads and stops, and gets a
// sign of life for its watchdog after a round trip through store and queue; it
// may hand over listening sockets and files by name.
//
// sandbox is a relay as serve runs it, with a configuration made in code, on a
// temporary directory, with a clock that can be moved, and with package sink as
// its next hop. A crash leaves the directory.
package cli
