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
