package attempt

import (
	"context"
	"sync"
	"time"

	"relay/mailer/client"
)

// leash lets the schedule break off a worker's attempt.
type leash struct {
	mu     sync.Mutex
	cancel context.CancelFunc // of the connection that is being made; nil: none is
	client *client.Client     // of the transaction that runs; nil: none does
	pulled bool
}

// stalled is how long a next hop may take no content before the attempt counts as
// slow: at the least rate that it must keep, what is sent ahead takes 33 s, and a
// block as long.
const stalled = 70 * time.Second

// Pull breaks the attempt off, unless the message may have been taken, or is
// moving; then it reports false.
func (l *leash) Pull() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.pulled:
		return false
	case l.client != nil:
		l.pulled = l.client.Interrupt(stalled)
	case l.cancel != nil:
		l.cancel()
		l.pulled = true
	}
	return l.pulled
}

// dialling is told before a connection is made.
func (l *leash) dialling(cancel context.CancelFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.client, l.cancel = nil, cancel
}

// transacting is told of a transaction before it begins, and of nil when it has
// ended. It reports whether it may begin.
func (l *leash) transacting(c *client.Client) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.client, l.cancel = c, nil
	return !l.pulled
}

func (l *leash) wasPulled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pulled
}
