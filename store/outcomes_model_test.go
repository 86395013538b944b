package store

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/people"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// daysModel is mail that comes in on one day and is settled on any later one.
type daysModel struct {
	s    *Store
	c    *clock
	dir  string
	file int
	mail map[spooled.ID]*sentMail // that waits
	days map[string]*outcomes.Sum // by key
}

// sentMail is one message to one recipient, and where it counts.
type sentMail struct {
	account, day string // day: a key
	state        spooled.State
}

func (m *daysModel) send(t *rapid.T) {
	account := rapid.SampledFrom([]string{"month", "year"}).Draw(t, "account")
	in := intake(m.s, account, 100, "jo@a.test")
	r, err := m.s.Accept(in)
	if err != nil {
		t.Fatal(err)
	}
	if r != nil { // the month has ended
		return
	}
	key := string(dayKey(account, m.c.now().Format(time.DateOnly), in.Message.Period))
	m.mail[in.Message.ID] = &sentMail{account, key, spooled.Queued}
	if m.days[key] == nil {
		m.days[key] = &outcomes.Sum{}
	}
}

// settle gives some of the mail that waits another state, several in a transaction.
func (m *daysModel) settle(t *rapid.T) {
	var list []spool.Result
	for _, id := range slices.SortedFunc(maps.Keys(m.mail), spooled.ID.Compare) {
		is := m.mail[id]
		if len(list) == 8 || rapid.IntRange(0, 2).Draw(t, "stays") == 0 {
			continue
		}
		o := spool.Outcome{State: rapid.SampledFrom([]spooled.State{spooled.Delivered, spooled.Deferred, spooled.Failed}).Draw(t, "state"), Reply: "250"}
		o.Verdict.Category = rapid.SampledFrom(errorCategories[:3]).Draw(t, "category")
		provider := rapid.SampledFrom([]string{"", "Google", "Yahoo"}).Draw(t, "provider")
		list = append(list, spool.Result{ID: id, Domain: "a.test", Provider: provider, Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{o}})
		countIn(m.days[is.day], became(is.state, o.State, o.Verdict.Category, provider))
		if is.state = o.State; o.State != spooled.Deferred {
			delete(m.mail, id)
		}
	}
	if err := m.s.Spool.Settle(list...); err != nil {
		t.Fatal(err)
	}
}

func (m *daysModel) wait(t *rapid.T) {
	m.c.add(rapid.SampledFrom([]time.Duration{time.Minute, time.Hour, 20 * time.Hour, 9 * 24 * time.Hour}).Draw(t, "wait"))
}

// back sets the clock back, most often to a day before.
func (m *daysModel) back(t *rapid.T) {
	m.c.add(-rapid.SampledFrom([]time.Duration{time.Minute, 20 * time.Hour, 3 * 24 * time.Hour}).Draw(t, "back"))
}

// end closes an account for good. Its mail goes on.
func (m *daysModel) end(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "ends") > 0 {
		return
	}
	if _, err := m.s.Orders.CloseAccount(behalf.Order{}, "month", ""); err != nil {
		t.Fatal(err)
	}
}

func (m *daysModel) close(t *rapid.T) {
	if _, err := closeNow(t.Context(), m.s); err != nil {
		t.Fatal(err)
	}
}

// before leaves the store as a relay did that kept all days in the bucket.
func (m *daysModel) before(t *rapid.T) {
	err := m.s.update(0, func(tx *tx) error {
		for _, account := range []string{"month", "year"} {
			var periods []string
			if err := tx.s.Outcomes.Each(&tx.Tx, account, func(period string, _ *outcomes.Progress) { periods = append(periods, period) }); err != nil {
				return err
			}
			for _, period := range periods {
				if _, err := closeDay(tx, account, period); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// kill goes on with the file as it is after the last commit.
func (m *daysModel) kill(t *rapid.T) {
	was, next := m.path(), m.file+1
	m.file = next
	if err := killedAs(m.path(), was); err != nil {
		t.Fatal(err)
	}
	m.verify(t)
	m.s.Close()
	m.open(t)
}

func (m *daysModel) path() string { return filepath.Join(m.dir, fmt.Sprintf("%d.db", m.file)) }

func (m *daysModel) open(t *rapid.T) {
	s, err := openTest(m.path(), Options{Now: m.c.now})
	if err != nil {
		t.Fatal(err)
	}
	m.s = s
}

// check compares what a reader and a writer see with the model, and the sums with the usage.
func (m *daysModel) check(t *rapid.T) {
	got := map[string]*outcomes.Sum{}
	read := func(tx *tx) error {
		clear(got)
		for _, account := range []string{"month", "year"} {
			err := tx.s.Outcomes.EachDay(&tx.Tx, account, "", "", func(day, period string, d *outcomes.Day) {
				key, sum := string(dayKey(account, day, period)), d.Sum()
				if got[key] == nil {
					got[key] = &outcomes.Sum{}
				}
				got[key].Add(&sum)
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	for _, see := range []func(func(*tx) error) error{m.s.view, func(f func(*tx) error) error { return m.s.update(0, f) }} {
		if err := see(read); err != nil {
			t.Fatal(err)
		}
		want := maps.Clone(m.days)
		maps.DeleteFunc(want, func(_ string, d *outcomes.Sum) bool { return d.Delivered+d.Deferred+d.Failures() == 0 })
		if is, w := fmt.Sprintf("%+v", texts(got)), fmt.Sprintf("%+v", texts(want)); is != w {
			t.Fatalf("the days are\n%s\nwant\n%s", is, w)
		}
	}
	m.checkSums(t)
}

func (m *daysModel) verify(t *rapid.T) {
	if st, err := m.s.Verify(t.Context(), func(p string) { t.Errorf("Verify: %s", p) }); err != nil || st.Problems > 0 {
		t.Fatalf("Verify: %+v, %v", st, err)
	}
}

func texts(days map[string]*outcomes.Sum) map[string]string {
	list := map[string]string{}
	for key, d := range days {
		list[key] = fmt.Sprintf("%+v", *d)
	}
	return list
}

func (m *daysModel) checkSums(t *rapid.T) {
	for _, account := range []string{"month", "year"} {
		list, err := m.s.Standings.Usages(account)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range list {
			sum, err := m.s.Outcomes.InPeriod(account, u.Period)
			if err != nil || sum.Delivered != u.Delivered || sum.Failures() != u.Failed {
				t.Fatalf("usage is %+v; its days come to %+v, %v", u, sum, err)
			}
		}
	}
}

// Over days, clocks that go back, closed periods and accounts, and kills, the days that mail was
// accepted on have all that became of it, and those of a period add up to its usage at each step.
func TestStore_OpenDayAgainstModel(t *testing.T) {
	checkModel(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "relay-days-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := &daysModel{c: &clock{t: epoch}, dir: dir, mail: map[spooled.ID]*sentMail{}, days: map[string]*outcomes.Sum{}}
		m.open(t)
		defer func() { m.s.Close() }()
		for name, p := range map[string]quota.Plan{"month": {Name: "m", Term: quota.Month}, "year": {Name: "y", Term: quota.Year}} {
			if _, err := m.s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name}, Plan: p, Credential: &people.Credential{Login: name, Account: name}}); err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){"send": m.send, "send again": m.send, "settle": m.settle, "settle again": m.settle,
			"wait": m.wait, "back": m.back, "end": m.end, "close": m.close, "kill": m.kill, "before": m.before, "": m.check})
	})
}
