package spool

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/spooled"
)

// Bucket "claims" has an entry for each claim that is open: from Claim until
// Settle or Return, or until nothing is left to send at that domain. By it a start
// tells claims that only waited from those that were being tried, without looking
// at the queue. Key: ID, domain. Value: a state, when the message was due
// before the claim, and when it is due after it. By the latter the recipients
// that were claimed are told from others at the domain, which have another time.
//
// A crash leaves entries; Open settles them:
//
//	ClaimWaits, ClaimAgain: nobody dialled: due as before the claim
//	ClaimDialled: it may have been sent: an attempt, and the next one is due when Claim said
//
// Dialled is written some time after the dial, for many messages at once, so
// that it costs no commit a message. A crash in between takes a message for one
// that waited, once: what Open has released is claimed again with Claimed.Again,
// and then its dial is on disk before it is made. So a message that crashes relay
// is not tried at every start.

// openClaim notes a claim, or that one that is open is renewed. again: Open has
// released it before.
func (t *Tx) openClaim(id spooled.ID, domain string, due, next time.Time) (again bool, err error) {
	key := spooled.ClaimKey(id, domain)
	c := spooled.Claim{State: spooled.ClaimWaits, Due: due, Next: next}
	if raw := t.Get(bucket.Claims, key); raw != nil {
		was := spooled.ReadClaim(raw)
		if c.State = spooled.ClaimAgain; was.State != spooled.ClaimReleased {
			c.State, c.Due = was.State, was.Due
		}
	}
	return c.State == spooled.ClaimAgain, t.Put(bucket.Claims, key, c.Value())
}

// closeClaim takes the note away; it need not be there.
func (t *Tx) closeClaim(id spooled.ID, domain string) error {
	return t.Delete(bucket.Claims, spooled.ClaimKey(id, domain))
}

// Dialled stores that somebody dials, or has dialled, for claims, so that a crash
// leaves their next try as it is. Claims that are not open any more stay so.
func (s *Spool) Dialled(list []Claimed) error {
	err := s.update(len(list)*128, func(t *Tx) error {
		for _, c := range list {
			if err := t.dialled(c.Message.ID, c.Domain); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note dials: %w", err)
	}
	return nil
}

func (t *Tx) dialled(id spooled.ID, domain string) error {
	key := spooled.ClaimKey(id, domain)
	raw := t.Get(bucket.Claims, key)
	if raw == nil || spooled.ClaimState(raw[0]) == spooled.ClaimReleased {
		return nil
	}
	c := spooled.ReadClaim(raw)
	c.State = spooled.ClaimDialled
	return t.Put(bucket.Claims, key, c.Value())
}

// undoClaim has the mail of an open claim due as before; there need not be one. list
// are its recipients.
func (t *Tx) undoClaim(id spooled.ID, domain string, list []int) error {
	raw := t.Get(bucket.Claims, spooled.ClaimKey(id, domain))
	if raw == nil || spooled.ClaimState(raw[0]) == spooled.ClaimReleased {
		return nil
	}
	m, err := t.Message(id)
	if err != nil || m == nil {
		return err
	}
	due := spooled.ReadClaim(raw).Due
	return t.change(m, domain, list, func(r *spooled.Recipient) { r.Next = due })
}

// claimsStep is how many entries one transaction of ReleaseClaims changes.
const claimsStep = 256

// ReleaseClaims settles the claims that an earlier run left open. There are as
// many as it had in hand at once, whatever waits in the queue.
func (s *Spool) ReleaseClaims() error {
	var from []byte
	for more := true; more; {
		var keys [][]byte
		err := s.view(func(t *Tx) error { keys, more = t.openClaims(from); return nil })
		if err == nil && len(keys) > 0 {
			from = keys[len(keys)-1]
			err = s.update(len(keys)*1024, func(t *Tx) error {
				for _, k := range keys {
					if err := t.releaseClaim(k); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err != nil {
			return fmt.Errorf("release claims: %w", err)
		}
	}
	return nil
}

// openClaims are the first keys after from whose claims Open has not released yet.
func (t *Tx) openClaims(from []byte) (keys [][]byte, more bool) {
	c := t.Cursor(bucket.Claims)
	for k, raw := c.Seek(append(slices.Clone(from), 0)); k != nil; k, raw = c.Next() {
		if spooled.ClaimState(raw[0]) == spooled.ClaimReleased {
			continue
		}
		if len(keys) == claimsStep {
			return keys, true
		}
		keys = append(keys, slices.Clone(k))
	}
	return keys, false
}

func (t *Tx) releaseClaim(key []byte) error {
	id, domain, c, err := spooled.ParseClaim(key, t.Get(bucket.Claims, key))
	if err != nil {
		return err
	}
	m, err := t.Message(id)
	if err != nil {
		return err
	}
	var list []int
	if m != nil {
		list = slices.DeleteFunc(m.Pending(domain), func(i int) bool { return !c.Has(&m.Recipients[i]) })
	}
	if c.State == spooled.ClaimDialled {
		if len(list) > 0 {
			err = t.change(m, domain, list, func(r *spooled.Recipient) { r.Tries++ })
		}
		return errors.Join(err, t.closeClaim(id, domain))
	}
	err = t.undoClaim(id, domain, list)
	return errors.Join(err, t.Put(bucket.Claims, key, spooled.Claim{State: spooled.ClaimReleased, Due: c.Due, Next: c.Next}.Value()))
}
