package strangers

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/known"
	"relay/store/news"
	"relay/store/outcomes"
	"relay/store/record"
	"relay/store/refusals"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/spooled"
)

// account is a customer's account as the room sees it.
type account struct {
	first     int
	includes  int64
	activated time.Time
}

func (a *account) FirstSendings() int       { return a.first }
func (a *account) Includes(time.Time) int64 { return a.includes }
func (a *account) Activated() time.Time     { return a.activated }

// fixture is the room in a store of its own, with accounts and with the news that it asked for.
type fixture struct {
	*Strangers
	testing.TB
	db       *roomtest.Store
	accounts map[string]*account
	told     []news.Item
	last     byte // ID of the last message
}

// capOf has accounts that reach so many strangers on their first day; mail to route.test goes by no MX.
func capOf(most int) Rules {
	return Rules{Cap: most, Direct: func(domain string) bool { return domain != "route.test" }, Way: "mx"}
}

func open(t testing.TB, how Rules) *fixture {
	t.Helper()
	f := &fixture{TB: t, accounts: map[string]*account{"acme": {}, "acme2": {}}}
	f.db = roomtest.Open(t, func(b *engine.Tx) error { return errors.Join(f.Flush(b), f.o.Outcomes.Flush(b)) }, refusals.Flush)
	f.start(how)
	f.db.AddAccounts(t, "acme", "acme2")
	return f
}

// start opens the room as a relay does.
func (f *fixture) start(how Rules) {
	f.Helper()
	zone := time.UTC
	o := Options{Zone: zone, Known: known.New(f.db.DB, known.Options{Zone: zone}), Refusals: refusals.New(f.db.DB, refusals.Options{}),
		Outcomes: outcomes.New(f.db.DB, outcomes.Options{Zone: zone})}
	o.Customer = func(_ *room.Tx, name string) (Customer, error) {
		if a := f.accounts[name]; a != nil {
			return a, nil
		}
		return nil, room.ErrNotFound
	}
	o.Tell = func(_ *room.Tx, n news.Item) error { f.told = append(f.told, n); return nil }
	f.Strangers = New(f.db.DB, o)
	if err := errors.Join(o.Known.LoadKey(), f.SetRules(how)); err != nil {
		f.Fatal(err)
	}
}

// kill stops the relay at this instant, and starts it again.
func (f *fixture) kill() {
	f.Helper()
	f.db = f.db.Killed(f)
	f.start(*f.rules.Load())
}

// message of an account to recipients at a.test, or where the address says.
func (f *fixture) message(account string, to ...string) *spooled.Message {
	f.last++
	m := &spooled.Message{ID: spooled.ID{15: f.last}, Account: account, Period: "2026-03"}
	for _, local := range to {
		m.Recipients = append(m.Recipients, spooled.Recipient{Address: local + "@a.test", Domain: "a.test", State: spooled.Queued})
	}
	return m
}

// numbered names n recipients.
func numbered(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprint("r", i))
	}
	return list
}

// accept plans a message, and lists what waits, as the transaction does that accepts it.
func (f *fixture) accept(m *spooled.Message) *spooled.Message {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error { return f.acceptIn(t, m) })
	return m
}

func (f *fixture) acceptIn(t *room.Tx, m *spooled.Message) error {
	err := f.Plan(t, m, f.accounts[m.Account])
	for i := range m.Recipients {
		if r := &m.Recipients[i]; !r.Waits() {
			r.Next = t.Wall
		}
	}
	for _, domain := range m.Domains() {
		err = errors.Join(err, f.List(t, m, domain, 1))
	}
	return err
}

// change is what the spool does with a change of a message's recipients at a domain.
func (f *fixture) change(t *room.Tx, m *spooled.Message, domain string) Change {
	return func(list []int, fn func(*spooled.Recipient)) error {
		err := f.List(t, m, domain, -1)
		for _, i := range list {
			fn(&m.Recipients[i])
		}
		return errors.Join(err, f.List(t, m, domain, 1))
	}
}

// claim has those of a message's recipients at a.test go that are due and may.
func (f *fixture) claim(m *spooled.Message) (going []int) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) (err error) {
		going, err = f.MayGo(t, m, m.Ready("a.test", t.Wall), "a.test", f.change(t, m, "a.test"))
		return err
	})
	return going
}

