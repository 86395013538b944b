package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"relay/store/books"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/standing"
	"relay/store/strangers"
)

// VerifyStats says how much Verify looked at.
type VerifyStats struct {
	Accounts int64        `json:"accounts"`
	Messages int64        `json:"messages"`
	Queued   int64        `json:"queue_entries"`
	Bodies   int64        `json:"body_bytes"`
	Staged   int64        `json:"staged_bodies"` // being received, or being removed
	Problems int64        `json:"problems"`
	Totals   spool.Totals `json:"totals"`
}

// verifier walks the file once; buckets in the order of IDs are walked side by side.
type verifier struct {
	t       *tx
	ctx     context.Context
	problem func(string)
	stats   VerifyStats
	usage   map[string]*standing.Usage // what the spool holds of each, by account NUL period
	entries int64                      // queue entries that the messages ask for
	untold  int64                      // messages whose sender is to be told
	waits   map[string]int64           // recipients that wait for the cap of first sendings, by account
	listed  int64                      // messages with such recipients, once for each domain
}

func (v *verifier) fault(format string, args ...any) {
	v.stats.Problems++
	v.problem(fmt.Sprintf(format, args...))
}

// Verify proves the file: the engine's own structure; every queue entry has its
// message and every message its entries; every open claim is of mail that waits;
// every body is whole and belongs to a message or is marked as staged; every lane
// lies under its head; every list of errors and the index of what was sent are whole; every counter is the sum it says,
// and every sum of money, credit and use is that of its ledger's entries. It works on one
// consistent state and calls problem with a line for each fault.
func (s *Store) Verify(ctx context.Context, problem func(string)) (VerifyStats, error) {
	v := &verifier{ctx: ctx, problem: problem, usage: map[string]*standing.Usage{}, waits: map[string]int64{}}
	if err := s.db.Engine().Check(func(err error) { v.fault("file: %v", err) }); err != nil {
		return v.stats, err
	}
	s.db.Engine().Trim()
	err := s.view(func(t *tx) error {
		v.t = t
		for _, part := range []func() error{v.owners, v.spool, v.queue, v.claims, v.heads, v.senders, v.news, v.waiting, v.counters, v.days, v.refusals, v.delivered, v.returns, v.books} {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	})
	s.db.Engine().Trim()
	return v.stats, err
}

// each walks a bucket; it ends early when the context does.
func (v *verifier) each(b engine.Bucket, fn func(k, raw []byte)) error {
	n := 0
	c := v.t.Cursor(b)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		if n++; n%(1<<14) == 0 {
			if v.ctx.Err() != nil {
				return v.ctx.Err()
			}
			v.t.Trim()
		}
		fn(k, raw)
	}
	return nil
}

// days: no period has more outcomes by day than in all.
func (v *verifier) days() error { return v.t.s.Outcomes.Verify(&v.t.Tx, v.each, v.fault) }

// refusals: lists of errors are whole.
func (v *verifier) refusals() error { return v.t.s.Refusals.Verify(&v.t.Tx, v.each, v.fault) }

// owners: accounts, and credentials and networks that belong to one.
func (v *verifier) owners() error {
	known := func(name, what string, key []byte) {
		if v.t.Get(bucket.Accounts, []byte(name)) == nil {
			v.fault("%s %q belongs to account %q, which is not there", what, key, name)
		}
	}
	err := v.each(bucket.Accounts, func(k, raw []byte) {
		var a books.Account
		v.stats.Accounts++
		if err := room.Decode(bucket.Accounts, k, raw, &a); err != nil {
			v.fault("%v", err)
		}
	})
	if err != nil {
		return err
	}
	err = v.each(bucket.Credentials, func(k, raw []byte) {
		var c people.Credential
		if err := room.Decode(bucket.Credentials, k, raw, &c); err != nil {
			v.fault("%v", err)
			return
		}
		known(c.Account, "login", k)
	})
	if err != nil {
		return err
	}
	err = v.each(bucket.Places, func(k, raw []byte) {
		var at []people.Place
		if err := room.Decode(bucket.Places, k, raw, &at); err != nil {
			v.fault("%v", err)
		} else if v.t.Get(bucket.Credentials, k) == nil {
			v.fault("places of login %q, which is not there", k)
		}
	})
	if err != nil {
		return err
	}
	return v.each(bucket.Networks, func(k, raw []byte) {
		var n people.Network
		if err := room.Decode(bucket.Networks, k, raw, &n); err != nil {
			v.fault("%v", err)
			return
		}
		known(n.Account, "network", k)
	})
}

