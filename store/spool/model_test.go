package spool

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/behalf"
	"relay/store/mailsyntax"
	"relay/store/outcomes"
	"relay/store/people"
	"relay/store/refusals"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/spooled"
	"relay/store/trace"
)

// model is what the room should hold, as plainly as possible. Its mail are the messages with the states
// that they should have.
type model struct {
	*fixture
	mail map[spooled.ID]*spooled.Message

	open   map[place]*spooled.Claim // as bucket "claims" should have them
	claims []Claimed                // that somebody has in hand, perhaps for too long

	stopped, parked, unpark map[string]bool // accounts; lanes, as text; accounts with that chore

	windows map[login]mailHold
	listed  map[login]map[place]bool // mail that is held with a login
	release map[login]bool           // with that chore

	suppressed map[[2]string]bool // account, mailbox
	sums       map[string]*outcomes.Progress
	accepted   map[string]int64 // e-mails
	hours      map[string]*dsnHour
	dsns       []string // that were sent, and are not in mail yet
}

// place is a message's recipients at a domain.
type place struct {
	id     spooled.ID
	domain string
}

type login struct{ account, name string }

var (
	modelAccounts = []string{"acme", "other", ""}            // "": relay's own mail to its operator
	modelDomains  = []string{"a.test", "b.test", "src.test"} // DSNs go to the last one
	modelTo       = []string{"x@a.test", "y@a.test", "z@b.test", "w@b.test"}
)

func newModel(t *testing.T, r *rapid.T) *model {
	on := roomtest.Open
	if rapid.IntRange(0, 4).Draw(r, "engine") == 0 {
		on = roomtest.OpenFile
	}
	m := &model{fixture: begin(t, on), mail: map[spooled.ID]*spooled.Message{}, open: map[place]*spooled.Claim{},
		stopped: map[string]bool{}, parked: map[string]bool{}, unpark: map[string]bool{}, windows: map[login]mailHold{}, listed: map[login]map[place]bool{},
		release: map[login]bool{}, suppressed: map[[2]string]bool{}, accepted: map[string]int64{}, hours: map[string]*dsnHour{}, sums: map[string]*outcomes.Progress{}}
	for _, account := range modelAccounts {
		m.sums[account], m.hours[account] = &outcomes.Progress{}, &dsnHour{}
	}
	m.TB, m.perHour = r, rapid.SampledFrom([]int{0, 3}).Draw(r, "DSNs an hour")
	m.SetDSNs(DSNs{Build: buildDSN, PerHour: m.perHour})
	return m
}

// enqueue a message of a customer, or one of relay's own.
func (m *model) enqueue(t *rapid.T) {
	account := rapid.SampledFrom(modelAccounts).Draw(t, "account")
	msg := m.message(account, rapid.SliceOfNDistinct(rapid.SampledFrom(modelTo), 1, 4, rapid.ID).Draw(t, "to")...)
	for i := range msg.Recipients {
		msg.Recipients[i].Notify = rapid.SampledFrom([]spooled.Notify{0, spooled.NotifyNever, spooled.NotifySuccess, spooled.NotifyFailure, spooled.NotifyDelay}).Draw(t, "notify")
	}
	msg.Size = rapid.Int64Range(0, 9).Draw(t, "size")
	msg.Sender = rapid.SampledFrom([]string{"boss@src.test", "ann@src.test", "", "nodomain"}).Draw(t, "sender")
	msg.Login = rapid.SampledFrom([]string{"", "phone"}).Draw(t, "login")
	if account == "" {
		msg.Period, msg.Sender, msg.Login = "", "", ""
		id := m.ids.Next(m.Now())
		m.do(func(t *Tx) error {
			return t.QueueOwn(&Notice{Message: *msg, Body: []byte("a letter")}, id, spooled.NoteOperator)
		})
		m.mail[id] = m.is(id)
		return
	}
	m.check(m.accept(msg))
	m.accepted[account] += int64(len(msg.Recipients))
	m.mail[msg.ID] = m.is(msg.ID)
}

// take draws a claim that somebody has in hand, and takes it from them if it ends.
func (m *model) take(t *rapid.T, ends bool) Claimed {
	if len(m.claims) == 0 {
		t.Skip("nothing is claimed")
	}
	i := rapid.IntRange(0, len(m.claims)-1).Draw(t, "claim")
	c := m.claims[i]
	if ends {
		m.claims = slices.Delete(m.claims, i, i+1)
	}
	return c
}