// settle enters the same outcome for recipients of a message.
func (f *fixture) settle(m *spooled.Message, list []int, is Mark) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		for _, i := range list {
			m.Recipients[i].State = spooled.Delivered
			if err := f.Note(t, m, &m.Recipients[i], is); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *fixture) record(account string) Record {
	f.Helper()
	r, _, err := f.Strangers.Record(account)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

const day = 24 * time.Hour

// midnight is when the day begins that is so many days after today.
func (f *fixture) midnight(days int) time.Time {
	return f.db.Now().Truncate(day).Add(time.Duration(days) * day)
}

// Strangers beyond the cap wait for the days after, on which the cap doubles. Those that the account
// knows, that are suppressed, or that mail reaches another way take no place.
func TestStrangers_Plan(t *testing.T) {
	f := open(t, capOf(2))
	f.settle(f.message("acme", "known"), []int{0}, MarkDelivered)
	if _, err := f.o.Refusals.AddSuppressions(behalf.Order{}, "acme", []refusals.Suppression{{Recipient: "spared@a.test", Reason: refusals.ByHand}}); err != nil {
		t.Fatal(err)
	}
	m := f.message("acme", "r0", "known", "spared", "r1", "r2", "other", "r3", "r4", "r5", "r6")
	m.Recipients[5].Domain = "route.test"
	f.accept(m)
	var got []string
	for i := range m.Recipients {
		r := &m.Recipients[i]
		got = append(got, fmt.Sprint(r.Local(), " ", r.First))
		if want := map[string]time.Time{"r2": f.midnight(1), "r5": f.midnight(1), "r6": f.midnight(2)}[r.Local()]; r.Waits() && !want.IsZero() && !r.Next.Equal(want) {
			t.Errorf("%s waits until %v, want %v", r.Local(), r.Next, want)
		}
	}
	want := []string{"r0 ", "known ", "spared spared", "r1 ", "r2 waits", "other ", "r3 waits", "r4 waits", "r5 waits", "r6 waits"}
	if !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
	if r := f.record("acme"); r.Waiting != 5 || r.First.Used != 2 || r.First.Cap != 2 {
		t.Errorf("record %+v, want 5 that wait, 2 of a cap of 2", r)
	}
	if len(f.told) != 1 || f.told[0].Kind != news.Waits || !f.told[0].Due.Equal(f.db.Now().Add(tellAfter)) {
		t.Errorf("told %+v, want that mail waits", f.told)
	}
}

// Who has which cap.
func TestStrangers_Record_capped(t *testing.T) {
	for name, c := range map[string]struct {
		a      account
		how    Rules
		want   int
		capped bool
	}{
		"the operator's":                  {account{}, capOf(20), 20, true},
		"its own":                         {account{first: 7}, capOf(20), 7, true},
		"its own, where others have none": {account{first: 7}, capOf(0), 7, true},
		"at most its plan":                {account{includes: 5}, capOf(20), 5, true},
		"none":                            {account{first: NoCap}, capOf(20), 0, false},
		"none for anybody":                {account{}, capOf(0), 0, false},
		"no rules yet":                    {account{}, Rules{}, 0, false},
		"beyond counting":                 {account{first: record.Uncapped}, capOf(20), record.Uncapped, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, c.how)
			f.accounts["acme"] = &c.a
			if r, capped, err := f.Strangers.Record("acme"); err != nil || capped != c.capped || r.First.Cap != c.want {
				t.Errorf("Record = a cap of %d, %t, %v; want %d, %t", r.First.Cap, capped, err, c.want, c.capped)
			}
		})
	}
	f := open(t, capOf(20))
	if _, _, err := f.Strangers.Record("gone"); !errors.Is(err, room.ErrNotFound) {
		t.Errorf("Record of an account that is gone: %v", err)
	}
}

