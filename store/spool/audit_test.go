package spool

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/spooled"
)

// books are the buckets of the spool as its messages say that they must be: key and value, as text.
type books struct {
	queue, due, claims, dsns, waiting, bodies map[string]string

	totals   Totals
	messages int64
	progress map[string]*outcomes.Progress // by account: what of it follows from the messages
	waits    map[string]int64              // recipients that wait for the cap, by account
}

// audit proves that everything beside the messages is what the messages say.
func (f *fixture) audit() {
	f.Helper()
	f.Bodies.Wait()
	f.check(f.db.View(func(t room.Tx) error {
		f.auditIn(f.In(t))
		return nil
	}))
}

func (f *fixture) auditIn(t *Tx) {
	f.Helper()
	want := books{queue: map[string]string{}, due: map[string]string{}, claims: map[string]string{}, dsns: map[string]string{},
		waiting: map[string]string{}, bodies: map[string]string{}, progress: map[string]*outcomes.Progress{}, waits: map[string]int64{}}
	for name := range f.accounts {
		want.progress[name] = &outcomes.Progress{}
	}
	list, err := room.All[spooled.Message](&t.Tx, bucket.Messages, nil)
	f.check(err)
	for i := range list {
		f.auditMessage(&want, &list[i])
	}
	want.heads(t)
	f.same("queue", want.queue, records(t, bucket.Queue))
	f.same("due", want.due, records(t, bucket.Due))
	f.same("dsns", want.dsns, records(t, bucket.Dsns))
	f.same("waiting", want.waiting, records(t, bucket.Waiting))
	f.same("bodies", want.bodies, bodySizes(t))
	for k := range records(t, bucket.Claims) {
		if _, may := want.claims[k]; !may {
			f.Errorf("a claim is open of %x, which does not wait", k)
		}
	}
	f.auditCounts(t, &want)
}

// auditMessage adds what one message asks for.
func (f *fixture) auditMessage(want *books, m *spooled.Message) {
	f.Helper()
	if m.Done() {
		f.Errorf("message %s is done, and still there", m.ID)
	}
	want.messages++
	want.totals.Messages++
	want.totals.Bytes += m.Stored
	want.bodies[string(m.ID[:])] = fmt.Sprint(m.Stored)
	p := &outcomes.Progress{}
	if is := want.progress[m.Account]; is != nil && !m.OfRelay() {
		p = is
	}
	p.Waiting, p.Stored = p.Waiting+1, p.Stored+m.Stored
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.State == spooled.Deferred {
			p.Deferred++
		}
	}
	for _, d := range m.Domains() {
		at, _ := m.Due(d)
		n := int64(len(m.Pending(d)))
		want.totals.Recipients += n
		want.queue[string(spooled.QueueKey(spooled.Lane{Domain: d, Account: m.Account}, at, m.ID))] = string(binary.AppendUvarint(nil, uint64(n)))
		want.claims[string(spooled.ClaimKey(m.ID, d))] = ""
		if n := m.WaitingAt(d); n > 0 {
			want.waiting[string(spooled.ListKey(m.Account, m.ID, d))] = ""
			want.waits[m.Account] += n
		}
	}
	if m.Untold() != !m.DSNDue.IsZero() {
		f.Errorf("message %s is to be told %t, and listed for %v", m.ID, m.Untold(), m.DSNDue)
	}
	if m.Untold() {
		want.dsns[string(spooled.DSNKey(m))] = ""
	}
}

// heads adds the lanes under the due time of their first message, but for parked ones.
func (b *books) heads(t *Tx) {
	heads := map[spooled.Lane]time.Time{}
	for k := range b.queue {
		l, at, _, _ := spooled.ParseQueueKey([]byte(k))
		if first, there := heads[l]; !there || at.Before(first) {
			heads[l] = at
		}
	}
	for l, at := range heads {
		if at.Before(spooled.Never) && t.Get(bucket.Parked, room.Pair(l.Account, l.Domain)) == nil {
			b.due[string(spooled.DueKey(at, l.Key()))] = ""
		}
	}
}

// auditCounts compares all counters.
func (f *fixture) auditCounts(t *Tx, want *books) {
	f.Helper()
	if got, err := TotalsIn(&t.Tx); err != nil || got != want.totals {
		f.Errorf("totals %+v, %v; want %+v", got, err, want.totals)
	}
	if got, err := AgesIn(&t.Tx); err != nil || got.Messages() != want.messages {
		f.Errorf("%d messages are counted by age, %v; want %d", got.Messages(), err, want.messages)
	}
	for name := range f.accounts {
		got, want, waits := f.Outcomes.Of(&t.Tx, name, period), want.progress[name], want.waits[name]
		if got.Waiting != want.Waiting || got.Stored != want.Stored || got.Deferred != want.Deferred {
			f.Errorf("%s has %+v in the queue, want %+v", name, got, *want)
		}
		if rec, err := f.Strangers.In(&t.Tx, name); err != nil || rec.Waiting != waits {
			f.Errorf("%d recipients of %s wait for the cap, %v; want %d", rec.Waiting, name, err, waits)
		}
	}
}

// same compares a bucket.
func (f *fixture) same(name string, want, got map[string]string) {
	f.Helper()
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if v, there := want[k]; !there || v != got[k] {
			f.Errorf("%s has %q, %q; want %q, %t", name, k, got[k], v, there)
		}
		delete(want, k)
	}
	for k := range want {
		f.Errorf("%s lacks %q", name, k)
	}
}

// records of a bucket.
func records(t *Tx, b engine.Bucket) map[string]string {
	all := map[string]string{}
	c := t.Cursor(b)
	for k, v := c.First(); k != nil; k, v = c.Next() {
		all[string(k)] = string(v)
	}
	return all
}

// bodySizes are the octets of each message's body.
func bodySizes(t *Tx) map[string]string {
	sizes := map[string]int{}
	for k, v := range records(t, bucket.Bodies) {
		sizes[k[:16]] += len(v)
	}
	all := map[string]string{}
	for id, n := range sizes {
		all[id] = fmt.Sprint(n)
	}
	return all
}
