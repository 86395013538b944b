package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"

	"relay/store/bodies"
	"relay/store/bucket"
	"relay/store/delivered"
	"relay/store/egress"
	"relay/store/engine"
	"relay/store/envelope"
	"relay/store/known"
	"relay/store/mailreply"
	"relay/store/news"
	"relay/store/outcomes"
	"relay/store/quiet"
	"relay/store/refusals"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/signing"
	"relay/store/sites"
	"relay/store/spooled"
	"relay/store/strangers"
	"relay/store/trace"
)

const (
	day    = 24 * time.Hour
	period = "2026-03" // that all mail of accounts is charged to
)

// customer is an account as the spool sees it, and the cap of first sendings.
type customer struct {
	own   string // the address that is certainly the customer's; "": none
	first int    // first sendings a day; strangers.NoCap: any number
}

func (c *customer) Owns(address string) bool   { return c.own != "" && address == c.own }
func (c *customer) Delivery() (string, string) { return "careful", "east" }
func (c *customer) FirstSendings() int         { return c.first }
func (c *customer) Includes(time.Time) int64   { return 0 }
func (c *customer) Activated() time.Time       { return roomtest.Begin }

// fixture is the room in a store of its own, with the rooms that it enters outcomes in.
type fixture struct {
	*Spool
	rapid.TB // what fails: the test, or a run of a property
	t        testing.TB

	db       *roomtest.Store
	known    *known.Recipients
	ids      spooled.IDs
	accounts map[string]*customer
	perHour  int          // see DSNs
	commits  int          // that are left before the power fails; -1: it does not
	lines    bytes.Buffer // of the log
	spoke    []string     // what Options.Speaks was told
	refuses  error        // what it answers
}

var errPower = errors.New("the power has failed")

// open is the room in memory, with the accounts acme and other. What it holds is proved at the end.
func open(t testing.TB) *fixture {
	t.Helper()
	f := begin(t, roomtest.Open)
	t.Cleanup(f.audit)
	return f
}

// begin is open on an engine, for tests that prove the room themselves.
func begin(t testing.TB, on func(testing.TB, ...func(*engine.Tx) error) *roomtest.Store) *fixture {
	t.Helper()
	f := &fixture{TB: t, t: t, commits: -1, accounts: map[string]*customer{
		"acme": {own: "boss@src.test", first: strangers.NoCap}, "other": {first: strangers.NoCap}}}
	f.ids.Entropy = ulid.Monotonic(rand.NewChaCha8([32]byte{}), 0)
	f.db = on(t, f.power, func(e *engine.Tx) error {
		return errors.Join(f.Flush(e), f.Strangers.Flush(e), f.Outcomes.Flush(e))
	}, delivered.Flush, sites.Flush, signing.Flush, refusals.Flush)
	f.furnish()
	f.db.AddAccounts(t, "acme", "other")
	f.db.Do(t, func(tx *room.Tx) error { // with secrets that are the same in each run
		return errors.Join(Begin(tx), tx.Put(bucket.Meta, []byte("sent"), bytes.Repeat([]byte{1}, 32)), tx.Put(bucket.Meta, []byte("known"), bytes.Repeat([]byte{1}, 16)))
	})
	f.load()
	return f
}

// power fails a commit once no more are left.
func (f *fixture) power(*engine.Tx) error {
	if f.commits == 0 {
		return errPower
	}
	if f.commits > 0 {
		f.commits--
	}
	return nil
}

// furnish makes the rooms.
func (f *fixture) furnish() {
	db, log := f.db.DB, slog.New(slog.NewTextHandler(&f.lines, nil))
	repeats, done := quiet.New(log), func(*room.Tx, string, time.Time) error { return nil }
	f.known = known.New(db, known.Options{Zone: time.UTC})
	r := Rooms{Trace: trace.New(db, done), Sites: sites.New(db), Egress: egress.New(db), Signing: signing.New(db, signing.Options{Zone: time.UTC}),
		Refusals: refusals.New(db, refusals.Options{Done: done}), Outcomes: outcomes.New(db, outcomes.Options{Zone: time.UTC}),
		Delivered: delivered.New(db, delivered.Options{Past: f.db.Now, Log: repeats}), News: news.New(db), Envelopes: envelope.New()}
	r.Bodies = bodies.New(db, bodies.Options{Shared: -1, Memory: 1 << 30, IDs: &f.ids, MaySign: func(string) bool { return false },
		Held: r.Outcomes.Stored, Length: f.length, Log: repeats})
	r.Strangers = strangers.New(db, strangers.Options{Zone: time.UTC, Known: f.known, Refusals: r.Refusals, Outcomes: r.Outcomes,
		Customer: func(_ *room.Tx, account string) (strangers.Customer, error) { return f.lookUp(account) },
		Tell:     func(t *room.Tx, n news.Item) error { return f.In(*t).TellOfQueue(n) }})
	f.Spool = New(db, r, Options{Zone: time.UTC, Log: log, Quiet: repeats, IDs: &f.ids, Speaks: f.speaks,
		Customer: func(_ *room.Tx, account string) (Customer, error) { return f.lookUp(account) }})
	resume := f.Delivered.Pause() // the index keeps itself
	f.t.Cleanup(func() { f.Bodies.Wait(); r.Delivered.Close(); resume() })
}

