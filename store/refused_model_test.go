package store

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/maildomain"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/people"
	"relay/store/refusals"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// became is the fate of an e-mail.
func became(from, to spooled.State, category, provider string) outcomes.Fate {
	return outcomes.Fate{From: from, To: to, Category: category, Provider: provider}
}

// countIn adds an outcome to a day, as plainly as possible.
func countIn(d *outcomes.Sum, is outcomes.Fate) {
	var p outcomes.Provider
	switch {
	case is.To == spooled.Delivered:
		d.Delivered++
		p.Delivered++
	case is.To != spooled.Deferred:
		if d.Failed == nil {
			d.Failed = map[string]int64{}
		}
		d.Failed[is.Category]++
		p.Failed++
	case is.From != spooled.Deferred:
		d.Deferred++
		p.Deferred++
	default:
		return
	}
	if is.Provider != "" {
		d.Add(&outcomes.Sum{Providers: map[string]outcomes.Provider{is.Provider: p}})
	}
}

// errorModel is what lists of errors and days should hold.
type errorModel struct {
	s    *Store
	c    *clock
	path string
	list map[string]map[string]refusals.Entry // by account, then mailbox
	days map[string]*outcomes.Sum             // by key
}

var errorCategories = []string{"InvalidRecipient", "QuotaIssues", "SpamBlock", ""}

// send accepts a message and settles it, more than once if it is deferred.
func (m *errorModel) send(t *rapid.T) {
	account := rapid.SampledFrom([]string{"one", "two"}).Draw(t, "account")
	to := rapid.SampledFrom([]string{"a@a.test", "A@a.test", "b@a.test", "c@a.test", "d@a.test"}).Draw(t, "to")
	in := intake(m.s, account, 100, to)
	in.Message.MessageID = fmt.Sprintf("<%s>", m.c.now().Format(time.RFC3339Nano))
	if r, err := m.s.Accept(in); err != nil || r != nil {
		t.Fatal(r, err)
	}
	key := string(dayKey(account, m.c.now().Format(time.DateOnly), in.Message.Period))
	if m.days[key] == nil {
		m.days[key] = &outcomes.Sum{}
	}
	day, from := m.days[key], spooled.Queued
	for range 4 {
		if rapid.IntRange(0, 9).Draw(t, "drop") == 0 {
			if _, _, err := m.s.Spool.Change(spool.OpDrop, []spooled.ID{in.Message.ID}); err != nil {
				t.Fatal(err)
			}
			countIn(day, became(from, spooled.Dropped, spool.ByOperator, ""))
			return
		}
		list, err := m.s.Spool.Claim([]spool.Want{{Lane: spooled.Lane{Domain: "a.test", Account: account}, Max: 1}}, func(*spooled.Message, int) time.Time { return m.c.now().Add(time.Minute) })
		if err != nil || len(list) != 1 {
			t.Fatalf("claimed %+v, %v", list, err)
		}
		if len(list[0].Suppressed) > 0 {
			is := m.list[account][mailboxOf(to)]
			m.refused(account, to, is.Category, is.Reply, spooled.Suppressed, in.Message)
			countIn(day, became(from, spooled.Suppressed, is.Category, ""))
			return
		}
		o := spool.Outcome{State: rapid.SampledFrom([]spooled.State{spooled.Delivered, spooled.Deferred, spooled.Failed, spooled.Expired}).Draw(t, "state")}
		o.Verdict.Category = rapid.SampledFrom(errorCategories).Draw(t, "category")
		if o.Reply = "550 5.1.1 " + o.Verdict.Category; o.Verdict.Category == "InvalidRecipient" && o.State.Final() && o.State != spooled.Delivered {
			o.Suppress = unknownUser
		}
		provider := rapid.SampledFrom([]string{"", "Google", "Yahoo"}).Draw(t, "provider")
		r := spool.Result{ID: in.Message.ID, Domain: "a.test", Provider: provider, Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{o}}
		was := list[0].Message.Recipients[0].Verdict.Category
		if err := m.s.Spool.Settle(r); err != nil {
			t.Fatal(err)
		}
		category := o.Verdict.Category
		if category == "" {
			if category = spool.Uncategorized; o.State == spooled.Expired {
				if category = was; was == "" {
					category = spool.MessageExpired
				}
			}
		}
		countIn(day, became(from, o.State, category, provider))
		switch from = o.State; o.State {
		case spooled.Deferred:
			m.c.add(2 * time.Minute)
			continue
		case spooled.Delivered:
			m.reached(account, to)
		default:
			m.refused(account, to, category, o.Reply, o.State, in.Message)
		}
		return
	}
	if _, _, err := m.s.Spool.Change(spool.OpDrop, []spooled.ID{in.Message.ID}); err != nil {
		t.Fatal(err)
	}
	countIn(day, became(from, spooled.Dropped, spool.ByOperator, ""))
}

func mailboxOf(address string) string { key, _ := maildomain.Mailbox(address); return key }

func (m *errorModel) refused(account, to, category, reply string, state spooled.State, msg *spooled.Message) {
	is, known := m.list[account][mailboxOf(to)]
	if !known {
		is.First = m.c.now()
	}
	if state != spooled.Suppressed || !known {
		is.Category, is.Reply, is.Source, is.MessageID = category, reply, "smtp", msg.MessageID
		is.Code, is.Enhanced = "550", "5.1.1"
	}
	is.Recipient, is.Class, is.Last, is.Cleared = to, string(state), m.c.now(), time.Time{}
	is.Count++
	m.list[account][mailboxOf(to)] = is
}

