package store

import (
	"fmt"
	"testing"
	"time"

	"relay/quota"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// The last three dialogues of a message are kept, each attempt's once, and go with its trace.
func TestStore_Dialogues(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "x@a.test")
	for i := range 5 {
		c.add(24 * time.Hour)
		got := claimOne(t, s)
		began := s.Now()
		for _, part := range []string{"begin", "end"} { // settled in two steps
			r := spool.Result{ID: m.ID, Domain: "a.test", Event: trace.Event{Kind: trace.EventAttempt}, Open: part == "begin", Dialogue: trace.Dialogue{Time: began, Domain: "a.test", Lines: fmt.Appendf(nil, "%s %d\n", part, i)}}
			if part == "end" {
				r.Outcomes = []spool.Outcome{{Rcpt: got.Rcpts[0], State: spooled.Deferred, Reply: "450 later"}}
			}
			if err := s.Spool.Settle(r); err != nil {
				t.Fatal(err)
			}
			c.add(time.Second)
		}
	}
	list, err := s.Trace.Dialogues(m.ID)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, d := range list {
		if want := fmt.Sprintf("end %d\n", i+2); string(d.Lines) != want || i > 0 && !d.Time.After(list[i-1].Time) {
			t.Errorf("%v %q, want %q", d.Time, d.Lines, want)
		}
	}
	if _, err := s.Trace.Prune(s.Now(), ""); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Trace.Dialogues(m.ID); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v after the trace was pruned", list, err)
	}
	verify(t, s)
}
