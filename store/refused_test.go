package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/mailreply"
	"relay/store/outcomes"
	"relay/store/refusals"
	"relay/store/room"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// errorsKept is how long a list of errors keeps a recipient after its last refusal.
const errorsKept = 400 * 24 * time.Hour

// daysKept is for how many days outcomes are kept by day.
const daysKept = 400

// errorsOfAccount is the list of errors of an account, the newest first.
func errorsOfAccount(t testing.TB, s *Store, account string, since time.Time) (list []refusals.Entry) {
	t.Helper()
	err := s.Refusals.EachError(account, since, "", func(_ string, is *refusals.Entry) error {
		list = append(list, *is)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// meetWith settles a claim with one outcome for all, at a provider.
func meetWith(t testing.TB, s *Store, c spool.Claimed, provider string, o spool.Outcome) {
	t.Helper()
	r := spool.Result{ID: c.Message.ID, Domain: c.Domain, Provider: provider, Event: trace.Event{Kind: trace.EventAttempt}}
	for _, i := range c.Rcpts {
		o.Rcpt = i
		r.Outcomes = append(r.Outcomes, o)
	}
	if err := s.Spool.Settle(r); err != nil {
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
	const begins = "550 5.1.1 <Jo@a.test> unknown "
	reply := begins + strings.Repeat("é", 400)
	meetWith(t, s, got, "Google", spool.Outcome{State: spooled.Failed, Reply: reply, Verdict: mailreply.Verdict{Category: "InvalidRecipient"}})
	first := s.Now()
	list := errorsOfAccount(t, s, "acme", time.Time{})
	want := refusals.Entry{Recipient: "Jo@a.test", Category: "InvalidRecipient", Class: "failed", Code: "550", Enhanced: "5.1.1",
		Reply: begins + strings.Repeat("é", (500-len(begins))/2), Source: "smtp", First: first, Last: first, Count: 1, MessageID: "<1@acme.test>", Advice: "remove"}
	if len(list) != 2 || list[0] != want {
		t.Fatalf("%+v\nwant %+v", list, want)
	}

	c.add(24 * time.Hour)
	accept(t, s, "acme", 100, "JO@a.test")
	meetWith(t, s, claimOne(t, s), "", spool.Outcome{State: spooled.Expired, Reply: "451 4.7.1 slow", Verdict: mailreply.Verdict{Category: "Greylisted"}})
	is, ok, err := s.Refusals.RefusedAs("acme", "JO@a.test")
	want = refusals.Entry{Recipient: "JO@a.test", Category: "Greylisted", Class: "expired", Code: "451", Enhanced: "4.7.1",
		Reply: "451 4.7.1 slow", Source: "smtp", First: first, Last: s.Now(), Count: 2, Advice: "not-yours"}
	if err != nil || !ok || is != want {
		t.Errorf("%+v, %t, %v\nwant %+v", is, ok, err, want)
	}
	if list := errorsOfAccount(t, s, "acme", s.Now()); len(list) != 1 || list[0] != want {
		t.Errorf("since now: %+v", list)
	}

	// mail arrives, and is refused again
	accept(t, s, "acme", 100, "al@a.test")
	meetWith(t, s, claimOne(t, s), "", spool.Outcome{State: spooled.Delivered, Reply: "250 ok"})
	if is, _, _ := s.Refusals.RefusedAs("acme", "al@a.test"); is.Advice != "watch" || is.Count != 1 || !is.Cleared.Equal(s.Now()) {
		t.Errorf("delivered since: %+v", is)
	}
	accept(t, s, "acme", 100, "al@a.test")
	meetWith(t, s, claimOne(t, s), "", spool.Outcome{State: spooled.Failed, Reply: "550 no", Verdict: mailreply.Verdict{Category: "InactiveMailbox"}})
	if is, _, _ := s.Refusals.RefusedAs("acme", "al@a.test"); is.Advice != "remove" || is.Count != 2 || is.Enhanced != "" {
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
	meetWith(t, s, claimOne(t, s), "", spool.Outcome{State: spooled.Failed, Reply: "550 5.1.1 unknown", Verdict: mailreply.Verdict{Category: "InvalidRecipient"}, Suppress: unknownUser})
	c.add(time.Hour)
	accept(t, s, "acme", 100, "jo@a.test")
	claimOne(t, s)
	is, _, _ := s.Refusals.RefusedAs("acme", "jo@a.test")
	if is.Class != "suppressed" || is.Count != 2 || is.MessageID != "<1@acme.test>" || is.Code != "550" || is.Advice != "remove" {
		t.Errorf("%+v", is)
	}
	if _, err := s.Refusals.LiftSuppressions(behalf.Order{}, "acme", []string{"jo@a.test"}); err != nil {
		t.Fatal(err)
	}
	if is, _, _ := s.Refusals.RefusedAs("acme", "jo@a.test"); is.Advice != "watch" {
		t.Errorf("lifted: %+v", is)
	}
}

// What the operator drops or has bounced, and relay's own mail, is in no list; the days count
// the former.
func TestStore_EachError_notTheirs(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "jo@a.test")
	if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{m.ID}); err != nil {
		t.Fatal(err)
	}
	accept(t, s, "acme", 100, "jo@a.test")
	got := claimOne(t, s)
	if err := s.Spool.Settle(spool.Result{ID: got.Message.ID, Domain: "a.test", Event: trace.Event{Kind: trace.EventChanged, Note: spooled.NoteBounced}, Outcomes: []spool.Outcome{{State: spooled.Failed, Reply: "550 stopped"}}}); err != nil {
		t.Fatal(err)
	}
	if list := errorsOfAccount(t, s, "acme", time.Time{}); list != nil {
		t.Errorf("%+v", list)
	}
	r, err := s.Overview.Report("acme", "")
	if err != nil || len(r.Days) != 1 || !maps.Equal(r.Days[0].Failed, map[string]int64{spool.ByOperator: 2}) {
		t.Errorf("%+v, %v", r.Days, err)
	}
}

// Entries go 400 days after the last refusal, and all of them with their account.
func TestStore_PruneErrors(t *testing.T) {
	s, c := newStore(t)
	fail := func(account, to string) {
		accept(t, s, account, 100, to)
		list := claim(t, s, "a.test", account, 1)
		meetWith(t, s, list[0], "", spool.Outcome{State: spooled.Failed, Reply: "550 no"})
	}
	for _, a := range []string{"acme", "acme2", "other"} {
		addAccount(t, s, a, quota.Plan{})
	}
	for i := range 5 {
		fail("acme", fmt.Sprintf("r%d@a.test", i))
	}
	fail("other", "old@a.test")
	c.add(errorsKept / 2)
	fail("acme", "r3@a.test")
	fail("acme2", "new@a.test")
	c.add(errorsKept/2 + 24*time.Hour)
	if _, err := closeNow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	n, err := s.Refusals.PruneErrors(s.Now())
	if want := 5; n != want || err != nil { // entries that are old, without r3
		t.Fatalf("removed %d, %v, want %d", n, err, want)
	}
	if n, err := s.Outcomes.Prune(s.Now()); n != 0 || err != nil { // each is the last of its period, and stays there
		t.Fatalf("removed %d days, %v", n, err)
	}
	for period, want := range map[string]int64{"2026-11": 0, "2027-06": 1} {
		if sum, err := s.Outcomes.InPeriod("acme", period); err != nil || sum.Failures() != want {
			t.Errorf("of %s there are %+v, %v; want %d failed", period, sum, err, want)
		}
	}
	left := errorsOfAccount(t, s, "acme", time.Time{})
	if len(left) != 1 || left[0].Recipient != "r3@a.test" || left[0].Count != 2 || left[0].Category != spool.Uncategorized {
		t.Errorf("left: %+v", left)
	}
	verify(t, s)

	for i := range 5 {
		fail("acme2", fmt.Sprintf("r%d@a.test", i))
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme2"); err != nil {
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

// inProgress harms the one record of progress.
func inProgress(harm func(*outcomes.Progress)) func(*tx) error {
	return func(t *tx) error { return changeProgress(t, "acme", "2026-11", harm) }
}

// Days and lists that say too much are found.
func TestStore_Verify_errors(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	accept(t, s, "acme", 100, "jo@a.test")
	meetWith(t, s, claimOne(t, s), "", spool.Outcome{State: spooled.Failed, Reply: "550 no"})
	whole := dump(t, s)
	for name, harm := range map[string]func(*tx) error{
		"have 1 delivered, 1 failed": func(t *tx) error {
			return t.Put(bucket.DaysOf, dayKey("acme", "2026-11-23", "2026-11"), dayRecord(1))
		},
		"has 1 delivered, 0 failed":   inProgress(func(p *outcomes.Progress) { p.Counts = packed(dayRecord(1)) }),
		"a day that is not named":     inProgress(func(p *outcomes.Progress) { p.Day = "" }),
		"decode the open day":         inProgress(func(p *outcomes.Progress) { p.Counts = "no count" }),
		"1 deferred, the spool holds": inProgress(func(p *outcomes.Progress) { p.Deferred = 1 }),
		"that 7 octets are in":        inProgress(func(p *outcomes.Progress) { p.Stored = 7 }),
		"that 1 messages are in":      inProgress(func(p *outcomes.Progress) { p.Waiting = 1 }),
		"1 failed and 0 queued": func(t *tx) error {
			return t.Write(bucket.Usage, room.Pair("acme", "2026-11"), &books.Charges{Charged: quota.Charge{Messages: 2}})
		},
		"in 2026-12 is there in a part": func(t *tx) error {
			return t.Write(bucket.Usage, progressKey("acme", "2026-12"), &outcomes.Progress{DSNs: 1})
		},
		"neither of charges nor": func(t *tx) error {
			return t.Put(bucket.Usage, append(progressKey("acme", "2026-11"), 0), []byte("{}"))
		},
		"a day that they do not name": func(t *tx) error {
			one := quota.Charge{Messages: 1, Bytes: 100}
			return t.Write(bucket.Usage, room.Pair("acme", "2026-11"), &books.Charges{Charged: one, Today: one})
		},
		"1 bounced, 2 complained of": inProgress(func(p *outcomes.Progress) { p.Counts = packed(append(dayRecord(0), 1, 2)) }),
		"but 1 bounced":              inProgress(func(p *outcomes.Progress) { p.Bounced = 1 }),
		"0 e-mails charged":          func(t *tx) error { return t.Delete(bucket.Usage, room.Pair("acme", "2026-11")) },
		"but 0 delivered, 0 failed":  func(t *tx) error { return t.Delete(bucket.Usage, progressKey("acme", "2026-11")) },
		"in the order of time":       func(t *tx) error { return t.DeleteOf(bucket.ErrorTimes, "acme") },
		"counts 0 errors":            func(t *tx) error { return t.Delete(bucket.ErrorCounts, []byte("acme")) },
		"accounts have 1":            func(t *tx) error { return t.Write(bucket.ErrorCounts, []byte("other"), 3) },
		"does not lie under":         func(t *tx) error { return t.DeleteOf(bucket.ErrorTimes, "acme") },
		"1 errors, 0 in the order":   func(t *tx) error { return t.DeleteOf(bucket.ErrorTimes, "acme") },
	} {
		var found []string
		errRolledBack := errors.New("rolled back")
		err := s.update(0, func(t *tx) error {
			if err := harm(t); err != nil {
				return err
			}
			v := &verifier{t: t, ctx: context.Background(), problem: func(p string) { found = append(found, p) }}
			if err := errors.Join(v.counters(), v.days(), v.refusals()); err != nil {
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
