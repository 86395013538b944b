// Package cli is relay's command line.
//
// # A command
//
//  1. shell.Parse sorts the command line: flags may stand anywhere, the library below
//     wants them before the arguments. Wrong usage ends here.
//  2. The command's package (cli/accounts, cli/billing, …) makes a request of the flags
//     and asks an act of report/api. Its caller, package reach, finds the service: the
//     relay that runs on this machine, over the control socket; another one, over HTTPS
//     with --api; or, where no relay runs, the same handler in this process, on a store
//     that it opens for this command.
//  3. The answer becomes a table or, with --json, is written as it came. It goes to
//     standard output, all else to standard error.
//  4. exit.Report writes what went wrong and what to do next, and returns the exit code.
//
// serve, sandbox, init, check, backup, restore, compact and sendmail do work of their own
// in this process. reload, health, test, ban, delivery sites, explain and probe need a
// relay that runs.
//
// # What runs
//
// Package serve is the running relay. The sandbox is one as well, with a configuration
// made in code, on a temporary directory, with a clock that can be moved, and with package
// sink as its next hop. A crash leaves the directory.
package cli