func (m *model) dial(t *rapid.T) {
	c := m.take(t, false)
	m.check(m.Dialled([]Claimed{c}))
	if o := m.open[place{c.Message.ID, c.Domain}]; o != nil && o.State != spooled.ClaimReleased {
		o.State = spooled.ClaimDialled
	}
}

func (m *model) giveBack(t *rapid.T) {
	c := m.take(t, true)
	m.check(m.Return([]Claimed{c}))
	at := place{c.Message.ID, c.Domain}
	m.undo(at, c.Rcpts)
	delete(m.open, at)
}

// undo has those of a claim due as before it.
func (m *model) undo(at place, list []int) {
	msg, o := m.mail[at.id], m.open[at]
	if msg == nil || o == nil || o.State == spooled.ClaimReleased {
		return
	}
	for _, i := range list {
		if r := &msg.Recipients[i]; !r.State.Final() {
			r.Next = o.Due
		}
	}
}

// draw what an attempt came to for a recipient, and what its sender is told of that (RFC 3461 §4.1).
func (m *model) draw(t *rapid.T, c *Claimed, i int) Outcome {
	o := Outcome{Rcpt: i, Reply: "a reply", State: rapid.SampledFrom([]spooled.State{spooled.Queued, spooled.Delivered, spooled.Deferred, spooled.Failed, spooled.Expired}).Draw(t, "state")}
	if o.State == spooled.Deferred && rapid.Bool().Draw(t, "sets the next try") {
		o.Next = m.Now().Add(7 * time.Minute)
	}
	r := &c.Message.Recipients[i]
	switch {
	case c.Message.Sender == "":
	case o.State == spooled.Failed || o.State == spooled.Expired:
		if r.WantsFailure() {
			o.DSN = &spooled.DSN{Action: "failed"}
		}
	case o.State == spooled.Delivered && r.Notify&spooled.NotifySuccess != 0:
		o.DSN = &spooled.DSN{Action: "relayed"}
	case o.State == spooled.Deferred && r.Notify&spooled.NotifyDelay != 0 && !r.Delayed:
		o.DSN, o.Delayed = &spooled.DSN{Action: "delayed"}, true
	}
	return o
}

func (m *model) settleOne(t *rapid.T) {
	open := rapid.IntRange(0, 3).Draw(t, "goes on") == 0
	c := m.take(t, !open)
	r := Result{ID: c.Message.ID, Domain: c.Domain, Open: open, Event: trace.Event{Kind: trace.EventAttempt}}
	for _, i := range c.Rcpts {
		if !open || rapid.Bool().Draw(t, "decided") {
			r.Outcomes = append(r.Outcomes, m.draw(t, &c, i))
		}
	}
	m.check(m.Settle(r))
	m.settled(&r)
}

// settled is what a result should do.
func (m *model) settled(r *Result) {
	msg, at := m.mail[r.ID], place{r.ID, r.Domain}
	if msg == nil {
		return
	}
	var left []*spooled.Recipient
	for _, o := range r.Outcomes {
		rcpt := &msg.Recipients[o.Rcpt]
		if rcpt.State.Final() {
			continue
		}
		rcpt.Tries, rcpt.Delayed = rcpt.Tries+1, rcpt.Delayed || o.Delayed
		if o.DSN != nil || o.State.Final() {
			rcpt.DSN = o.DSN
		}
		if o.State != spooled.Queued {
			rcpt.State = o.State
			m.count(msg, o.State)
		}
		if o.State == spooled.Deferred && !o.Next.IsZero() {
			rcpt.Next = o.Next
		}
		if !rcpt.State.Final() {
			left = append(left, rcpt)
		}
	}
	for _, a := range left { // they go together again
		for _, b := range left {
			a.Tries = max(a.Tries, b.Tries)
			if b.Next.Before(a.Next) {
				a.Next = b.Next
			}
		}
	}
	if o := m.open[at]; len(msg.Pending(r.Domain)) == 0 || !r.Open {
		delete(m.open, at)
	} else if o != nil && o.State != spooled.ClaimReleased {
		o.State = spooled.ClaimDialled
	}
	m.leave(msg)
}

// count a fate in the sums of the account.
func (m *model) count(msg *spooled.Message, to spooled.State) {
	switch p := m.sums[msg.Account]; {
	case msg.OfRelay():
	case to == spooled.Delivered:
		p.Delivered++
	case to.Final():
		p.Failed++
	}
}

// leave has a message go with its last recipient, once its sender is told.
func (m *model) leave(msg *spooled.Message) {
	for _, d := range modelDomains {
		if len(msg.Pending(d)) == 0 {
			delete(m.open, place{msg.ID, d})
		}
	}
	if !msg.Done() {
		return
	}
	if msg.Untold() {
		m.told(msg)
	}
	delete(m.mail, msg.ID)
}

