// Package trace keeps what happened to messages, and tells those who watch.
//
// An event is written in the transaction of what it tells of: bucket "trace", key ID, time and
// a number. So a crash leaves both or neither. The event of a message's acceptance is the
// message itself, as long as nothing else has happened: Accept has a page less to write, and
// what reads a trace looks at both (Of, Scan). Dialogues with next hops lie beside it in bucket
// "dialogues". Both outlive the message by the time that the operator keeps traces; Prune
// removes them in small transactions, and the last of these records its job as done.
//
// Those who watch get an event when its transaction is on disk: see feed.go.
package trace