// spool: messages and bodies, side by side.
func (v *verifier) spool() error {
	body := v.t.Cursor(bucket.Bodies)
	bk, bv := body.First()
	err := v.each(bucket.Messages, func(k, raw []byte) {
		m := &spooled.Message{}
		if err := room.Decode(bucket.Messages, k, raw, m); err != nil {
			v.fault("%v", err)
			return
		}
		for bk != nil && bytes.Compare(bk[:16], k) < 0 {
			v.stray(bk)
			bk, bv = body.Next()
		}
		var size int64
		for n := 0; bk != nil && bytes.Equal(bk[:16], k); n++ {
			if !bytes.Equal(bk, spooled.ChunkKey(m.ID, n)) {
				v.fault("message %s: chunk %d of its body is missing", m.ID, n)
			}
			size += int64(len(bv))
			bk, bv = body.Next()
		}
		if size != m.Stored {
			v.fault("message %s: its body has %d octets, should have %d", m.ID, size, m.Stored)
		}
		v.message(k, m)
	})
	for ; bk != nil && err == nil; bk, _ = body.Next() {
		v.stray(bk)
	}
	if err != nil {
		return err
	}
	return v.each(bucket.Orphans, func([]byte, []byte) { v.stats.Staged++ })
}

// stray is a chunk without a message: it must be marked as staged.
func (v *verifier) stray(k []byte) {
	if v.t.Get(bucket.Orphans, k[:16]) == nil {
		v.fault("body %s belongs to no message", spooled.ID(k[:16]))
	}
}

func (v *verifier) message(k []byte, m *spooled.Message) {
	if !bytes.Equal(k, m.ID[:]) {
		v.fault("message %s lies under the key of %s", m.ID, spooled.ID(k))
	}
	v.stats.Messages++
	v.stats.Bodies += m.Stored
	v.stats.Totals.Messages++
	v.stats.Totals.Bytes += m.Stored
	if m.Done() {
		v.fault("message %s has no recipient left", m.ID)
	}
	for _, d := range m.Domains() {
		v.entries++
		at, _ := m.Due(d)
		raw := v.t.Get(bucket.Queue, spooled.QueueKey(spooled.Lane{Domain: d, Account: m.Account}, at, m.ID))
		v.first(m, d)
		switch {
		case raw == nil:
			v.fault("message %s: no queue entry for %s", m.ID, d)
		case len(raw) > 0 && !bytes.Equal(raw, spooled.CountAt(m, d)):
			v.fault("message %s: its queue entry for %s has a wrong number of recipients", m.ID, d)
		}
	}
	if m.Untold() {
		v.untold++
		if m.DSNDue.IsZero() || v.t.Get(bucket.Dsns, spooled.DSNKey(m)) == nil {
			v.fault("message %s: its sender is to be told, and it is not on that list", m.ID)
		}
	}
	u := &standing.Usage{} // of relay's own: nobody's
	if m.Period != "" {
		key := string(room.Pair(m.Account, m.Period))
		if v.usage[key] == nil {
			v.usage[key] = u
		}
		u = v.usage[key]
	}
	u.Stored, u.Waiting = u.Stored+m.Stored, u.Waiting+1
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.State.Final() {
			continue
		}
		v.stats.Totals.Recipients++
		u.Queued++
		if r.State == spooled.Deferred {
			u.Deferred++
		}
	}
}

// queue: as many entries as the messages ask for, each of which was found.
func (v *verifier) queue() error {
	err := v.each(bucket.Queue, func(k, _ []byte) {
		v.stats.Queued++
		_, _, id, ok := spooled.ParseQueueKey(k)
		switch {
		case !ok:
			v.fault("queue entry %x cannot be read", k)
		case v.t.Get(bucket.Messages, id[:]) == nil:
			v.fault("queue entry of message %s, which is not there", id)
		}
	})
	if v.stats.Queued != v.entries {
		v.fault("%d queue entries, the messages ask for %d", v.stats.Queued, v.entries)
	}
	return err
}

