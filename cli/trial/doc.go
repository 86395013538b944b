// Package trial has relay test. The command shows the steps that the service tells; the
// submission is the running relay's part in them: it hands the message over at a listener of
// its own, as a customer's program does.
package trial
