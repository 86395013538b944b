package store

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// Bucket "claims" has an entry for each claim that is open: from Claim until
// Settle or Return, or until nothing is left to send at that domain. By it a start
// tells claims that only waited from those that were being tried, without looking
// at the queue. Key: ID, domain. Value: a claimState, when the message was due
// before the claim, and when it is due after it. By the latter the recipients
// that were claimed are told from others at the domain, which have another time.
//
// A crash leaves entries; Open settles them:
//
//	claimWaits, claimAgain: nobody dialled: due as before the claim
//	claimDialled: it may have been sent: an attempt, and the next one is due when Claim said
//
// Dialled is written some time after the dial, for many messages at once, so
// that it costs no commit a message. A crash in between takes a message for one
// that waited, once: what Open has released is claimed again with Claimed.Again,
// and then its dial is on disk before it is made. So a message that crashes relay
// is not tried at every start.
type claimState byte

const (
	claimWaits    claimState = 'w' // nobody has dialled for it
	claimDialled  claimState = 'd' // somebody may have
	claimReleased claimState = 'r' // by Open: nobody has it
	claimAgain    claimState = 'a' // like claimWaits, after claimReleased
)

func claimKey(id spooled.ID, domain string) []byte {
	return append(append(make([]byte, 0, len(id)+len(domain)), id[:]...), domain...)
}

// claimEntry is an entry, read.
type claimEntry struct {
	state claimState
	due   time.Time // before the claim
	next  time.Time // after it; zero in entries of an earlier relay: it is not known
}

func (c claimEntry) value() []byte {
	return room.AppendTime(room.AppendTime(append(make([]byte, 0, 17), byte(c.state)), c.due), c.next)
}

// has reports whether a recipient at the domain is one of those that were claimed.
func (c claimEntry) has(r *spooled.Recipient) bool {
	return c.next.IsZero() || r.Next.Truncate(time.Millisecond).Equal(c.next)
}

// parseClaim reads key and value of an entry.
func parseClaim(k, raw []byte) (id spooled.ID, domain string, c claimEntry, err error) {
	if len(k) <= len(id) || len(raw) != 9 && len(raw) != 17 {
		return id, "", c, fmt.Errorf("entry %x of an open claim cannot be read", k)
	}
	copy(id[:], k)
	return id, string(k[len(id):]), readClaim(raw), nil
}

func readClaim(raw []byte) claimEntry {
	c := claimEntry{state: claimState(raw[0]), due: room.ParseTime(raw[1:])}
	if len(raw) > 9 {
		c.next = room.ParseTime(raw[9:])
	}
	return c
}

// openClaim notes a claim, or that one that is open is renewed. again: Open has
// released it before.
func (t *SpoolTx) openClaim(id spooled.ID, domain string, due, next time.Time) (again bool, err error) {
	key := claimKey(id, domain)
	c := claimEntry{claimWaits, due, next}
	if raw := t.Get(bucket.Claims, key); raw != nil {
		was := readClaim(raw)
		if c.state = claimAgain; was.state != claimReleased {
			c.state, c.due = was.state, was.due
		}
	}
	return c.state == claimAgain, t.Put(bucket.Claims, key, c.value())
}

// closeClaim takes the note away; it need not be there.
func (t *SpoolTx) closeClaim(id spooled.ID, domain string) error {
	return t.Delete(bucket.Claims, claimKey(id, domain))
}

// Dialled stores that somebody dials, or has dialled, for claims, so that a crash
// leaves their next try as it is. Claims that are not open any more stay so.
func (s *Spool) Dialled(list []Claimed) error {
	err := s.update(len(list)*128, func(t *SpoolTx) error {
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

func (t *SpoolTx) dialled(id spooled.ID, domain string) error {
	key := claimKey(id, domain)
	raw := t.Get(bucket.Claims, key)
	if raw == nil || claimState(raw[0]) == claimReleased {
		return nil
	}
	c := readClaim(raw)
	c.state = claimDialled
	return t.Put(bucket.Claims, key, c.value())
}

// undoClaim has the mail of an open claim due as before; there need not be one. list
// are its recipients.
func (t *SpoolTx) undoClaim(id spooled.ID, domain string, list []int) error {
	raw := t.Get(bucket.Claims, claimKey(id, domain))
	if raw == nil || claimState(raw[0]) == claimReleased {
		return nil
	}
	m, err := t.message(id)
	if err != nil || m == nil {
		return err
	}
	due := readClaim(raw).due
	return t.change(m, domain, list, func(r *spooled.Recipient) { r.Next = due })
}

// claimsStep is how many entries one transaction of releaseClaims changes.
const claimsStep = 256

// releaseClaims settles the claims that an earlier run left open. There are as
// many as it had in hand at once, whatever waits in the queue.
func (s *Spool) releaseClaims() error {
	var from []byte
	for more := true; more; {
		var keys [][]byte
		err := s.view(func(t *SpoolTx) error { keys, more = t.openClaims(from); return nil })
		if err == nil && len(keys) > 0 {
			from = keys[len(keys)-1]
			err = s.update(len(keys)*1024, func(t *SpoolTx) error {
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
func (t *SpoolTx) openClaims(from []byte) (keys [][]byte, more bool) {
	c := t.Cursor(bucket.Claims)
	for k, raw := c.Seek(append(slices.Clone(from), 0)); k != nil; k, raw = c.Next() {
		if claimState(raw[0]) == claimReleased {
			continue
		}
		if len(keys) == claimsStep {
			return keys, true
		}
		keys = append(keys, slices.Clone(k))
	}
	return keys, false
}

func (t *SpoolTx) releaseClaim(key []byte) error {
	id, domain, c, err := parseClaim(key, t.Get(bucket.Claims, key))
	if err != nil {
		return err
	}
	m, err := t.message(id)
	if err != nil {
		return err
	}
	var list []int
	if m != nil {
		list = slices.DeleteFunc(m.Pending(domain), func(i int) bool { return !c.has(&m.Recipients[i]) })
	}
	if c.state == claimDialled {
		if len(list) > 0 {
			err = t.change(m, domain, list, func(r *spooled.Recipient) { r.Tries++ })
		}
		return errors.Join(err, t.closeClaim(id, domain))
	}
	err = t.undoClaim(id, domain, list)
	return errors.Join(err, t.Put(bucket.Claims, key, claimEntry{claimReleased, c.due, c.next}.value()))
}