// What may go on a day is the cap of that day: after a clean day all that was planned for it, after
// another one as much as the day before.
func TestStrangers_MayGo(t *testing.T) {
	for name, c := range map[string]struct {
		is   Mark
		want []int // that go on each day
	}{
		"clean days":         {MarkDelivered, []int{2, 4, 4}},
		"content is blamed":  {MarkBlamed, []int{2, 2, 2, 2, 2}},
		"recipients unknown": {MarkUnknown, []int{2, 2, 2, 2, 2}},
		"nothing said of it": {MarkOther, []int{2, 2, 2, 2, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, capOf(2))
			m := f.accept(f.message("acme", numbered(10)...))
			left := 10
			for d, want := range c.want {
				going := f.claim(m)
				if len(going) != want {
					t.Fatalf("day %d: %v go, want %d", d, going, want)
				}
				if left -= want; f.record("acme").Waiting != int64(left) {
					t.Errorf("day %d: %d wait, want %d", d, f.record("acme").Waiting, left)
				}
				f.settle(m, going, c.is)
				f.db.Pass(day)
			}
			if keys := f.db.Keys(t, bucket.Waiting); keys != nil {
				t.Errorf("left on the list: %q", keys)
			}
		})
	}
}

// A recipient whose suppression was lifted takes a place like others.
func TestStrangers_MayGo_lifted(t *testing.T) {
	f := open(t, capOf(2))
	m := f.message("acme", numbered(3)...)
	for i := range m.Recipients {
		m.Recipients[i].First, m.Recipients[i].Next = spooled.FirstSpared, f.db.Now()
	}
	if going := f.claim(m); !slices.Equal(going, []int{0, 1}) || !m.Recipients[2].Next.Equal(f.midnight(1)) {
		t.Errorf("%v go, the other one on %v", going, m.Recipients[2].Next)
	}
}

// Each mark counts where it belongs, and a recipient that was reached is known from then on.
func TestStrangers_Note(t *testing.T) {
	f := open(t, capOf(20))
	m := f.message("acme", numbered(4)...)
	for i, is := range []Mark{MarkDelivered, MarkUnknown, MarkOther, ""} {
		f.settle(m, []int{i}, is)
	}
	number := room.DayNumber(f.db.Now(), time.UTC)
	if got, want := f.record("acme").Today, (record.Day{Number: number, Delivered: 1, Unknown: 1}); got != want {
		t.Errorf("today is %+v, want %+v", got, want)
	}
	f.settle(m, []int{0}, MarkBlamed)
	if !f.record("acme").Today.Bad {
		t.Error("a day on which the account was blamed is not bad")
	}
	for i := range m.Recipients {
		if o, _, err := f.Outlook("acme", &m.Recipients[i]); err != nil || o.Known != (i == 0) {
			t.Errorf("recipient %d: known %t, %v", i, o.Known, err)
		}
	}
	own, gone := f.message("", "r9"), f.message("gone", "r9")
	own.Period = ""
	f.settle(own, []int{0}, MarkDelivered)
	f.settle(gone, []int{0}, MarkDelivered)
	if keys := f.db.Keys(t, bucket.Records); !slices.Equal(keys, []string{"acme"}) {
		t.Errorf("records of %q, want acme", keys)
	}
}

// FirstTime counts strangers, where the account is capped.
func TestStrangers_FirstTime(t *testing.T) {
	f := open(t, capOf(20))
	f.settle(f.message("acme", "r0"), []int{0}, MarkDelivered)
	f.accounts["acme2"].first = NoCap
	for name, want := range map[string]int64{"acme": 2, "acme2": 0} {
		m := f.message(name, append(numbered(3), "other")...)
		m.Recipients[3].Domain = "route.test"
		f.db.Do(t, func(tx *room.Tx) error {
			if n, capped, err := f.FirstTime(tx, m); n != want || capped != (name == "acme") || err != nil {
				t.Errorf("FirstTime of %s = %d, %t, %v; want %d", name, n, capped, err, want)
			}
			return nil
		})
	}
}

