// Package outcomes keeps what became of each account's mail: by the period that it was charged to
// (Progress), and by the day on which it was accepted (Day). It is the spool's part of an account's
// use. What was charged for the mail is the books' part, which the room does not read.
//
// The store's transactions call into the room:
//
//  1. the one that accepts a message counts it as waiting (Enter), and the one that removes it
//     takes that back (Leave);
//  2. those that settle an attempt, that claim a message with suppressed recipients, or that drop
//     some, count what became of each e-mail (Count);
//  3. the one that queues a DSN, or withholds it, counts that (DSN, Withheld);
//  4. the one that records mail that came back counts it in the period and on the day of the
//     e-mail that it is about (Bounced, Complained);
//  5. the one that removes an account removes its days (Forget). Its Progress stays beside its
//     charges, as the books of an account do.
//
// What is counted stays in memory for the transaction. Flush writes it before the commit, so a
// crash leaves an outcome in all of its counts, or in none.
//
// Prune removes days that are older than daysKept, and those of accounts that are gone, in small
// transactions of its own. A crash leaves the rest to the next run. Nobody reads a day of that
// age, removed or not.
package outcomes

import (
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/spooled"
)

// Options of the room.
type Options struct {
	Zone *time.Location // the operator's, in which days begin
}

// Outcomes are the counts of all accounts. Its methods may be called from any goroutine.
type Outcomes struct {
	db   *room.DB
	zone *time.Location

	progress room.Counters[Progress]
	days     engine.Key[collection]
}

// New keeps them in a store, whose engine must run Flush.
func New(db *room.DB, o Options) *Outcomes {
	return &Outcomes{db: db, zone: o.Zone, progress: room.Counters[Progress]{Bucket: bucket.Usage, Behind: Behind}}
}

// Mail says where a message counts.
type Mail struct {
	Account  string
	Period   string    // that it was charged to; "": it is relay's own, which counts nowhere
	Accepted time.Time // on the day of this instant
}

// Fate is what became of one e-mail.
type Fate struct {
	From, To spooled.State
	Category string // why it was given up; "": it was not
	Provider string // whose hosts decided it; "": none did
}

// Enter counts a message that enters the spool. stored is the length of its body there.
func (o *Outcomes) Enter(t *room.Tx, m Mail, stored int64) {
	if m.Period == "" {
		return
	}
	t.Touch()
	p := o.in(t, m.Account, m.Period)
	p.Stored, p.Waiting = p.Stored+stored, p.Waiting+1
}

// Leave counts a message that leaves the spool.
func (o *Outcomes) Leave(t *room.Tx, m Mail, stored int64) {
	if m.Period == "" {
		return
	}
	t.Touch()
	p := o.in(t, m.Account, m.Period)
	p.Stored, p.Waiting = p.Stored-stored, p.Waiting-1
}

// Count counts what became of one e-mail of a message.
func (o *Outcomes) Count(t *room.Tx, m Mail, is Fate) {
	if m.Period == "" {
		return
	}
	t.Touch()
	p, d := o.at(t, m)
	d.count(is)
	if is.From == spooled.Deferred {
		p.Deferred--
	}
	switch {
	case is.To == spooled.Deferred:
		p.Deferred++
	case is.To == spooled.Delivered:
		p.Delivered++
	case is.To.Final():
		p.Failed++
	}
}

// DSN counts a DSN about a message.
func (o *Outcomes) DSN(t *room.Tx, m Mail) {
	if m.Period != "" {
		t.Touch()
		o.in(t, m.Account, m.Period).DSNs++
	}
}

// Withheld counts a DSN about a message that is not sent.
func (o *Outcomes) Withheld(t *room.Tx, m Mail) {
	if m.Period != "" {
		t.Touch()
		o.in(t, m.Account, m.Period).Withheld++
	}
}

// Bounced counts an e-mail that came back after it was delivered.
func (o *Outcomes) Bounced(t *room.Tx, m Mail) {
	t.Touch()
	p, d := o.at(t, m)
	p.Bounced++
	d.Bounced++
}

// Complained counts an e-mail that its recipient reported as spam.
func (o *Outcomes) Complained(t *room.Tx, m Mail) {
	t.Touch()
	p, d := o.at(t, m)
	p.Complained++
	d.Complained++
}

// Flush writes what a transaction has counted.
func (o *Outcomes) Flush(b *engine.Tx) error {
	if err := o.flushDays(b); err != nil {
		return err
	}
	return o.progress.Flush(b)
}
