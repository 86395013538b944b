package spool

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// claimSome claims in a lane, and compares what is handed out.
func (m *model) claimSome(t *rapid.T) {
	l := spooled.Lane{Domain: rapid.SampledFrom(modelDomains).Draw(t, "domain"), Account: rapid.SampledFrom(modelAccounts).Draw(t, "account")}
	m.claimLane(l, rapid.IntRange(1, 3).Draw(t, "most"))
}

func (m *model) claimLane(l spooled.Lane, most int) (got []Claimed) {
	m.Helper()
	want := m.claimable(l, most)
	got, err := m.Claim([]Want{{l, most}}, func(_ *spooled.Message, tries int) time.Time { return m.Now().Add(time.Duration(tries) * time.Minute) })
	m.check(err)
	var texts []string
	for _, c := range got {
		texts = append(texts, claimText(c.Message.ID, c.Rcpts, c.Suppressed, c.Again))
		if len(c.Rcpts) > 0 {
			m.claims = append(m.claims, c)
		}
	}
	if !slices.Equal(texts, want) {
		m.Fatalf("of %v are claimed\n%q\nwant\n%q", l, texts, want)
	}
	return got
}

func claimText(id spooled.ID, rcpts, suppressed []int, again bool) string {
	return fmt.Sprintf("%s %v, suppressed %v, again %t", id, rcpts, suppressed, again)
}

// claimable is what a claim should hand out. Mail that may not be tried makes room for other mail.
func (m *model) claimable(l spooled.Lane, most int) (list []string) {
	if m.stopped[l.Account] {
		m.parked[l.Domain+" "+l.Account] = true
		return nil
	}
	for took := -1; most > 0 && took != 0; {
		ids := m.dueIn(l)
		took = 0
		for _, id := range ids[:min(most, len(ids))] {
			msg := m.mail[id]
			rcpts, suppressed, again := m.claimOf(msg, l)
			if len(rcpts) > 0 {
				took++
			}
			if len(rcpts)+len(suppressed) > 0 {
				list = append(list, claimText(id, rcpts, suppressed, again))
			}
			m.leave(msg)
		}
		if most -= took; took == min(most+took, len(ids)) {
			break
		}
		took = -1
	}
	return list
}

