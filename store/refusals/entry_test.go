package refusals

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store/room"
)

// A recipient is in the list once, with what was said last; a suppression says nothing new.
func TestRefusals_Enter(t *testing.T) {
	f := open(t)
	unknown := Refusal{Category: "InvalidRecipient", Class: "failed", Source: SourceSMTP, Reply: "550 5.1.1 unknown", MessageID: "<1@acme>"}
	f.enter("acme", unknown, "Jo@a.test")
	want := Entry{Recipient: "Jo@a.test", Category: "InvalidRecipient", Class: "failed", Code: "550", Enhanced: "5.1.1", Reply: "550 5.1.1 unknown",
		Source: SourceSMTP, First: f.db.Now(), Last: f.db.Now(), Count: 1, MessageID: "<1@acme>", Advice: AdviceRemove}
	if is := f.entry("JO@a.test"); is != want {
		t.Errorf("%+v, want %+v", is, want)
	}

	f.db.Pass(day)
	f.enter("acme", Refusal{Category: "InvalidRecipient", Class: ClassSuppressed, Reply: "-", MessageID: "<2@acme>"}, "jo@A.test")
	want.Recipient, want.Class, want.Last, want.Count = "jo@A.test", ClassSuppressed, f.db.Now(), 2
	if is := f.entry("jo@a.test"); is != want {
		t.Errorf("suppressed: %+v, want %+v", is, want)
	}

	f.db.Pass(day)
	f.enter("acme", Refusal{Category: "Greylisted", Class: "expired", Source: SourceSMTP, Reply: strings.Repeat("é", mostReply), MessageID: strings.Repeat("m", mostMessageID+1)}, "jo@a.test")
	is := f.entry("jo@a.test")
	if is.Reply != strings.Repeat("é", mostReply/2) || is.MessageID != "" || is.Code != "" || is.Count != 3 || !is.First.Equal(want.First) || is.Advice != AdviceNotYours {
		t.Errorf("refused otherwise: %+v", is)
	}
	f.enter("acme", Refusal{Category: ByHand, Class: ClassSuppressed, Reply: "asked to"}, "jo@a.test", "new@a.test")
	for _, address := range []string{"jo@a.test", "new@a.test"} {
		if is := f.entry(address); is.Category != ByHand || is.Reply != "asked to" {
			t.Errorf("suppressed for another reason: %+v", is)
		}
	}
	if _, ok, err := f.RefusedAs("acme2", "jo@a.test"); ok || err != nil {
		t.Errorf("of another account: %t, %v", ok, err)
	}
	if _, ok, err := f.RefusedAs("acme", "no address"); ok || err != nil {
		t.Errorf("of no address: %t, %v", ok, err)
	}
}

// A delivery clears an entry, but for a complaint, and for a week a bounce: the next hop took that
// mail too.
func TestRefusals_Reached(t *testing.T) {
	f := open(t)
	for mailbox, source := range map[string]string{"refused@a.test": SourceSMTP, "back@a.test": SourceBounce, "angry@a.test": SourceComplaint} {
		f.enter("acme", Refusal{Category: "InvalidRecipient", Source: source}, mailbox)
	}
	reached := func(what, want string) {
		t.Helper()
		var cleared []string
		for _, mailbox := range []string{"refused@a.test", "back@a.test", "angry@a.test"} {
			f.reach(mailbox)
			if is := f.entry(mailbox); !is.Cleared.IsZero() != (is.Advice == AdviceWatch) {
				t.Errorf("%s: %+v", what, is)
			} else if !is.Cleared.IsZero() {
				cleared = append(cleared, strings.TrimSuffix(mailbox, "@a.test"))
			}
		}
		if got := strings.Join(cleared, " "); got != want {
			t.Errorf("%s: %q are cleared, want %q", what, got, want)
		}
	}
	f.reach("unknown@a.test")
	first := f.db.Now()
	reached("at once", "refused")
	f.db.Pass(bounceLasts - time.Second)
	reached("within the week", "refused")
	f.db.Pass(time.Second)
	reached("after it", "refused back")
	if is := f.entry("refused@a.test"); !is.Cleared.Equal(first) || !is.Last.Equal(first) {
		t.Errorf("cleared again: %+v", is)
	}
	f.enter("acme", Refusal{Category: "InvalidRecipient", Source: SourceSMTP}, "refused@a.test")
	if is := f.entry("refused@a.test"); !is.Cleared.IsZero() || is.Advice != AdviceRemove {
		t.Errorf("refused again: %+v", is)
	}
	if mailboxes, _ := f.list("acme", time.Time{}, ""); len(mailboxes) != 3 {
		t.Errorf("a delivery entered a recipient: %q", mailboxes)
	}
}

