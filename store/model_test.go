package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/mailsyntax"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/room"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/standing"
	"relay/store/trace"
)

// model is what the store should hold, as plainly as possible.
type model struct {
	t       *rapid.T
	s       *Store
	c       *clock
	path    string
	used    map[string]quota.Charge // by account
	failed  map[string]int64
	sent    map[string]int64
	spool   map[spooled.ID]*spooled.Message // with the states that the recipients should have
	claims  []spool.Claimed
	open    map[claimed]*openClaim
	account []string
	entropy *ulid.MonotonicEntropy // of IDs, the same in each run, so that a failure can be made smaller
}

const modelEmails, modelBytes = 60, 60_000

func (m *model) due(msg *spooled.Message, domain string) bool {
	for _, i := range msg.Pending(domain) {
		if r := msg.Recipients[i]; !r.Held && !r.Next.Truncate(time.Millisecond).After(m.c.now()) {
			return true
		}
	}
	return false
}

func (m *model) queued(account string) (queued, deferred int64) {
	for _, msg := range m.spool {
		for _, r := range msg.Recipients {
			if msg.Account == account && !r.State.Final() {
				queued++
				if r.State == spooled.Deferred {
					deferred++
				}
			}
		}
	}
	return queued, deferred
}

func (m *model) stored(account string) (sum int64) {
	for _, msg := range m.spool {
		if msg.Account == account {
			sum += msg.Stored
		}
	}
	return sum
}

func (m *model) waiting(account string) (n int64) {
	for _, msg := range m.spool {
		if msg.Account == account {
			n++
		}
	}
	return n
}

func (m *model) day(account string) string {
	if m.used[account] == (quota.Charge{}) {
		return ""
	}
	return "2026-11-23"
}

// claimed is a message's recipients at a domain, openClaim what bucket "claims" has
// of them.
type (
	claimed struct {
		id     spooled.ID
		domain string
	}
	openClaim struct {
		state spooled.ClaimState
		due   time.Time
		next  time.Time
	}
)

func (m *model) accept(t *rapid.T) {
	account := rapid.SampledFrom(m.account).Draw(t, "account")
	var to []string
	for i := range rapid.IntRange(1, 5).Draw(t, "recipients") {
		to = append(to, fmt.Sprintf("r%d@d%d.test", i, rapid.IntRange(0, 2).Draw(t, "domain")))
	}
	in := intake(m.s, account, rapid.IntRange(1, 3000).Draw(t, "size"), to...)
	ask, _ := quota.ForMessage(in.Message.Size, len(to))
	after := m.used[account].Add(ask)
	want := after.Messages <= modelEmails && after.Bytes <= modelBytes
	r, err := m.s.Accept(in)
	if err != nil {
		t.Fatal(err)
	}
	if (r == nil) != want {
		t.Fatalf("Accept(%v after %v) = %+v, want accepted %v", ask, m.used[account], r, want)
	}
	if want {
		m.used[account] = after
		copied := *in.Message
		copied.Recipients = slices.Clone(in.Message.Recipients)
		m.spool[copied.ID] = &copied
	}
}