// told has a sender told everything at once, or counts that this was withheld.
func (m *model) told(msg *spooled.Message) {
	h, p := m.hours[msg.Account], &outcomes.Progress{}
	if now := m.Now().Truncate(time.Hour); !h.Hour.Equal(now) {
		*h = dsnHour{Hour: now}
	}
	if !msg.OfRelay() {
		p = m.sums[msg.Account]
	}
	switch {
	case m.perHour > 0 && h.Sent >= m.perHour:
		p.Withheld++
	case strings.Contains(msg.Sender, "@"):
		h.Sent++
		p.DSNs++
		m.dsns = append(m.dsns, wordDSN(msg, msg.Sender == "boss@src.test" && msg.Account == "acme", int(msg.Stored)))
	}
	for i := range msg.Recipients {
		msg.Recipients[i].DSN = nil
	}
}

// tell has senders told whose time has come, in the order of their times.
func (m *model) tell(t *rapid.T) {
	var due []*spooled.Message
	for _, msg := range m.mail {
		if !msg.DSNDue.IsZero() && !msg.DSNDue.After(m.Now()) {
			due = append(due, msg)
		}
	}
	slices.SortFunc(due, func(a, b *spooled.Message) int {
		return strings.Compare(string(spooled.DSNKey(a)), string(spooled.DSNKey(b)))
	})
	for _, msg := range due {
		m.told(msg)
	}
	sent, more, err := m.SendDSNs()
	if err != nil || more || len(sent) != len(due) {
		t.Fatalf("%d senders are told, %t, %v; want %d", len(sent), more, err, len(due))
	}
	for i, d := range sent {
		if d.About != due[i].ID {
			t.Fatalf("sender %d that is told is that of %s, want %s", i, d.About, due[i].ID)
		}
	}
}

// operate is what an operator does to a message.
func (m *model) operateOne(t *rapid.T) {
	ids := m.inOrder()
	if len(ids) == 0 {
		t.Skip("nothing is queued")
	}
	id := rapid.SampledFrom(ids).Draw(t, "message")
	o := Operation{Op: rapid.SampledFrom(ops).Draw(t, "op"), Tell: rapid.Bool().Draw(t, "tell")}
	if to := rapid.SampledFrom([]string{"", "@a.test", "x@a.test"}).Draw(t, "to"); to != "" {
		o.Of = &spooled.Filter{Recipient: to}
	}
	changed := m.operated(m.mail[id], &o)
	is, err := m.Operate(o, []spooled.ID{id})
	if err != nil || is.Recipients != changed || len(is.Done)+len(is.Same) != 1 || (len(is.Done) == 1) != (changed > 0) || len(is.Missing) > 0 {
		t.Fatalf("%s does %+v, %v; want %d recipients", o.Op, is, err, changed)
	}
}

// operated is what an operation should do. It counts the recipients that it changes.
func (m *model) operated(msg *spooled.Message, o *Operation) (changed int64) {
	tells := o.Tell && msg.Account == "acme" && msg.Sender == "boss@src.test"
	for i := range msg.Recipients {
		r := &msg.Recipients[i]
		if r.State.Final() || o.Of != nil && o.Of.Recipient != "" && !mailsyntax.Matches(r.Address, o.Of.Recipient) || o.Of != nil && o.Of.Domain != "" && o.Of.Domain != r.Domain {
			continue
		}
		switch {
		case o.Op == OpRetry && !r.Held:
			r.Next = m.Now()
		case o.Op == OpHold && !r.Held, o.Op == OpRelease && r.Held:
			r.Held = !r.Held
		case o.Op == OpDrop:
			r.State, r.DSN = spooled.Dropped, nil
			if tells && r.WantsFailure() {
				r.DSN = &spooled.DSN{Action: "failed"}
			}
			m.count(msg, spooled.Dropped)
		default:
			continue
		}
		changed++
	}
	m.leave(msg)
	return changed
}

func (m *model) inOrder() (ids []spooled.ID) {
	for id := range m.mail {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, spooled.ID.Compare)
	return ids
}

// stop or start the queue of an account.
func (m *model) stop(t *rapid.T) {
	m.toggle(rapid.SampledFrom(modelAccounts[:2]).Draw(t, "account"))
}

func (m *model) toggle(account string) {
	m.do(func(t *Tx) (err error) {
		if !m.stopped[account] {
			return t.StopQueue(account)
		}
		was, err := t.StartQueue(account)
		if !was {
			m.Error("it was not stopped")
		}
		return err
	})
	m.unpark[account] = m.unpark[account] || m.stopped[account]
	m.stopped[account] = !m.stopped[account]
}

