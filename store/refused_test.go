package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"

	"pgregory.net/rapid"
)

// errorsOfAccount is the list of errors of an account, the newest first.
func errorsOfAccount(t testing.TB, s *Store, account string, since time.Time) (list []RefusedRecipient) {
	t.Helper()
	err := s.EachError(account, since, "", func(_ string, is *RefusedRecipient) error {
		list = append(list, *is)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// meetWith settles a claim with one outcome for all, at a provider.
func meetWith(t testing.TB, s *Store, c Claimed, provider string, o Outcome) {
	t.Helper()
	r := Result{ID: c.Message.ID, Domain: c.Domain, Provider: provider, Event: Event{Kind: EventAttempt}}
	for _, i := range c.Rcpts {
		o.Rcpt = i
		r.Outcomes = append(r.Outcomes, o)
	}
	if err := s.Settle(r); err != nil {
		t.Fatal(err)
	}
}

// A recipient that is given up is entered once, with the last reply, and advice that changes
// when mail reaches it.
func TestStore_EachError(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	in := intake(s, "acme", 100, "Jo@a.test", "al@a.test")
	in.Message.MessageID = "<1@acme.test>"
	if r, err := s.Accept(in); err != nil || r != nil {
		t.Fatal(r, err)
	}
	got := claimOne(t, s)
	reply := "550 5.1.1 <Jo@a.test> unknown " + strings.Repeat("é", 400)
	meetWith(t, s, got, "Google", Outcome{State: Failed, Reply: reply, Verdict: Verdict{Category: "InvalidRecipient"}})
	first := s.Now()
	list := errorsOfAccount(t, s, "acme", time.Time{})
	want := RefusedRecipient{Recipient: "Jo@a.test", Category: "InvalidRecipient", Class: "failed", Code: "550", Enhanced: "5.1.1",
		Reply: shorten(reply, mostReply), Source: "smtp", First: first, Last: first, Count: 1, MessageID: "<1@acme.test>", Advice: "remove"}
	if len(list) != 2 || list[0] != want {
		t.Fatalf("%+v\nwant %+v", list, want)
	}

	c.add(24 * time.Hour)
	accept(t, s, "acme", 100, "JO@a.test")
	meetWith(t, s, claimOne(t, s), "", Outcome{State: Expired, Reply: "451 4.7.1 slow", Verdict: Verdict{Category: "Greylisted"}})
	is, ok, err := s.RefusedAs("acme", "JO@a.test")
	want = RefusedRecipient{Recipient: "JO@a.test", Category: "Greylisted", Class: "expired", Code: "451", Enhanced: "4.7.1",
		Reply: "451 4.7.1 slow", Source: "smtp", First: first, Last: s.Now(), Count: 2, Advice: "not-yours"}
	if err != nil || !ok || is != want {
		t.Errorf("%+v, %t, %v\nwant %+v", is, ok, err, want)
	}
	if list := errorsOfAccount(t, s, "acme", s.Now()); len(list) != 1 || list[0] != want {
		t.Errorf("since now: %+v", list)
	}

	// mail arrives, and is refused again
	accept(t, s, "acme", 100, "al@a.test")
	meetWith(t, s, claimOne(t, s), "", Outcome{State: Delivered, Reply: "250 ok"})
	if is, _, _ := s.RefusedAs("acme", "al@a.test"); is.Advice != "watch" || is.Count != 1 || !is.Cleared.Equal(s.Now()) {
		t.Errorf("delivered since: %+v", is)
	}
	accept(t, s, "acme", 100, "al@a.test")
	meetWith(t, s, claimOne(t, s), "", Outcome{State: Failed, Reply: "550 no", Verdict: Verdict{Category: "InactiveMailbox"}})
	if is, _, _ := s.RefusedAs("acme", "al@a.test"); is.Advice != "remove" || is.Count != 2 || is.Enhanced != "" {
		t.Errorf("refused again: %+v", is)
	}
}

// One that is suppressed counts on with its old reply; lifted, it is no longer to be removed.
func TestStore_EachError_suppressed(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	in := intake(s, "acme", 100, "jo@a.test")
	in.Message.MessageID = "<1@acme.test>"
	if r, err := s.Accept(in); err != nil || r != nil {
		t.Fatal(r, err)
	}
	meetWith(t, s, claimOne(t, s), "", Outcome{State: Failed, Reply: "550 5.1.1 unknown", Verdict: Verdict{Category: "InvalidRecipient"}, Suppress: unknownUser})
	c.add(time.Hour)
	accept(t, s, "acme", 100, "jo@a.test")
	claimOne(t, s)
	is, _, _ := s.RefusedAs("acme", "jo@a.test")
	if is.Class != "suppressed" || is.Count != 2 || is.MessageID != "<1@acme.test>" || is.Code != "550" || is.Advice != "remove" {
		t.Errorf("%+v", is)
	}
	if _, err := s.LiftSuppressions(Order{}, "acme", []string{"jo@a.test"}); err != nil {
		t.Fatal(err)
	}
	if is, _, _ := s.RefusedAs("acme", "jo@a.test"); is.Advice != "watch" {
		t.Errorf("lifted: %+v", is)
	}
}

// What the operator drops or has bounced, and relay's own mail, is in no list; the days count
// the former.
func TestStore_EachError_notTheirs(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "jo@a.test")
	if _, _, err := s.Change(OpDrop, []ID{m.ID}); err != nil {
		t.Fatal(err)
	}
	accept(t, s, "acme", 100, "jo@a.test")
	got := claimOne(t, s)
	if err := s.Settle(Result{ID: got.Message.ID, Domain: "a.test", Event: Event{Kind: EventChanged, Note: NoteBounced}, Outcomes: []Outcome{{State: Failed, Reply: "550 stopped"}}}); err != nil {
		t.Fatal(err)
	}
	if list := errorsOfAccount(t, s, "acme", time.Time{}); list != nil {
		t.Errorf("%+v", list)
	}
	r, err := s.Report("acme", "")
	if err != nil || len(r.Days) != 1 || !maps.Equal(r.Days[0].Failed, map[string]int64{ByOperator: 2}) {
		t.Errorf("%+v, %v", r.Days, err)
	}
}

// Entries go 400 days after the last refusal, and all of them with their account.
func TestStore_PruneErrors(t *testing.T) {
	s, c := newStore(t)
	fail := func(account, to string) {
		accept(t, s, account, 100, to)
		list := claim(t, s, "a.test", account, 1)
		meetWith(t, s, list[0], "", Outcome{State: Failed, Reply: "550 no"})
	}
	for _, a := range []string{"acme", "acme2", "other"} {
		addAccount(t, s, a, quota.Plan{})
	}
	for i := range walkStep + 10 {
		fail("acme", fmt.Sprintf("r%d@a.test", i))
	}
	fail("other", "old@a.test")
	c.add(errorsKept / 2)
	fail("acme", "r3@a.test")
	fail("acme2", "new@a.test")
	c.add(errorsKept/2 + 24*time.Hour)
	n, err := s.PruneErrors(s.Now())
	if want := walkStep + 10 + 2; n != want || err != nil { // entries that are old, without r3, and the days of both accounts
		t.Fatalf("removed %d, %v, want %d", n, err, want)
	}
	left := errorsOfAccount(t, s, "acme", time.Time{})
	if len(left) != 1 || left[0].Recipient != "r3@a.test" || left[0].Count != 2 || left[0].Category != Uncategorized {
		t.Errorf("left: %+v", left)
	}
	verify(t, s)

	for i := range 2*walkStep + 5 {
		fail("acme2", fmt.Sprintf("r%d@a.test", i))
	}
	if err := s.RemoveAccount(Order{}, "acme2"); err != nil {
		t.Fatal(err)
	}
	for name := range dump(t, s) {
		if strings.Contains(name, "acme2\x00") && (strings.HasPrefix(name, "errors") || strings.HasPrefix(name, "days")) {
			t.Fatalf("an account that is gone left %q", name)
		}
	}
	if list := errorsOfAccount(t, s, "acme", time.Time{}); len(list) != 1 {
		t.Errorf("of another account: %+v", list)
	}
}

// countIn adds an outcome to a day, as plainly as possible.
func countIn(d *Day, is fate) {
	var p ProviderDay
	switch {
	case is.to == Delivered:
		d.Delivered++
		p.Delivered++
	case is.to != Deferred:
		if d.Failed == nil {
			d.Failed = map[string]int64{}
		}
		d.Failed[is.category]++
		p.Failed++
	case is.from != Deferred:
		d.Deferred++
		p.Deferred++
	default:
		return
	}
	if is.provider != "" {
		d.at(is.provider, p)
	}
}

// errorModel is what lists of errors and days should hold.
type errorModel struct {
	s    *Store
	c    *clock
	path string
	list map[string]map[string]RefusedRecipient // by account, then mailbox
	days map[string]*Day                        // by key
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
		m.days[key] = &Day{}
	}
	day, from := m.days[key], Queued
	for range 4 {
		if rapid.IntRange(0, 9).Draw(t, "drop") == 0 {
			if _, _, err := m.s.Change(OpDrop, []ID{in.Message.ID}); err != nil {
				t.Fatal(err)
			}
			countIn(day, fate{from, Dropped, ByOperator, ""})
			return
		}
		list, err := m.s.Claim([]Want{{Lane{"a.test", account}, 1}}, func(*Message, int) time.Time { return m.c.now().Add(time.Minute) })
		if err != nil || len(list) != 1 {
			t.Fatalf("claimed %+v, %v", list, err)
		}
		if len(list[0].Suppressed) > 0 {
			is := m.list[account][mailboxOf(to)]
			m.refused(account, to, is.Category, is.Reply, Suppressed, in.Message)
			countIn(day, fate{from, Suppressed, is.Category, ""})
			return
		}
		o := Outcome{State: rapid.SampledFrom([]RecipientState{Delivered, Deferred, Failed, Expired}).Draw(t, "state")}
		o.Verdict.Category = rapid.SampledFrom(errorCategories).Draw(t, "category")
		if o.Reply = "550 5.1.1 " + o.Verdict.Category; o.Verdict.Category == "InvalidRecipient" && o.State.Final() && o.State != Delivered {
			o.Suppress = unknownUser
		}
		provider := rapid.SampledFrom([]string{"", "Google", "Yahoo"}).Draw(t, "provider")
		r := Result{ID: in.Message.ID, Domain: "a.test", Provider: provider, Event: Event{Kind: EventAttempt}, Outcomes: []Outcome{o}}
		was := list[0].Message.Recipients[0].Verdict.Category
		if err := m.s.Settle(r); err != nil {
			t.Fatal(err)
		}
		category := o.Verdict.Category
		if category == "" {
			if category = Uncategorized; o.State == Expired {
				if category = was; was == "" {
					category = MessageExpired
				}
			}
		}
		countIn(day, fate{from, o.State, category, provider})
		switch from = o.State; o.State {
		case Deferred:
			m.c.add(2 * time.Minute)
			continue
		case Delivered:
			m.reached(account, to)
		default:
			m.refused(account, to, category, o.Reply, o.State, in.Message)
		}
		return
	}
	if _, _, err := m.s.Change(OpDrop, []ID{in.Message.ID}); err != nil {
		t.Fatal(err)
	}
	countIn(day, fate{from, Dropped, ByOperator, ""})
}

func mailboxOf(address string) string { key, _ := Mailbox(address); return key }

func (m *errorModel) refused(account, to, category, reply string, state RecipientState, msg *Message) {
	is, known := m.list[account][mailboxOf(to)]
	if !known {
		is.First = m.c.now()
	}
	if state != Suppressed || !known {
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
	if _, err := m.s.LiftSuppressions(Order{}, account, []string{to}); err != nil {
		t.Fatal(err)
	}
	m.reached(account, to)
}

func (m *errorModel) prune(t *rapid.T) {
	if _, err := m.s.PruneErrors(m.c.now()); err != nil {
		t.Fatal(err)
	}
	for _, list := range m.list {
		maps.DeleteFunc(list, func(_ string, is RefusedRecipient) bool { return m.c.now().Sub(is.Last) > errorsKept })
	}
	maps.DeleteFunc(m.days, func(key string, _ *Day) bool {
		day, _ := parseDay([]byte(key[len("one\x00"):]))
		return day < m.c.now().AddDate(0, 0, -daysKept).Format(time.DateOnly)
	})
}

func (m *errorModel) reopen(t *rapid.T) {
	err := m.s.Close()
	if err == nil {
		m.s, err = Open(m.path, Options{Now: m.c.now})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (m *errorModel) check(t *rapid.T) {
	for account, want := range m.list {
		var got []RefusedRecipient
		err := m.s.EachError(account, time.Time{}, "", func(_ string, is *RefusedRecipient) error {
			got = append(got, *is)
			return nil
		})
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s has %+v, %v; want %+v", account, got, err, want)
		}
		for i, is := range got {
			w := want[mailboxOf(is.Recipient)]
			if w.Advice = w.advise(); is != w || i > 0 && is.Last.Truncate(time.Millisecond).After(got[i-1].Last) {
				t.Fatalf("%s, %d: %+v, want %+v", account, i, is, w)
			}
		}
	}
	m.checkDays(t)
	if st, err := m.s.Verify(t.Context(), func(p string) { t.Errorf("Verify: %s", p) }); err != nil || st.Problems > 0 {
		t.Fatalf("Verify: %+v, %v", st, err)
	}
}

// checkDays compares the days, and, while none is forgotten, their sums with the usage.
func (m *errorModel) checkDays(t *rapid.T) {
	sums := map[string]*Day{}
	for key, want := range m.days {
		var got Day
		err := m.s.view(func(tx *tx) error {
			d, err := decodeDay([]byte(key), tx.b.Get(daysOf, []byte(key)))
			if err == nil {
				got = *d.day()
			}
			return err
		})
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", *want) {
			t.Fatalf("day %q is %+v, %v; want %+v", key, got, err, want)
		}
		account, rest, _ := strings.Cut(key, "\x00")
		_, period := parseDay([]byte(rest))
		if of := account + " " + period; sums[of] == nil {
			sums[of] = &Day{}
		}
		sums[account+" "+period].add(want)
	}
	if m.c.now().Sub(epoch) > daysKept*24*time.Hour {
		return
	}
	for of, sum := range sums {
		account, period, _ := strings.Cut(of, " ")
		u, err := m.s.Usage(account, period)
		if err != nil || u.Delivered != sum.Delivered || u.Failed != sum.failures() {
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
		m := &errorModel{c: &clock{t: epoch}, path: filepath.Join(dir, "relay.db"), days: map[string]*Day{},
			list: map[string]map[string]RefusedRecipient{"one": {}, "two": {}}}
		if m.s, err = Open(m.path, Options{Now: m.c.now}); err != nil {
			t.Fatal(err)
		}
		defer func() { m.s.Close() }()
		for a := range m.list {
			if _, err := m.s.AddAccount(Order{}, NewAccount{Account: Account{Name: a}, Plan: quota.Plan{Name: "p", Term: quota.Year}, Credential: &Credential{Login: a, Account: a}}); err != nil {
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

// Days and lists that say too much are found.
func TestStore_Verify_errors(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	accept(t, s, "acme", 100, "jo@a.test")
	meetWith(t, s, claimOne(t, s), "", Outcome{State: Failed, Reply: "550 no"})
	whole := dump(t, s)
	for name, harm := range map[string]func(*tx) error{
		"1 delivered, 0 failed": func(t *tx) error {
			return t.b.Put(daysOf, dayKey("acme", "2026-11-23", "2026-11"), (&dayCount{delivered: 1}).append(nil))
		},
		"in the order of time":     func(t *tx) error { return t.deleteOf(errorTimes, "acme") },
		"counts 0 errors":          func(t *tx) error { return t.b.Delete(errorCounts, []byte("acme")) },
		"accounts have 1":          func(t *tx) error { return t.put(errorCounts, []byte("other"), 3) },
		"does not lie under":       func(t *tx) error { return t.deleteOf(errorTimes, "acme") },
		"1 errors, 0 in the order": func(t *tx) error { return t.deleteOf(errorTimes, "acme") },
	} {
		var found []string
		errRolledBack := errors.New("rolled back")
		err := s.update(0, func(t *tx) error {
			if err := harm(t); err != nil {
				return err
			}
			v := &verifier{t: t, ctx: context.Background(), problem: func(p string) { found = append(found, p) }}
			if err := errors.Join(v.days(), v.errors()); err != nil {
				return err
			}
			return errRolledBack
		})
		if !errors.Is(err, errRolledBack) || !slices.ContainsFunc(found, func(p string) bool { return strings.Contains(p, name) }) {
			t.Errorf("%s: found %q, %v", name, found, err)
		}
	}
	if !maps.Equal(dump(t, s), whole) {
		t.Error("the store was changed")
	}
}