// claims: each is of a message that has recipients left there.
func (v *verifier) claims() error {
	return v.each(bucket.Claims, func(k, raw []byte) {
		id, domain, _, err := spooled.ParseClaim(k, raw)
		if err != nil {
			v.fault("%v", err)
			return
		}
		m, err := v.t.Message(id)
		switch {
		case err != nil: // told already
		case m == nil:
			v.fault("open claim of message %s, which is not there", id)
		case len(m.Pending(domain)) == 0:
			v.fault("open claim of message %s for %s, where nobody waits", id, domain)
		}
	})
}

// heads: each lane once in bucket "due", under the due time of its first message.
func (v *verifier) heads() error {
	lanes, listed := 0, 0
	var last []byte
	err := v.each(bucket.Queue, func(k, _ []byte) {
		if len(k) < 24 || bytes.Equal(k[:len(k)-24], last) {
			return
		}
		last = append(last[:0], k[:len(k)-24]...)
		if head := spool.HeadOf(v.t.Tx.Tx, last); head != spool.NoHead {
			lanes++
			if v.t.Get(bucket.Due, spooled.DueKey(room.ParseTime(k[len(last):]), last)) == nil {
				v.fault("lane %q does not lie under its head", last)
			}
		}
	})
	if err != nil {
		return err
	}
	err = v.each(bucket.Due, func([]byte, []byte) { listed++ })
	if lanes != listed {
		v.fault("%d lanes are due, %d are listed", lanes, listed)
	}
	return err
}

// senders: the list of those to be told has as many as there are, each of which was found.
func (v *verifier) senders() error {
	listed := int64(0)
	err := v.each(bucket.Dsns, func([]byte, []byte) { listed++ })
	if listed != v.untold {
		v.fault("%d messages are listed because their senders are to be told, %d have something to tell", listed, v.untold)
	}
	return err
}

func (v *verifier) books() error { return v.t.s.Books.Verify(&v.t.Tx, v.ctx, v.each, v.fault) }

func (v *verifier) returns() error { return v.t.s.Returns.Verify(v.each, v.fault) }

func (v *verifier) news() error { return news.Verify(&v.t.Tx, v.each, v.fault) }

func (v *verifier) delivered() error { return v.t.s.Delivered.Verify(&v.t.Tx, v.each, v.fault) }

// first counts a message's recipients at a domain that wait for the cap of first sendings.
func (v *verifier) first(m *spooled.Message, domain string) {
	n := m.WaitingAt(domain)
	if n == 0 {
		return
	}
	v.waits[m.Account] += n
	v.listed++
	if v.t.Get(bucket.Waiting, spooled.ListKey(m.Account, m.ID, domain)) == nil {
		v.fault("message %s: recipients at %s wait for the cap of first sendings, and are not on that list", m.ID, domain)
	}
}

// waiting: the list of what waits for the cap of first sendings, and the records' counts.
func (v *verifier) waiting() error {
	listed := int64(0)
	err := v.each(bucket.Waiting, func([]byte, []byte) { listed++ })
	if listed != v.listed {
		v.fault("%d entries of mail that waits for the cap of first sendings, the messages ask for %d", listed, v.listed)
	}
	return errors.Join(err, v.each(bucket.Records, func(k, raw []byte) {
		var r strangers.Record
		if err := room.Decode(bucket.Records, k, raw, &r); err != nil {
			v.fault("%v", err)
		} else if r.Waiting != v.waits[string(k)] {
			v.fault("the record of account %q says that %d recipients wait, the spool holds %d", k, r.Waiting, v.waits[string(k)])
		}
	}))
}

// totals: the sums of the spool, and its counts by age, are those of its messages.
func (v *verifier) totals() {
	sum, e := spool.TotalsIn(&v.t.Tx)
	if e != nil {
		v.fault("%v", e)
	}
	if of, e := spool.AgesIn(&v.t.Tx); e != nil {
		v.fault("%v", e)
	} else if n := of.Messages(); n != v.stats.Totals.Messages {
		v.fault("counts by age say %d messages, the spool holds %d", n, v.stats.Totals.Messages)
	}
	if sum != v.stats.Totals {
		v.fault("totals say %+v, the spool holds %+v", sum, v.stats.Totals)
	}
}
