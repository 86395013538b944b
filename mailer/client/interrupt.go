package client

import "time"

// The phases of a transaction, as far as Interrupt must know them.
const (
	phaseTalk    int32 = iota
	phaseContent       // the content is being sent
	phaseEnd           // its end may have been: the message may be taken
	phaseStopped       // by Interrupt
)

// Interrupt closes the connection, and what runs on it fails with ErrInterrupted.
// It does neither and reports false once the end of a content may have been sent,
// since the message may then be taken, and while the next hop has taken content
// within the time stalled. It may be called from any goroutine.
func (c *Client) Interrupt(stalled time.Duration) bool {
	for {
		p := c.phase.Load()
		if p >= phaseEnd || p == phaseContent && time.Since(c.begun)-time.Duration(c.moved.Load()) < stalled {
			return false
		}
		if c.phase.CompareAndSwap(p, phaseStopped) {
			_ = c.Close()
			return true
		}
	}
}

// enter begins a phase; false: Interrupt was before it.
func (c *Client) enter(phase int32) bool {
	for {
		p := c.phase.Load()
		if p == phaseStopped {
			return false
		}
		if c.phase.CompareAndSwap(p, phase) {
			return true
		}
	}
}

// moves notes that the next hop has taken some content.
func (c *Client) moves() { c.moved.Store(int64(time.Since(c.begun))) }

// by is the deadline of what may take the time d, within Timeouts.Reach.
func (c *Client) by(d time.Duration) time.Time {
	at := time.Now().Add(d)
	if !c.until.IsZero() && c.until.Before(at) {
		return c.until
	}
	return at
}

// perRecipient is what each recipient beyond the first adds to Timeouts.Reach.
const perRecipient = 5 * time.Second

// reach sets when the reply to DATA must be there.
func (c *Client) reach(recipients int) {
	if c.until.IsZero() {
		c.until = time.Now().Add(c.times.Reach)
	}
	c.until = c.until.Add(time.Duration(max(recipients-1, 0)) * perRecipient)
}