// The list comes with the newest refusal first, goes on behind a key, and ends at an instant.
func TestRefusals_EachError(t *testing.T) {
	f := open(t)
	var want []string
	for i := range 2*room.Step + 3 { // in steps of a transaction
		want = append(want, fmt.Sprintf("r%03d@a.test", i))
		f.enter("acme", Refusal{Class: "failed"}, want[i])
		f.db.Pass(time.Second)
	}
	f.enter("acme2", Refusal{Class: "failed"}, "other@a.test")
	again := f.db.Now()
	f.enter("acme", Refusal{Class: "failed"}, want[0])
	want = append(want[1:], want[0])
	slices.Reverse(want)

	got, keys := f.list("acme", time.Time{}, "")
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, _ := f.list("acme", time.Time{}, keys[room.Step+1]); !slices.Equal(got, want[room.Step+2:]) {
		t.Errorf("behind a key: %q", got)
	}
	if got, _ := f.list("acme", again, ""); !slices.Equal(got, want[:1]) {
		t.Errorf("since the last: %q", got)
	}
	if got, _ := f.list("acme", again.Add(time.Millisecond), ""); got != nil {
		t.Errorf("since later: %q", got)
	}
	f.db.Do(t, func(tx *room.Tx) error {
		newest, count, err := f.Newest(tx, "acme", time.Time{}, 2)
		if len(newest) != 2 || newest[0].Recipient != want[0] || newest[1].Recipient != want[1] || int(count) != len(want) {
			t.Errorf("newest: %+v of %d", newest, count)
		}
		return err
	})
}

// Entries go 400 days after their last refusal, and no sooner.
func TestRefusals_PruneErrors(t *testing.T) {
	f := open(t)
	f.enter("acme", Refusal{Class: "failed"}, "old@a.test", "again@a.test")
	f.enter("acme2", Refusal{Class: "failed"}, "old@a.test")
	f.db.Pass(time.Hour)
	f.enter("acme", Refusal{Class: "failed"}, "again@a.test", "late@a.test")
	for _, step := range []struct {
		pass    time.Duration
		removed int
		left    string
	}{
		{errorsKept - time.Hour, 0, "old again late"},
		{time.Second, 2, "again late"},
		{time.Hour, 2, ""},
	} {
		f.db.Pass(step.pass)
		n, err := f.PruneErrors(f.db.Now())
		if err != nil || n != step.removed {
			t.Errorf("pruned %d, %v, want %d", n, err, step.removed)
		}
		var left []string
		for _, mailbox := range []string{"old@a.test", "again@a.test", "late@a.test"} {
			if _, ok, _ := f.RefusedAs("acme", mailbox); ok {
				left = append(left, strings.TrimSuffix(mailbox, "@a.test"))
			}
		}
		if got := strings.Join(left, " "); got != step.left {
			t.Errorf("%q are left, want %q", got, step.left)
		}
		f.verify(f.db)
	}
}

func TestCodesOf(t *testing.T) {
	for reply, want := range map[string][2]string{
		"550 5.1.1 unknown": {"550", "5.1.1"}, "452 4.2.2": {"452", "4.2.2"}, "550 no": {"550", ""}, "550": {"550", ""},
		"550 5.1 no": {"550", ""}, "550 55.1.1 no": {"550", ""}, "550 5.1.1234 no": {"550", ""}, "550 5.1.x no": {"550", ""}, "550 1.2.3.4 is listed": {"550", ""},
		"": {}, "no answer": {}, "5500 no": {}, "55x no": {},
	} {
		if code, enhanced := codesOf(reply); code != want[0] || enhanced != want[1] {
			t.Errorf("codesOf(%q) = %q, %q, want %q", reply, code, enhanced, want)
		}
	}
}

// Categories that no list knows are to be watched.
func TestAdviceFor(t *testing.T) {
	for category, want := range map[string]string{"": AdviceWatch, "unheard of": AdviceWatch, "QuotaIssues": AdviceWatch, ByHand: AdviceRemove, "SpamBlock": AdviceNotYours} {
		if is := AdviceFor(category); is != want || !slices.Contains(Advices, is) {
			t.Errorf("AdviceFor(%q) = %q, want %q", category, is, want)
		}
	}
}