// dueIn are the messages of a lane that are due, in their order.
func (m *model) dueIn(l spooled.Lane) (ids []spooled.ID) {
	keys := map[string]spooled.ID{}
	for id, msg := range m.mail {
		if at, left := msg.Due(l.Domain); left && msg.Account == l.Account && !at.Truncate(time.Millisecond).After(m.Now()) {
			keys[string(spooled.QueueKey(l, at, id))] = id
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		ids = append(ids, keys[k])
	}
	return ids
}

// claimOf is what becomes of a message that comes up: it is held with its login, or its suppressed
// recipients are given up, and the claim is of the others.
func (m *model) claimOf(msg *spooled.Message, l spooled.Lane) (rcpts, suppressed []int, again bool) {
	who, at := login{msg.Account, msg.Login}, place{msg.ID, l.Domain}
	if w, held := m.windows[who]; held && w.covers(msg) && !m.listed[who][at] {
		if m.listed[who] == nil {
			m.listed[who] = map[place]bool{}
		}
		m.listed[who][at] = true
		m.operated(msg, &Operation{Op: OpHold, Of: &spooled.Filter{Domain: l.Domain}})
		return nil, nil, false
	}
	o := m.open[at]
	renewed := o != nil && o.State != spooled.ClaimReleased
	for _, i := range msg.Ready(l.Domain, m.Now()) {
		r := &msg.Recipients[i]
		if renewed || msg.OfRelay() || !m.suppressed[[2]string{msg.Account, r.Mailbox()}] {
			rcpts = append(rcpts, i)
			continue
		}
		suppressed = append(suppressed, i)
		m.count(msg, spooled.Suppressed)
		if r.State, r.DSN = spooled.Suppressed, nil; msg.Sender != "" && r.WantsFailure() {
			r.DSN = &spooled.DSN{Action: "failed"}
		}
	}
	if len(rcpts) == 0 {
		return nil, suppressed, false
	}
	due, _ := msg.Due(l.Domain)
	next := m.Now().Add(time.Duration(msg.Recipients[rcpts[0]].Tries+1) * time.Minute)
	switch {
	case o == nil:
		o = &spooled.Claim{State: spooled.ClaimWaits, Due: due.Truncate(time.Millisecond)}
		m.open[at] = o
	case !renewed:
		o.State, o.Due = spooled.ClaimAgain, due.Truncate(time.Millisecond)
	}
	o.Next = next.Truncate(time.Millisecond)
	for _, i := range rcpts {
		msg.Recipients[i].Next = next
	}
	return rcpts, suppressed, o.State == spooled.ClaimAgain
}

// compare the model with all that can be read.
func (m *model) compare(*rapid.T) {
	m.Helper()
	m.adopt()
	for id, want := range m.mail {
		m.compareMessage(m.is(id), want)
	}
	if n := len(m.all()); n != len(m.mail) {
		m.Fatalf("%d messages are queued, want %d", n, len(m.mail))
	}
	m.compareLanes()
	m.compareClaims()
	for _, account := range modelAccounts[:2] {
		got, want := m.progress(account), *m.sums[account]
		got.Deferred, got.Stored, got.Waiting = 0, 0, 0 // see audit
		if got != want {
			m.Fatalf("%s has %+v, want %+v", account, got, want)
		}
		if m.Stopped(account) != m.stopped[account] {
			m.Fatalf("%s is stopped: %t", account, m.Stopped(account))
		}
	}
	m.audit()
}

// adopt takes the DSNs that were queued into the model.
func (m *model) adopt() {
	m.Helper()
	for _, msg := range m.all() {
		if m.mail[msg.ID] != nil || msg.About == (spooled.ID{}) {
			continue
		}
		i := slices.Index(m.dsns, m.body(msg.ID))
		if i < 0 || msg.Sender != "" || msg.Period != "" {
			m.Fatalf("a DSN %+v: %q; want one of %q", msg, m.body(msg.ID), m.dsns)
		}
		m.dsns = slices.Delete(m.dsns, i, i+1)
		m.mail[msg.ID] = msg
	}
	if len(m.dsns) > 0 {
		m.Fatalf("not queued: DSNs %q", m.dsns)
	}
}

func (m *model) compareMessage(got, want *spooled.Message) {
	m.Helper()
	for i := range want.Recipients {
		g, w := &got.Recipients[i], &want.Recipients[i]
		if g.State != w.State || g.Tries != w.Tries || g.Held != w.Held || !g.Next.Truncate(time.Millisecond).Equal(w.Next.Truncate(time.Millisecond)) ||
			(g.DSN == nil) != (w.DSN == nil) || g.DSN != nil && g.DSN.Action != w.DSN.Action {
			m.Fatalf("recipient %d of %s is\n%+v, %+v, want\n%+v, %+v", i, got.ID, g, g.DSN, w, w.DSN)
		}
	}
	switch now := m.Now(); {
	case got.DSNDue.After(now.Add(dsnCollect)):
		m.Fatalf("the sender of %s is told at %v, it is %v", got.ID, got.DSNDue, now)
	case !want.DSNDue.IsZero() && got.DSNDue.After(want.DSNDue) && !want.DSNDue.After(now.Add(-dsnCollect)):
		m.Fatalf("what the sender of %s was to be told at %v waits until %v", got.ID, want.DSNDue, got.DSNDue)
	}
	want.DSNDue = got.DSNDue
}

// compareLanes compares sums of lanes, and what is due.
func (m *model) compareLanes() {
	m.Helper()
	want, due := map[spooled.Lane]LaneSum{}, map[spooled.Lane]bool{}
	next := map[string]time.Time{}
	for _, id := range m.inOrder() {
		msg := m.mail[id]
		for _, d := range msg.Domains() {
			l := spooled.Lane{Domain: d, Account: msg.Account}
			at, _ := msg.Due(d)
			at = at.Truncate(time.Millisecond)
			if !at.After(m.Now()) && !m.parked[d+" "+msg.Account] {
				due[l] = true
			}
			sum := want[l]
			if sum.Messages == 0 {
				sum.Lane, sum.Oldest = l, id
			}
			sum.Messages++
			sum.Recipients += int64(len(msg.Pending(d)))
			if m.stopped[msg.Account] || !at.Before(spooled.Never) {
				sum.Held++
			} else {
				sum.Next, next[d] = first(sum.Next, at), first(next[d], at)
			}
			want[l] = sum
		}
	}
	got := map[spooled.Lane]LaneSum{}
	m.check(m.Lanes(m.t.Context(), func(s *LaneSum) error { got[s.Lane] = *s; return nil }))
	if !maps.Equal(got, want) {
		m.Fatalf("lanes are\n%v\nwant\n%v", got, want)
	}
	lanes := map[spooled.Lane]bool{}
	for _, l := range m.dueLanes() {
		lanes[l] = true
	}
	if !maps.Equal(lanes, due) {
		m.Fatalf("due are %v, want %v", lanes, due)
	}
	for _, d := range modelDomains {
		if at, ok, err := m.NextDue(d, ""); err != nil || !at.Equal(next[d]) || ok == next[d].IsZero() {
			m.Fatalf("at %s is due %v, %t, %v; want %v", d, at, ok, err, next[d])
		}
	}
}

// first of two times; zero is none.
func first(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func (m *model) compareClaims() {
	m.Helper()
	got := map[place]spooled.Claim{}
	m.check(m.view(func(t *Tx) error {
		for k, v := range records(t, bucket.Claims) {
			id, domain, c, err := spooled.ParseClaim([]byte(k), []byte(v))
			if err != nil {
				return err
			}
			got[place{id, domain}] = c
		}
		return nil
	}))
	want := map[place]spooled.Claim{}
	for at, o := range m.open {
		want[at] = *o
	}
	if !reflect.DeepEqual(got, want) {
		m.Fatalf("open claims are\n%v\nwant\n%v", got, want)
	}
}

// drain has all mail go, and proves that none was lost, or counted twice.
func (m *model) drain(t *rapid.T) {
	for _, account := range modelAccounts[:2] {
		if m.stopped[account] {
			m.toggle(account)
		}
		l := login{account, "phone"}
		m.do(func(t *Tx) error { return t.ReleaseLater(l.account, l.name) })
		delete(m.windows, l)
		m.release[l] = true
	}
	m.chores(t)
	for _, id := range m.inOrder() {
		m.operated(m.mail[id], &Operation{Op: OpRelease})
		_, _, err := m.Change(OpRelease, []spooled.ID{id})
		m.check(err)
	}
	for len(m.mail) > 0 {
		m.db.Pass(day)
		m.tell(t)
		m.adopt()
		for _, account := range modelAccounts {
			for _, d := range modelDomains {
				for _, c := range m.claimLane(spooled.Lane{Domain: d, Account: account}, 100) {
					r := result(c, Outcome{State: spooled.Delivered})
					m.check(m.Settle(r))
					m.settled(&r)
				}
				m.adopt()
			}
		}
	}
	for _, account := range modelAccounts[:2] {
		if p := m.progress(account); p.Delivered+p.Failed != m.accepted[account] || p.Waiting+p.Stored+p.Deferred != 0 {
			m.Fatalf("of %d e-mails of %s: %+v", m.accepted[account], account, p)
		}
	}
	m.check(m.db.View(func(t room.Tx) error {
		for name, b := range map[string]map[string]string{"queue": records(m.In(t), bucket.Queue), "claims": records(m.In(t), bucket.Claims), "chores": records(m.In(t), bucket.Chores),
			"held-mail": records(m.In(t), bucket.HeldMail), "parked": records(m.In(t), bucket.Parked), "bodies": records(m.In(t), bucket.Bodies)} {
			if len(b) > 0 {
				m.Errorf("%s keeps %q", name, strings.Join(slices.Collect(maps.Keys(b)), " "))
			}
		}
		return nil
	}))
	m.audit()
}

// Whatever is queued, claimed, settled, given back, operated on, stopped, held and suppressed, in whatever
// order, over kills and transactions that are undone: the room holds what a map of messages would, hands
// nothing out twice, tells senders what they asked for, and in the end has lost nothing.
func TestSpool_AgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := newModel(t, r)
		r.Repeat(map[string]func(*rapid.T){
			"enqueue": m.enqueue, "enqueue more": m.enqueue, "claim": m.claimSome, "claim more": m.claimSome, "dial": m.dial, "settle": m.settleOne, "return": m.giveBack,
			"operate": m.operateOne, "stop": m.stop, "hold": m.hold, "chores": m.chores, "suppress": m.suppress, "tell": m.tell,
			"kill": m.killed, "spoil": m.spoil, "wait": m.wait, "": m.compare,
		})
		m.drain(r)
		m.db.Close(t)
	})
}