// An account that is removed leaves no record, not even one that the same transaction changed.
func TestStrangers_Forget(t *testing.T) {
	f := open(t, capOf(2))
	for _, name := range []string{"acme", "acme2"} {
		f.settle(f.message(name, "r0"), []int{0}, MarkDelivered)
	}
	f.db.Do(t, func(tx *room.Tx) error {
		m := f.message("acme", "r1")
		return errors.Join(f.Note(tx, m, &m.Recipients[0], MarkDelivered), f.Forget(tx, "acme"))
	})
	for range 2 {
		if keys := f.db.Keys(t, bucket.Records); !slices.Equal(keys, []string{"acme2"}) {
			t.Errorf("records of %q, want acme2", keys)
		}
		f.kill()
	}
}

// Other rules leave a chore for each account with mail that waits; the same ones leave none, also after
// a restart.
func TestStrangers_SetRules(t *testing.T) {
	f := open(t, capOf(2))
	for _, name := range []string{"acme", "acme2"} {
		f.accept(f.message(name, numbered(5)...))
		f.accept(f.message(name, numbered(5)...))
	}
	want := func(n int) {
		t.Helper()
		if keys := f.db.Keys(t, bucket.Chores); len(keys) != n {
			t.Errorf("chores %q, want %d", keys, n)
		}
	}
	want(0)
	f.kill()
	want(0)
	if err := f.SetRules(capOf(3)); err != nil {
		t.Fatal(err)
	}
	want(2)
}

// A kill between two steps uses no place twice and loses none, and neither does a transaction that is
// undone.
func TestStrangers_killed(t *testing.T) {
	f := open(t, capOf(2))
	errUndone := errors.New("undone")
	undo := func(fn func(*room.Tx) error) {
		t.Helper()
		if err := f.db.Update(0, func(tx room.Tx) error { return errors.Join(fn(&tx), errUndone) }); !errors.Is(err, errUndone) {
			t.Fatal(err)
		}
	}
	m := f.message("acme", numbered(10)...)
	undo(func(tx *room.Tx) error { return f.acceptIn(tx, m) })
	f.kill()
	f.accept(m)
	for d, want := range []int{2, 4, 4} {
		f.kill()
		undo(func(tx *room.Tx) error {
			c := m.Copy()
			_, err := f.MayGo(tx, &c, c.Ready("a.test", tx.Wall), "a.test", f.change(tx, &c, "a.test"))
			return err
		})
		going := f.claim(m)
		f.kill()
		if again := f.claim(m); len(going) != want || !slices.Equal(again, going) {
			t.Fatalf("day %d: %v go, and after a kill %v; want %d", d, going, again, want)
		}
		f.settle(m, going, MarkDelivered)
		f.kill()
		if r := f.record("acme"); r.First.Used != want || r.Today.Delivered != int64(want) {
			t.Errorf("day %d: %d of the cap used, %d delivered, want %d", d, r.First.Used, r.Today.Delivered, want)
		}
		f.db.Pass(day)
	}
}

// Whatever becomes of the mail, no day has more first sendings than its cap, the record counts exactly
// what waits, and everything goes in the end.
func TestStrangers_anyDays(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := open(t, capOf(rapid.IntRange(1, 5).Draw(r, "cap")))
		waiting := map[*spooled.Message]bool{}
		n := 0
		for d := 0; d == 0 || len(waiting) > 0; d++ {
			if d > 100 {
				r.Fatalf("%d messages wait for ever", len(waiting))
			}
			if d < 5 {
				to := numbered(n + rapid.IntRange(0, 20).Draw(r, "recipients"))[n:]
				n += len(to)
				waiting[f.accept(f.message("acme", to...))] = true
			}
			is := rapid.SampledFrom([]Mark{MarkDelivered, MarkDelivered, MarkUnknown, MarkBlamed}).Draw(r, "mark")
			gone, left := 0, int64(0)
			for m := range waiting {
				going := f.claim(m)
				f.settle(m, going, is)
				gone, left = gone+len(going), left+m.WaitingAt("a.test")
				if m.Done() {
					delete(waiting, m)
				}
			}
			if rec := f.record("acme"); gone > rec.First.Cap || rec.Waiting != left {
				r.Fatalf("day %d: %d of a cap of %d went; %d wait, the record says %d", d, gone, rec.First.Cap, left, rec.Waiting)
			}
			if rapid.Bool().Draw(r, "kill") {
				f.kill()
			}
			f.db.Pass(day)
		}
	})
}
