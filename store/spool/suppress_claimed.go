package spool

import (
	"errors"

	"relay/store/bucket"
	"relay/store/mailreply"
	"relay/store/outcomes"
	"relay/store/refusals"
	"relay/store/spooled"
	"relay/store/trace"
)

// suppressed are those of the listed recipients that are suppressed, by index.
func (t *Tx) suppressed(m *spooled.Message, list []int) (found map[int]*refusals.Suppression, err error) {
	for _, i := range list {
		s, err := t.s.Refusals.Suppression(&t.Tx, m.Account, m.Recipients[i].Mailbox())
		if err != nil {
			return nil, err
		}
		if s != nil && found == nil {
			found = map[int]*refusals.Suppression{}
		}
		if s != nil {
			found[i] = s
		}
	}
	return found, nil
}

// suppressClaimed gives up the suppressed recipients of a message that is about to be claimed. Where its
// claim is open already and is only renewed, it does nothing: somebody has the message in hand for that
// domain, and is perhaps delivering to them. Those who came up beside them are tried by nobody until that
// claim ends.
func (t *Tx) suppressClaimed(c *Claimed) error {
	m := c.Message
	if m.OfRelay() {
		return nil
	}
	if raw := t.Get(bucket.Claims, spooled.ClaimKey(m.ID, c.Domain)); raw != nil && spooled.ClaimState(raw[0]) != spooled.ClaimReleased {
		return nil
	}
	of, err := t.suppressed(m, c.Rcpts)
	if err != nil || len(of) == 0 {
		return err
	}
	var left []int
	for _, i := range c.Rcpts {
		if of[i] == nil {
			left = append(left, i)
		} else {
			c.Suppressed = append(c.Suppressed, i)
		}
	}
	c.Rcpts = left
	before := len(t.then.sent)
	if err := errors.Join(t.dropKey(m, c.Domain), t.giveUp(m, c.Suppressed, of)); err != nil {
		return err
	}
	if _, waits := m.Due(c.Domain); !waits {
		err = t.closeClaim(m.ID, c.Domain)
	}
	err = errors.Join(err, t.store(m, c.Domain))
	c.DSNs = t.then.sent[before:]
	return err
}

// giveUp gives up the listed recipients. The caller has dropped the message's key, and stores the message
// afterwards.
func (t *Tx) giveUp(m *spooled.Message, list []int, of map[int]*refusals.Suppression) error {
	if err := trace.WriteAccepted(&t.Tx, m); err != nil {
		return err
	}
	e := &trace.Event{ID: m.ID, Time: t.Wall, Kind: trace.EventSuppressed, Account: m.Account}
	for _, i := range list {
		s, r := of[i], &m.Recipients[i]
		is := outcomes.Fate{From: r.State, To: spooled.Suppressed, Category: s.Reason}
		t.count(m, is)
		if err := t.listed(m, r, is, s.Reply); err != nil {
			return err
		}
		r.State, r.Reply, r.Verdict, r.DSN = spooled.Suppressed, s.Reply, mailreply.Verdict{Category: s.Reason, Blame: "recipient"}, nil
		if m.Sender != "" && r.WantsFailure() {
			r.DSN = &spooled.DSN{Action: "failed", Status: s.Status, Reply: s.Reply, Suppressed: s.Since}
		}
		e.Recipients = append(e.Recipients, trace.EventOutcome{Address: r.Address, State: spooled.Suppressed, Reply: s.Reply, Verdict: r.Verdict, Since: s.Since})
	}
	return t.s.Trace.Happened(&t.Tx, e, m)
}
