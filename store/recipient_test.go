package store

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/spooled"
)

// One mailbox is one recipient, however many there are, and in what order.
func TestMessage_distinct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m, one spooled.Message
		seen := map[string]bool{}
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 40), 0, 60).Draw(t, "mailboxes") {
			r := spooled.Recipient{Address: fmt.Sprintf("u%d@One.example", n/2), Domain: "one.example"}
			if n%2 == 0 {
				r.Address, r.Domain = fmt.Sprintf("u%d@two.example", n/2), "two.example"
			}
			seen[r.Local()+"@"+r.Domain] = true
			m.Recipients = append(m.Recipients, r)
			if !one.Repeats(&r) {
				one.AddRecipient(r)
			}
		}
		m.Distinct()
		if len(m.Recipients) != len(seen) || fmt.Sprint(m.Recipients) != fmt.Sprint(one.Recipients) {
			t.Fatalf("%d recipients, want %d: %v, one by one %v", len(m.Recipients), len(seen), m.Recipients, one.Recipients)
		}
	})
}

func TestNotify_with(t *testing.T) {
	const never, success, failure, delay = spooled.NotifyNever, spooled.NotifySuccess, spooled.NotifyFailure, spooled.NotifyDelay
	for _, c := range []struct{ a, b, want spooled.Notify }{
		{0, 0, 0}, {never, never, never}, {never, 0, 0}, {never, success, success},
		{0, success, success | failure}, {0, failure, failure}, {success, delay, success | delay},
	} {
		if got, back := c.a.With(c.b), c.b.With(c.a); got != c.want || back != c.want {
			t.Errorf("%b with %b = %b and %b, want %b", c.a, c.b, got, back, c.want)
		}
	}
}

// Whatever way a message comes in, a mailbox that it names twice is charged and sent
// to once, and the DSNs that were asked for are those of both.
func TestStore_sameMailboxTwice(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{Emails: 2})
	in := intake(s, "acme", 1000, "x@a.test", "y@b.test", "x@a.test")
	in.Message.Recipients[0].Notify, in.Message.Recipients[2].Notify = spooled.NotifyDelay, spooled.NotifySuccess
	if r, err := s.Accept(in); err != nil || r != nil {
		t.Fatalf("Accept = %+v, %v", r, err)
	}
	st, err := s.Standings.Standing("acme")
	if want := (quota.Charge{Messages: 2, Bytes: 2000}); err != nil || st.Used.Charged != want {
		t.Errorf("charged %v, want %v (%v)", st.Used.Charged, want, err)
	}
	got := claim(t, s, "a.test", "acme", 10)
	if len(got) != 1 || len(got[0].Rcpts) != 1 || got[0].Message.Recipients[0].Notify != spooled.NotifyDelay|spooled.NotifySuccess {
		t.Errorf("Claim = %+v", got)
	}
}
