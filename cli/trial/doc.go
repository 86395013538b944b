// Package trial is the command relay test, and the running relay's part in it.
//
// The command shows the steps that the service streams. Submission hands the test message
// over at one of the relay's own listeners, as a customer's program does.
package trial
