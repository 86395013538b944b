// Package wire is what every listener for mail has in common, beneath its rules: the replies
// of the protocol, how lines end, what MAIL and RCPT may say, TLS and deadlines
// of a connection, and how many connections there are. What a message's content is made of is
// package content's.
package wire