func (m *model) claim(t *rapid.T) {
	lane := spooled.Lane{Domain: fmt.Sprintf("d%d.test", rapid.IntRange(0, 2).Draw(t, "domain")), Account: rapid.SampledFrom(m.account).Draw(t, "account")}
	limit := rapid.IntRange(1, 4).Draw(t, "limit")
	var want int
	for _, msg := range m.spool {
		if msg.Account == lane.Account && m.due(msg, lane.Domain) {
			want++
		}
	}
	got, err := m.s.Spool.Claim([]spool.Want{{Lane: lane, Max: limit}}, func(_ *spooled.Message, tries int) time.Time {
		return m.c.now().Add(time.Duration(tries) * time.Minute)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != min(want, limit) {
		t.Fatalf("Claim(%v, %d) gave %d, %d are due", lane, limit, len(got), want)
	}
	for _, c := range got {
		msg := m.spool[c.Message.ID]
		if msg == nil || !m.due(msg, c.Domain) {
			t.Fatalf("claimed %s at %s, which is not due", c.Message.ID, c.Domain)
		}
		at := m.opens(c)
		for _, i := range c.Rcpts {
			r := &msg.Recipients[i]
			if r.Held || r.Next.Truncate(time.Millisecond).After(m.c.now()) {
				t.Fatalf("claimed %s of %s, which is not due", r.Address, c.Message.ID)
			}
			r.Next = at
		}
	}
	m.claims = append(m.claims, got...)
}

// opens notes a claim, if none is open, and returns the next try of all its recipients: the
// first one's tries decide, since a crash may have counted an attempt for some of them only.
func (m *model) opens(c spool.Claimed) time.Time {
	key := claimed{c.Message.ID, c.Domain}
	o := m.open[key]
	if o == nil || o.state == spooled.ClaimReleased {
		msg := m.spool[key.id]
		at, _ := msg.Due(c.Domain)
		state := spooled.ClaimWaits
		if o != nil {
			state = spooled.ClaimAgain
		}
		o = &openClaim{state: state, due: at.Truncate(time.Millisecond)}
		m.open[key] = o
	}
	at := m.c.now().Add(time.Duration(m.spool[key.id].Recipients[c.Rcpts[0]].Tries+1) * time.Minute)
	o.next = at.Truncate(time.Millisecond)
	if c.Again != (o.state == spooled.ClaimAgain) {
		m.t.Fatalf("claim of %s: again %v, it is %c", c.Message.ID, c.Again, o.state)
	}
	return at
}

// undo makes an open claim as if it had not been.
func (m *model) undo(key claimed, list []int) {
	o, msg := m.open[key], m.spool[key.id]
	if o == nil || o.state == spooled.ClaimReleased {
		return
	}
	for _, i := range list {
		if r := &msg.Recipients[i]; !r.State.Final() {
			r.Next = o.due
		}
	}
}

func (m *model) dial(t *rapid.T) {
	c, _ := m.takeClaim(t)
	m.claims = append(m.claims, c)
	if err := m.s.Spool.Dialled([]spool.Claimed{c}); err != nil {
		t.Fatal(err)
	}
	if o := m.open[claimed{c.Message.ID, c.Domain}]; o != nil && o.state != spooled.ClaimReleased {
		o.state = spooled.ClaimDialled
	}
}

func (m *model) takeClaim(t *rapid.T) (spool.Claimed, *spooled.Message) {
	if len(m.claims) == 0 {
		t.Skip("nothing claimed")
	}
	i := rapid.IntRange(0, len(m.claims)-1).Draw(t, "claim")
	c := m.claims[i]
	m.claims = slices.Delete(m.claims, i, i+1)
	return c, m.spool[c.Message.ID]
}

func (m *model) settle(t *rapid.T) {
	c, msg := m.takeClaim(t)
	r := spool.Result{ID: c.Message.ID, Domain: c.Domain, Event: trace.Event{Kind: trace.EventAttempt}}
	for _, i := range c.Rcpts {
		st := rapid.SampledFrom([]spooled.State{spooled.Delivered, spooled.Deferred, spooled.Failed, spooled.Expired}).Draw(t, "state")
		o := spool.Outcome{Rcpt: i, State: st}
		if rapid.Bool().Draw(t, "told") {
			o.DSN = &spooled.DSN{Action: "failed"}
		}
		r.Outcomes = append(r.Outcomes, o)
		if msg == nil || msg.Recipients[i].State.Final() {
			continue
		}
		msg.Recipients[i].State = st
		msg.Recipients[i].Tries++
		switch st {
		case spooled.Delivered:
			m.sent[msg.Account]++
		case spooled.Failed, spooled.Expired:
			m.failed[msg.Account]++
		}
	}
	if err := m.s.Spool.Settle(r); err != nil {
		t.Fatal(err)
	}
	m.align(msg, c.Rcpts)
	delete(m.open, claimed{c.Message.ID, c.Domain})
	m.forget(c.Message.ID)
}

// align: those of an attempt that are left go together again.
func (m *model) align(msg *spooled.Message, list []int) {
	var left []*spooled.Recipient
	for _, i := range list {
		if msg != nil && !msg.Recipients[i].State.Final() {
			left = append(left, &msg.Recipients[i])
		}
	}
	for _, r := range left {
		for _, other := range left {
			r.Tries = max(r.Tries, other.Tries)
			r.Next = room.Earliest(r.Next, other.Next)
		}
	}
}

func (m *model) giveBack(t *rapid.T) {
	c, msg := m.takeClaim(t)
	if err := m.s.Spool.Return([]spool.Claimed{c}); err != nil {
		t.Fatal(err)
	}
	key := claimed{c.Message.ID, c.Domain}
	if msg != nil {
		m.undo(key, c.Rcpts)
	}
	delete(m.open, key)
}

func (m *model) operate(t *rapid.T) {
	if len(m.spool) == 0 {
		t.Skip("nothing queued")
	}
	ids := make([]spooled.ID, 0, len(m.spool))
	for id := range m.spool {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, spooled.ID.Compare)
	id := rapid.SampledFrom(ids).Draw(t, "id")
	op := rapid.SampledFrom([]spool.Op{spool.OpRetry, spool.OpHold, spool.OpRelease, spool.OpDrop}).Draw(t, "op")
	msg := m.spool[id]
	var of *spooled.Filter
	if to := rapid.SampledFrom([]string{"", "@d0.test", "@d1.test", "r0@d0.test", "r1@d0.test"}).Draw(t, "to"); to != "" {
		of = &spooled.Filter{Recipient: to}
	}
	done, err := m.s.Spool.Operate(spool.Operation{Op: op, Of: of, Tell: true}, []spooled.ID{id})
	if err != nil {
		t.Fatalf("Operate(%s): %v", op, err)
	}
	if changed := m.operateOn(msg, op, of); changed != done.Recipients || changed > 0 != (len(done.Done) == 1) {
		t.Fatalf("Operate(%s, %+v) = %+v, want %d recipients", op, of, done, changed)
	}
	m.forget(id)
}

// operateOn counts whom it changes.
func (m *model) operateOn(msg *spooled.Message, op spool.Op, of *spooled.Filter) (changed int64) {
	for i := range msg.Recipients {
		r := &msg.Recipients[i]
		if r.State.Final() || of != nil && !mailsyntax.Matches(r.Address, of.Recipient) {
			continue
		}
		switch {
		case op == spool.OpRetry && !r.Held:
			r.Next = m.c.now()
		case op == spool.OpHold && !r.Held:
			r.Held = true
		case op == spool.OpRelease && r.Held:
			r.Held = false
		case op == spool.OpDrop:
			r.State = spooled.Dropped
			m.failed[msg.Account]++
		default:
			continue
		}
		changed++
	}
	return changed
}

// tell has senders told; Verify knows who is left.
func (m *model) tell(t *rapid.T) {
	if _, _, err := m.s.Spool.SendDSNs(); err != nil {
		t.Fatal(err)
	}
}

func (m *model) forget(id spooled.ID) {
	if msg := m.spool[id]; msg != nil && msg.Done() {
		delete(m.spool, id)
		for key := range m.open {
			if key.id == id {
				delete(m.open, key)
			}
		}
	}
}

func (m *model) reopen(t *rapid.T) {
	if err := m.s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := openTest(m.path, Options{Now: m.c.now})
	if err != nil {
		t.Fatal(err)
	}
	m.s = s
	m.s.ids.Entropy = m.entropy
	for key, o := range m.open { // the claims are as a crash leaves them
		msg := m.spool[key.id]
		mine := slices.DeleteFunc(msg.Pending(key.domain), func(i int) bool {
			return !msg.Recipients[i].Next.Truncate(time.Millisecond).Equal(o.next)
		})
		if o.state == spooled.ClaimDialled {
			for _, i := range mine {
				msg.Recipients[i].Tries++
			}
			delete(m.open, key)
			continue
		}
		m.undo(key, mine)
		o.state = spooled.ClaimReleased
	}
}

func (m *model) check(t *rapid.T) {
	for _, a := range m.account {
		queued, deferred := m.queued(a)
		want := standing.Usage{Account: a, Period: "2026-11", Charged: m.used[a], Today: m.used[a], Day: m.day(a), Delivered: m.sent[a], Failed: m.failed[a], Queued: queued, Deferred: deferred, Stored: m.stored(a), Waiting: m.waiting(a)}
		got, err := m.s.Standings.Usage(a, "2026-11")
		if err != nil || got != want {
			t.Fatalf("Usage = %+v, %v, want %+v", got, err, want)
		}
	}
	wantDue := map[spooled.Lane]bool{}
	for _, msg := range m.spool {
		for _, d := range msg.Domains() {
			if m.due(msg, d) {
				wantDue[spooled.Lane{Domain: d, Account: msg.Account}] = true
			}
		}
	}
	due, _, err := m.s.DueLanes(m.c.now(), 100, nil)
	if err != nil || len(due) != len(wantDue) {
		t.Fatalf("DueLanes = %v, %v, want %v", due, err, wantDue)
	}
	for _, l := range due {
		if !wantDue[l] {
			t.Fatalf("DueLanes has %v, want %v", l, wantDue)
		}
	}
	m.checkTries(t)
	if st, err := m.s.Verify(t.Context(), func(p string) { t.Errorf("Verify: %s", p) }); err != nil || st.Problems > 0 {
		t.Fatalf("Verify: %+v, %v", st, err)
	}
}

// checkTries compares the recipients' tries and times with the model's.
func (m *model) checkTries(t *rapid.T) {
	for id, msg := range m.spool {
		got, err := m.s.Spool.QueueMessage(id)
		if err != nil {
			t.Fatal(err)
		}
		for i := range msg.Recipients {
			is, want := &got.Recipients[i], &msg.Recipients[i]
			if is.Tries != want.Tries || !is.Next.Truncate(time.Millisecond).Equal(want.Next.Truncate(time.Millisecond)) {
				t.Fatalf("recipient %d of %s: tried %d times, next %v; want %d, %v", i, id, is.Tries, is.Next, want.Tries, want.Next)
			}
		}
	}
}

// Whatever is accepted, claimed, settled, given back and changed in whatever
// order, over restarts: the store holds what a plain map would.
func TestStore_AgainstModel(t *testing.T) {
	checkModel(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "relay-model-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := &model{t: t, c: &clock{t: epoch}, path: filepath.Join(dir, "relay.db"), account: []string{"one", "two"},
			used: map[string]quota.Charge{}, failed: map[string]int64{}, sent: map[string]int64{}, spool: map[spooled.ID]*spooled.Message{}, open: map[claimed]*openClaim{},
			entropy: ulid.Monotonic(rand.NewChaCha8([32]byte{}), 0)}
		if m.s, err = openTest(m.path, Options{Now: m.c.now}); err != nil {
			t.Fatal(err)
		}
		defer func() { m.s.Close() }()
		m.s.ids.Entropy = m.entropy
		for _, a := range m.account {
			_, err := m.s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: a}, Plan: quota.Plan{Name: "p", Term: quota.Year, Emails: modelEmails, Bandwidth: modelBytes},
				Credential: &people.Credential{Login: a, Account: a}})
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"accept": m.accept, "claim": m.claim, "dial": m.dial, "settle": m.settle, "return": m.giveBack,
			"operate": m.operate, "reopen": m.reopen, "": m.check, "tell": m.tell,
			"wait": func(*rapid.T) { m.c.add(30 * time.Second) },
		})
	})
}
