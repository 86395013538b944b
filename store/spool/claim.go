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
	Again   bool  // ReleaseClaims has released it: Dialled must come before the dial

	Suppressed []int       // others that were due and were given up, being suppressed; then Rcpts may be empty
	DSNs       []DSNResult // what became of the DSN about them, for LogDSNs
}

// Claim takes due messages out of their lanes, in order of due time, and stores their next try. So a
// crash during the attempt delays them, and the next start does not try them at once. next returns the
// next try; tries is the number of the attempt that is about to be made, 1 for the first.
//
// At its next try a message is handed out again, whether or not it was settled: the caller knows which
// messages it has in hand. That renews the claim and delays the message no further, since Settle counts
// the attempts.
func (s *Spool) Claim(want []Want, next func(m *spooled.Message, tries int) time.Time) (list []Claimed, err error) {
	err = s.UpdateThen(len(want)*4096, func(t *Tx) error {
		list = list[:0]
		for _, w := range want {
			if err := t.claim(w, next, &list); err != nil {
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

// claim takes messages of a lane. Recipients over the cap of first sendings get another day, suppressed
// ones are given up, mail of a held login is held, and other messages are taken in their place. After
// mostPutOff such messages the lane is announced, and goes on in another transaction. A lane of a
// suspended account is parked.
func (t *Tx) claim(w Want, next func(*spooled.Message, int) time.Time, list *[]Claimed) error {
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

// mostPutOff is about how many messages one claim of a lane passes over.
const mostPutOff = 64

// claimThose takes messages, and returns how many it took and how many it put off, since nothing of them
// may be tried. It stops after mostPutOff of the latter.
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

// claimRcpts opens the claim and stores the next try.
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

// Return gives back claims that were not attempted after all: their mail is due as before. Claims that
// are no longer open stay as they are.
func (s *Spool) Return(list []Claimed) error {
	err := s.update(len(list)*1024, func(t *Tx) error {
		for _, c := range list {
			if err := t.giveBack(&c); err != nil {
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

// giveBack gives back one claim.
func (t *Tx) giveBack(c *Claimed) error {
	return errors.Join(t.undoClaim(c.Message.ID, c.Domain, c.Rcpts), t.closeClaim(c.Message.ID, c.Domain))
}
