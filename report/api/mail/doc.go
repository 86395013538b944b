// Package mail has the acts on mail: the queue, what happened to messages, and what was
// used of an account's allowance.
//
// A list of the queue or of the trace goes through the store a page at a time. A change
// of many messages is asked for a batch at a time: each batch says where the next one
// begins. A test sends a message through the running relay, and follows it to its end. What
// only a running relay knows, such as why mail waits, is left out where none runs.
package mail

import "relay/report/api/act"

// Acts of this package.
func Acts() []act.Any {
	return []act.Any{
		ListQueue, TopQueue, ShowMessage, MessageContent,
		Retry, Hold, Release, Drop,
		ListTrace, FollowTrace, Dialogues,
		ListUsage, ShowUsage,
		Test,
	}
}
