// Package sandbox is the command relay sandbox: a whole relay on loopback to try things
// out. No mail leaves the machine.
//
//  1. bind ports on loopback, create a temporary directory and the relay in it;
//  2. add an account with a paid plan, at the time where the clock starts;
//  3. run the sink, then the relay, whose next hop is the sink;
//  4. send a first message, show the first screen, then a line for each message at the
//     sink and each new entry of a ledger;
//  5. after a signal stop relay and sink, show the summary and remove the directory.
//
// A crash leaves the directory; nothing in it is used again.
package sandbox
