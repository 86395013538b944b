package spool

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/spooled"
)

// Bucket "claims" has an entry for each open claim (spooled.Claim): from Claim until Settle or Return, or
// until nothing is left to send at that domain. From it a start knows which messages only waited and
// which were being tried, without looking at the queue.
//
// A crash leaves entries. ReleaseClaims, at the next start, goes by their states:
//
//	ClaimWaits, ClaimAgain: nobody dialled. The mail is due as before the claim.
//	ClaimDialled: it may have been sent. It counts as an attempt; the next one is due when Claim said.
//
// Dialled notes many dials at once, some time after they were made, so that it costs no commit a message.
// A crash in between lets a message that was tried pass for one that waited, but only once: a released
// message is claimed with Claimed.Again, and then its dial is on disk before it is made. So a message
// that crashes relay is not tried at every start.

// openClaim notes a claim, or renews one that is open. again: a start has released it before.
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

// closeClaim takes the note away, if there is one.
func (t *Tx) closeClaim(id spooled.ID, domain string) error {
	return t.Delete(bucket.Claims, spooled.ClaimKey(id, domain))
}

// Dialled notes that claims are being dialled for, or were, so that a crash leaves their next try as it
// is. Claims that are no longer open stay so.
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

// dialled notes it of one claim.
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

// undoClaim has the mail of a claim due as before, if the claim is open. list are its recipients.
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

// ReleaseClaims ends the claims that an earlier run left open. They are as many as it had in hand at
// once, whatever waits in the queue.
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

// openClaims are the first keys after from whose claims are not released yet.
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

// releaseClaim ends one claim of an earlier run.
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