func (m *errorModel) reached(account, to string) {
	if is, known := m.list[account][mailboxOf(to)]; known && is.Cleared.IsZero() {
		is.Cleared = m.c.now()
		m.list[account][mailboxOf(to)] = is
	}
}

func (m *errorModel) lift(t *rapid.T) {
	account := rapid.SampledFrom([]string{"one", "two"}).Draw(t, "account")
	to := rapid.SampledFrom([]string{"a@a.test", "b@a.test", "c@a.test"}).Draw(t, "to")
	if _, err := m.s.Refusals.LiftSuppressions(behalf.Order{}, account, []string{to}); err != nil {
		t.Fatal(err)
	}
	m.reached(account, to)
}

func (m *errorModel) prune(t *rapid.T) {
	if _, err := m.s.Refusals.PruneErrors(m.c.now()); err != nil {
		t.Fatal(err)
	}
	for _, list := range m.list {
		maps.DeleteFunc(list, func(_ string, is refusals.Entry) bool { return m.c.now().Sub(is.Last) > errorsKept })
	}
}

// tooOld reports whether a day is too old to be kept: nobody reads it, pruned or not.
func (m *errorModel) tooOld(key string) bool {
	day, _, _ := strings.Cut(key[len("one\x00"):], "\x00")
	return day < m.c.now().AddDate(0, 0, -daysKept).Format(time.DateOnly)
}

func (m *errorModel) reopen(t *rapid.T) {
	err := m.s.Close()
	if err == nil {
		m.s, err = openTest(m.path, Options{Now: m.c.now})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (m *errorModel) check(t *rapid.T) {
	for account, want := range m.list {
		var got []refusals.Entry
		err := m.s.Refusals.EachError(account, time.Time{}, "", func(_ string, is *refusals.Entry) error {
			got = append(got, *is)
			return nil
		})
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s has %+v, %v; want %+v", account, got, err, want)
		}
		for i, is := range got {
			w := want[mailboxOf(is.Recipient)]
			if w.Advice = adviceFor(w); is != w || i > 0 && is.Last.Truncate(time.Millisecond).After(got[i-1].Last) {
				t.Fatalf("%s, %d: %+v, want %+v", account, i, is, w)
			}
		}
	}
	m.checkDays(t)
	if st, err := m.s.Verify(t.Context(), func(p string) { t.Errorf("Verify: %s", p) }); err != nil || st.Problems > 0 {
		t.Fatalf("Verify: %+v, %v", st, err)
	}
}

// adviceFor an entry: a recipient that mail has reached since is not taken off a list.
func adviceFor(is refusals.Entry) string {
	if advice := refusals.AdviceFor(is.Category); advice != refusals.AdviceRemove || is.Cleared.IsZero() {
		return advice
	}
	return refusals.AdviceWatch
}

// checkDays compares the days, and, while none is forgotten, their sums with the usage.
func (m *errorModel) checkDays(t *rapid.T) {
	sums := map[string]*outcomes.Sum{}
	for key, want := range m.days {
		var got outcomes.Sum
		err := m.s.view(func(tx *tx) error {
			got = outcomes.Sum{}
			account, rest, _ := strings.Cut(key, "\x00")
			day, period, _ := strings.Cut(rest, "\x00")
			return tx.s.Outcomes.EachDay(&tx.Tx, account, day, day+"\x00", func(_, of string, d *outcomes.Day) {
				if sum := d.Sum(); of == period {
					got.Add(&sum)
				}
			})
		})
		if m.tooOld(key) {
			want = &outcomes.Sum{}
		}
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", *want) {
			t.Fatalf("day %q is %+v, %v; want %+v", key, got, err, want)
		}
		account, rest, _ := strings.Cut(key, "\x00")
		_, period, _ := strings.Cut(rest, "\x00")
		if of := account + " " + period; sums[of] == nil {
			sums[of] = &outcomes.Sum{}
		}
		sums[account+" "+period].Add(want)
	}
	if m.c.now().Sub(epoch) > daysKept*24*time.Hour {
		return
	}
	for of, sum := range sums {
		account, period, _ := strings.Cut(of, " ")
		u, err := m.s.Standings.Usage(account, period)
		if err != nil || u.Delivered != sum.Delivered || u.Failed != sum.Failures() {
			t.Fatalf("usage of %s is %+v, %v; its days come to %+v", of, u, err, sum)
		}
	}
}

// Whatever becomes of mail, over restarts, months and years: lists of errors are what a map of
// the outcomes is, and the days of a period add up to its usage.
func TestStore_ErrorsAgainstModel(t *testing.T) {
	checkModel(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "relay-errors-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := &errorModel{c: &clock{t: epoch}, path: filepath.Join(dir, "relay.db"), days: map[string]*outcomes.Sum{},
			list: map[string]map[string]refusals.Entry{"one": {}, "two": {}}}
		if m.s, err = openTest(m.path, Options{Now: m.c.now}); err != nil {
			t.Fatal(err)
		}
		defer func() { m.s.Close() }()
		for a := range m.list {
			if _, err := m.s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: a}, Plan: quota.Plan{Name: "p", Term: quota.Year}, Credential: &people.Credential{Login: a, Account: a}}); err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": m.send, "send again": m.send, "lift": m.lift, "prune": m.prune, "reopen": m.reopen, "": m.check,
			"wait": func(t *rapid.T) {
				m.c.add(rapid.SampledFrom([]time.Duration{time.Second, 24 * time.Hour, 24 * time.Hour, 40 * 24 * time.Hour}).Draw(t, "wait"))
			},
		})
	})
}
