package spool

import (
	"errors"
	"fmt"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// Want asks for up to Max due messages of a lane.
type Want struct {
	Lane spooled.Lane
	Max  int
}

// Claimed is a message that may be tried now, with its recipients at one domain.
type Claimed struct {
	Message *spooled.Message
	Domain  string
	Rcpts   []int // indices into Message.Recipients: those at Domain that are due
	Again   bool  // Open has released it: Dialled comes before the dial

	Suppressed []int       // others that were due and are suppressed: they were given up. Rcpts may be empty
	DSNs       []DSNResult // what became of the DSN about them, for LogDSNs
}

// Claim takes due messages out of their lanes, in order of due time, and stores
// their next try, so that a crash during the attempt delays them and never
// hammers. next says when the attempt that is about to be made is followed by
// another one; tries counts it, 1 being the first. A message is handed out again
// when that time has come, whether or not it was settled: the caller knows what it
// has. That renews the claim, and delays no more than the first did: what counts
// the attempt is Settle.
func (s *Spool) Claim(want []Want, next func(m *spooled.Message, tries int) time.Time) (list []Claimed, err error) {
	err = s.UpdateThen(len(want)*4096, func(t *Tx) error {
		list = list[:0]
		for _, w := range want {
			if err := t.Claim(w, next, &list); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	return list, nil
}

// Claim takes messages of a lane. What must wait for the cap of first sendings gets another
// day, what is suppressed is given up, and others are taken in their place; after
// mostPutOff of them the lane is announced, and goes on in another transaction. A lane of a
// suspended account is parked.
func (t *Tx) Claim(w Want, next func(*spooled.Message, int) time.Time, list *[]Claimed) error {
	parks, was, err := t.parks(w.Lane)
	if err != nil || parks {
		return err
	}
	for all := 0; all < mostPutOff; {
		ids := t.dueIDs(w)
		took, putOff, err := t.claimThose(ids, w.Lane, was, next, list)
		if err != nil {
			return err
		}
		if w.Max -= took; took == len(ids) || w.Max <= 0 {
			return nil
		}
		all += putOff
	}
	t.then.lanes = append(t.then.lanes, w.Lane)
	return nil
}

// mostPutOff is about how many messages of a lane one claim gives another day or gives up.
const mostPutOff = 64

// claimThose says how many of the messages it took, and of how many nothing may be tried.
// It stops after mostPutOff of these.
func (t *Tx) claimThose(ids []spooled.ID, l spooled.Lane, was *spooled.Stop, next func(*spooled.Message, int) time.Time, list *[]Claimed) (took, putOff int, err error) {
	for _, id := range ids {
		m, err := t.Message(id)
		if err != nil {
			return took, putOff, err
		}
		if m == nil {
			return took, putOff, fmt.Errorf("queue names message %s, which is not there; see relay check --store", id)
		}
		was.Prolong(m)
		c := Claimed{Message: m, Domain: l.Domain, Rcpts: m.Ready(l.Domain, t.Wall)}
		if err := t.keepBack(&c); err != nil {
			return took, putOff, err
		}
		if err := t.suppressClaimed(&c); err != nil {
			return took, putOff, err
		}
		if c.Rcpts, err = t.s.Strangers.MayGo(&t.Tx, m, c.Rcpts, l.Domain, t.changeOf(m, l.Domain)); err != nil {
			return took, putOff, err
		}
		if len(c.Rcpts) > 0 {
			err = t.claimRcpts(&c, next)
			took++
		} else {
			putOff++
		}
		if len(c.Rcpts)+len(c.Suppressed) > 0 {
			*list = append(*list, c)
		}
		if err != nil || putOff == mostPutOff {
			return took, putOff, err
		}
	}
	return took, putOff, nil
}

// claimRcpts opens the claim.
func (t *Tx) claimRcpts(c *Claimed, next func(*spooled.Message, int) time.Time) (err error) {
	m := c.Message
	was, _ := m.Due(c.Domain)
	at := next(m, m.Recipients[c.Rcpts[0]].Tries+1)
	if c.Again, err = t.openClaim(m.ID, c.Domain, was, at); err != nil {
		return err
	}
	return t.change(m, c.Domain, c.Rcpts, func(r *spooled.Recipient) { r.Next = at })
}

// dueIDs are the first messages of the lane that are due now.
func (t *Tx) dueIDs(w Want) (ids []spooled.ID) {
	lane := w.Lane.Key()
	c := t.Cursor(bucket.Queue)
	for k, _ := c.Seek(lane); k != nil && room.HasPrefix(k, lane) && len(ids) < w.Max; k, _ = c.Next() {
		_, at, id, ok := spooled.ParseQueueKey(k)
		if !ok || at.After(t.Wall) {
			break
		}
		ids = append(ids, id)
	}
	return ids
}

// Return gives claims back that were not attempted after all: they are due as they
// were. Those that are not open any more stay as they are.
func (s *Spool) Return(list []Claimed) error {
	err := s.update(len(list)*1024, func(t *Tx) error {
		for _, c := range list {
			if err := t.GiveBack(&c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("return claims: %w", err)
	}
	return nil
}

// GiveBack gives back a claim that was not attempted after all.
func (t *Tx) GiveBack(c *Claimed) error {
	return errors.Join(t.undoClaim(c.Message.ID, c.Domain, c.Rcpts), t.closeClaim(c.Message.ID, c.Domain))
}

// Message reads an envelope; nil when there is none.
func (t *Tx) Message(id spooled.ID) (*spooled.Message, error) {
	return t.s.Envelopes.Read(&t.Tx, id)
}

// change applies fn to those of the domain's recipients that are listed and not
// final, moves the message in its lane, and stores it or, with its last recipient,
// removes it.
func (t *Tx) change(m *spooled.Message, domain string, list []int, fn func(*spooled.Recipient)) error {
	if err := t.dropKey(m, domain); err != nil {
		return err
	}
	for _, i := range list {
		if r := &m.Recipients[i]; !r.State.Final() {
			fn(r)
		}
	}
	if _, left := m.Due(domain); !left {
		if err := t.closeClaim(m.ID, domain); err != nil {
			return err
		}
	}
	return t.store(m, domain)
}

// store writes a message back after a change of the domain's recipients, whose
// key was dropped before. What its sender is to be told is sent or put on the list.
func (t *Tx) store(m *spooled.Message, domain string) error {
	if err := t.tellSender(m); err != nil {
		return err
	}
	if m.Done() {
		return t.remove(m)
	}
	if err := t.s.Envelopes.Write(&t.Tx, m); err != nil {
		return err
	}
	return t.addKey(m, domain)
}

func (t *Tx) addKey(m *spooled.Message, domain string) error {
	at, ok := m.Due(domain)
	if !ok {
		return nil
	}
	lane := spooled.Lane{Domain: domain, Account: m.Account}
	t.touch(lane.Key())
	return errors.Join(t.s.Strangers.List(&t.Tx, m, domain, 1), t.Put(bucket.Queue, spooled.QueueKey(lane, at, m.ID), spooled.CountAt(m, domain)))
}

func (t *Tx) dropKey(m *spooled.Message, domain string) error {
	at, ok := m.Due(domain)
	if !ok {
		return nil
	}
	lane := spooled.Lane{Domain: domain, Account: m.Account}
	t.touch(lane.Key())
	return errors.Join(t.s.Strangers.List(&t.Tx, m, domain, -1), t.Delete(bucket.Queue, spooled.QueueKey(lane, at, m.ID)))
}

// remove takes a message whose recipients are all final out of the spool.
func (t *Tx) remove(m *spooled.Message) error {
	if err := t.s.Envelopes.Remove(&t.Tx, m.ID); err != nil {
		return err
	}
	t.s.Trace.TellGone(&t.Tx, m.ID)
	sum := t.totals()
	sum.Messages--
	t.ages().Drop(m.ID.Timestamp())
	sum.Bytes -= m.Stored
	t.s.Outcomes.Leave(&t.Tx, counted(m), m.Stored)
	later, err := t.s.Bodies.Delete(&t.Tx, m.ID, m.Stored)
	if later && t.then != nil {
		t.then.gone = append(t.then.gone, m.ID)
	}
	return err
}