// hold a login with its mail, or let it go.
func (m *model) hold(t *rapid.T) {
	l := login{rapid.SampledFrom(modelAccounts[:2]).Draw(t, "account"), "phone"}
	w, held := m.windows[l]
	if held && rapid.Bool().Draw(t, "let go") {
		m.do(func(t *Tx) error { return t.ReleaseLater(l.account, l.name) })
		delete(m.windows, l)
		if m.release[l] = true; rapid.Bool().Draw(t, "at once") {
			m.releaseNow(l)
		}
		return
	}
	c := &people.Credential{Login: l.name, Account: l.account, Hold: &people.LoginHold{Since: m.Now()}}
	m.do(func(t *Tx) error { return t.HoldMail(c) })
	if !held {
		w.From = m.Now().Add(-heldBefore)
	}
	w.Until = m.Now()
	m.windows[l], m.release[l] = w, false
}

func (m *model) releaseNow(l login) {
	var counted Released
	m.check(m.view(func(t *Tx) (err error) { counted, err = t.HeldMail(l.account, l.name); return err }))
	want := m.released(l)
	if got, err := m.ReleaseNow(l.account, l.name); err != nil || got != want || counted != want {
		m.Fatalf("released %+v, %v; %+v were counted, want %+v", got, err, counted, want)
	}
}

// released is what the release of a login's mail should do.
func (m *model) released(l login) (n Released) {
	seen := map[spooled.ID]bool{}
	for at := range m.listed[l] {
		if msg := m.mail[at.id]; msg != nil {
			changed := m.operated(msg, &Operation{Op: OpRelease, Of: &spooled.Filter{Domain: at.domain}})
			if n.Recipients += changed; changed > 0 && !seen[at.id] {
				seen[at.id] = true
				n.Messages++
			}
		}
	}
	m.listed[l], m.release[l] = nil, false
	return n
}

// chores takes back what was parked, and releases what was held.
func (m *model) chores(*rapid.T) {
	m.doChores()
	for account, due := range m.unpark {
		if due && !m.stopped[account] {
			for _, d := range modelDomains {
				delete(m.parked, d+" "+account)
			}
		}
	}
	clear(m.unpark)
	for l, due := range m.release {
		if due {
			m.released(l)
		}
	}
}

// suppress an address, or lift that.
func (m *model) suppress(t *rapid.T) {
	key := [2]string{rapid.SampledFrom(modelAccounts[:2]).Draw(t, "account"), rapid.SampledFrom(modelTo).Draw(t, "address")}
	var err error
	if m.suppressed[key] {
		_, err = m.Refusals.LiftSuppressions(behalf.Order{}, key[0], []string{key[1]})
	} else {
		_, err = m.Refusals.AddSuppressions(behalf.Order{}, key[0], []refusals.Suppression{{Recipient: key[1], Reason: refusals.ByHand}})
	}
	m.check(err)
	m.suppressed[key] = !m.suppressed[key]
}

// killed gives back the claims that nobody dialled for, and counts the attempts of the others.
func (m *model) killed(*rapid.T) {
	m.kill()
	for at, o := range m.open {
		msg := m.mail[at.id]
		mine := slices.DeleteFunc(msg.Pending(at.domain), func(i int) bool { return !o.Has(&msg.Recipients[i]) })
		switch o.State {
		case spooled.ClaimDialled:
			for _, i := range mine {
				msg.Recipients[i].Tries++
			}
			delete(m.open, at)
		case spooled.ClaimWaits, spooled.ClaimAgain:
			m.undo(at, mine)
			o.State = spooled.ClaimReleased
		}
	}
}

// spoil claims, settles and gives back in a transaction that is undone.
func (m *model) spoil(t *rapid.T) {
	c := m.take(t, false)
	r := result(c, failed())
	err := m.UpdateThen(0, func(t *Tx) error {
		var list []Claimed
		if err := t.claim(Want{spooled.Lane{Domain: c.Domain, Account: c.Message.Account}, 2}, m.later, &list); err != nil {
			return err
		}
		if err := t.settle(&r); err != nil {
			return err
		}
		return fmt.Errorf("undone: %w", room.ErrExists)
	})
	if err == nil {
		t.Fatal("it is not undone")
	}
}

func (m *model) wait(t *rapid.T) {
	m.db.Pass(rapid.SampledFrom([]time.Duration{30 * time.Second, 1500 * time.Microsecond, 4 * time.Minute, 70 * time.Minute}).Draw(t, "time"))
}