// load begins with what is stored, as a relay does.
func (f *fixture) load() {
	f.Helper()
	f.SetDSNs(DSNs{Build: buildDSN, PerHour: f.perHour})
	f.check(errors.Join(f.Load(false), f.known.LoadKey(), f.Delivered.Load(false),
		f.Strangers.SetRules(strangers.Rules{Cap: 10, Direct: func(string) bool { return true }, Way: "mx"}), f.Bodies.SweepOrphans(), f.ReleaseClaims()))
}

// kill ends the relay at this instant, and starts it again.
func (f *fixture) kill() {
	f.Helper()
	was := f.db
	f.Bodies.Wait() // nobody commits any more
	f.commits = -1
	f.db = was.Killed(f.t)
	f.furnish()
	f.load()
	was.Close(f.t)
}

func (f *fixture) lookUp(account string) (*customer, error) {
	if c := f.accounts[account]; c != nil {
		return c, nil
	}
	return nil, room.Missing(bucket.Accounts, account)
}

func (f *fixture) length(t *room.Tx, id spooled.ID) (int64, error) {
	m, err := f.In(*t).Message(id)
	if err != nil || m == nil {
		return -1, err
	}
	return m.Stored, nil
}

func (f *fixture) speaks(_ *Tx, m *spooled.Message, r *Result, o *Outcome, was mailreply.Verdict) error {
	f.spoke = append(f.spoke, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", m.Recipients[o.Rcpt].Address, o.State, o.Sign, was.Category)))
	return f.refuses
}

// buildDSN words a DSN in one line. A sender without a domain gets none.
func buildDSN(m *spooled.Message, own bool, original io.Reader) (Notice, bool) {
	_, domain, ok := strings.Cut(m.Sender, "@")
	if !ok {
		return Notice{}, false
	}
	all, _ := io.ReadAll(original)
	n := Notice{Body: []byte(wordDSN(m, own, len(all)))}
	n.Message.Expires, n.Message.MessageID = m.Expires, "<dsn@relay.test>"
	n.Message.Recipients = []spooled.Recipient{{Address: m.Sender, Domain: domain}}
	return n, true
}

func wordDSN(m *spooled.Message, own bool, octets int) string {
	text := fmt.Sprintf("about %d octets, own %t:", octets, own)
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.DSN != nil {
			text += " " + r.Address + " " + r.DSN.Action
		}
	}
	return text
}

// check fails the test for an error.
func (f *fixture) check(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// do runs fn in a transaction that may queue and remove mail.
func (f *fixture) do(fn func(*Tx) error) {
	f.Helper()
	f.check(f.UpdateThen(0, fn))
}

// message of an account from boss@src.test, which is not queued yet.
func (f *fixture) message(account string, to ...string) *spooled.Message {
	m := &spooled.Message{Account: account, Period: period, Sender: "boss@src.test", Size: 100, Expires: f.Now().Add(4 * day)}
	for _, address := range to {
		m.Recipients = append(m.Recipients, spooled.Recipient{Address: address, Domain: address[strings.LastIndexByte(address, '@')+1:]})
	}
	return m
}

// accept queues a message with a body of its size, as the transaction does that charges it.
func (f *fixture) accept(m *spooled.Message) error {
	b := f.Bodies.New()
	defer b.Discard()
	if _, err := b.Write(bytes.Repeat([]byte("x"), int(m.Size))); err != nil {
		return err
	}
	err := f.GrowThen(b.InMemory(), func(t *Tx) error {
		m.ID, m.Stored, m.Accepted = b.ID(), b.Size(), t.Wall
		a, err := f.lookUp(m.Account)
		if err != nil {
			return err
		}
		return errors.Join(f.Strangers.Plan(&t.Tx, m, a), b.Keep(&t.Tx), t.Enqueue(m))
	})
	if err == nil {
		b.Accepted()
	}
	return err
}

// queue has a message of an account in the queue.
func (f *fixture) queue(account string, to ...string) *spooled.Message {
	f.Helper()
	m := f.message(account, to...)
	f.check(f.accept(m))
	return m
}

// later is the next try of a claim: five minutes after it, ten after the second, and so on.
func (f *fixture) later(_ *spooled.Message, tries int) time.Time {
	return f.Now().Add(time.Duration(tries) * 5 * time.Minute)
}

// claim claims messages of an account to a domain.
func (f *fixture) claim(account, domain string, most int) []Claimed {
	f.Helper()
	list, err := f.Claim([]Want{{spooled.Lane{Domain: domain, Account: account}, most}}, f.later)
	f.check(err)
	return list
}

// claimOne claims the one message that is due.
func (f *fixture) claimOne(account, domain string) Claimed {
	f.Helper()
	list := f.claim(account, domain, 10)
	if len(list) != 1 {
		f.Fatalf("%d messages are claimed, want one: %+v", len(list), list)
	}
	return list[0]
}

// result of an attempt that went alike for all recipients that were claimed.
func result(c Claimed, is Outcome) Result {
	r := Result{ID: c.Message.ID, Domain: c.Domain, Event: trace.Event{Kind: trace.EventAttempt}}
	for _, i := range c.Rcpts {
		is.Rcpt = i
		r.Outcomes = append(r.Outcomes, is)
	}
	return r
}

// settle ends attempts, all of which went alike.
func (f *fixture) settle(state spooled.State, list ...Claimed) {
	f.Helper()
	var all []Result
	for _, c := range list {
		all = append(all, result(c, Outcome{State: state, Reply: "a reply"}))
	}
	f.check(f.Settle(all...))
}

// failed is the outcome of a recipient whose sender is to be told.
func failed() Outcome {
	return Outcome{State: spooled.Failed, Reply: "550 5.1.1 no", DSN: &spooled.DSN{Action: "failed", Reply: "550 5.1.1 no"}}
}

// is a message as it is stored.
func (f *fixture) is(id spooled.ID) *spooled.Message {
	f.Helper()
	m, err := f.QueueMessage(id)
	f.check(err)
	return m
}

// all messages of the queue, the oldest first.
func (f *fixture) all() (list []*spooled.Message) {
	f.Helper()
	f.check(f.Queue(spooled.ID{}, func(m *spooled.Message) error { list = append(list, m); return nil }))
	return list
}

// body of a message.
func (f *fixture) body(id spooled.ID) string {
	f.Helper()
	r := f.Bodies.Open(id)
	defer r.Close()
	all, err := io.ReadAll(r)
	f.check(err)
	return string(all)
}

// dsns that are queued, the oldest first.
func (f *fixture) dsns() (list []string) {
	f.Helper()
	for _, m := range f.all() {
		if m.About != (spooled.ID{}) {
			list = append(list, f.body(m.ID))
		}
	}
	return list
}

// dueLanes are the lanes whose head is due by now.
func (f *fixture) dueLanes() (list []spooled.Lane) {
	f.Helper()
	_, _, err := f.VisitDue(nil, f.Now(), func(l spooled.Lane) bool { list = append(list, l); return true })
	f.check(err)
	return list
}

// doChores does all chores, and returns in how many rounds.
func (f *fixture) doChores() (rounds int) {
	f.Helper()
	for more := true; more; rounds++ {
		var err error
		more, err = f.Chores.Do()
		f.check(err)
	}
	return rounds
}

// progress of an account.
func (f *fixture) progress(account string) (p outcomes.Progress) {
	f.Helper()
	f.check(f.db.View(func(t room.Tx) error { p = f.Outcomes.Of(&t, account, period); return nil }))
	p.Day, p.Counts = "", ""
	return p
}

// events of a message in the trace, each as its kind and note.
func (f *fixture) events(id spooled.ID) (list []string) {
	f.Helper()
	all, err := f.Trace.Of(id)
	f.check(err)
	for _, e := range all {
		list = append(list, strings.TrimSpace(string(e.Kind)+" "+string(e.Note)))
	}
	return list
}
