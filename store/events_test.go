package store

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"relay/quota"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// Settle tells which result was a message's last one.
func TestStore_Settle_done(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "a@x.test", "b@y.test")
	first := spool.Result{ID: m.ID, Domain: "x.test", Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{{Rcpt: 0, State: spooled.Delivered}}}
	last := spool.Result{ID: m.ID, Domain: "y.test", Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{{Rcpt: 1, State: spooled.Failed}}}
	late := last
	for _, c := range []struct {
		name string
		list []spool.Result
		want []bool
	}{
		{"the first recipient", []spool.Result{first}, []bool{false}},
		{"the last one, and one too late", []spool.Result{last, late}, []bool{true, false}},
	} {
		if err := s.Spool.Settle(c.list...); err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			if c.list[i].Done != want {
				t.Errorf("%s: Done of result %d = %v, want %v", c.name, i, c.list[i].Done, want)
			}
		}
	}
}

// What the walk has to say of a message that is gone is no event.
func TestStore_Settle_goneAndNothingHappened(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "a@x.test")
	if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{m.ID}); err != nil {
		t.Fatal(err)
	}
	if err := s.Spool.Settle(spool.Result{ID: m.ID, Domain: "x.test", Outcomes: []spool.Outcome{{State: spooled.Queued, Delayed: true}}}); err != nil {
		t.Fatal(err)
	}
	if events, err := s.Trace.Of(m.ID); len(events) != 2 || err != nil {
		t.Errorf("the trace has %v, %v", events, err)
	}
}

// What an operator drops is logged, and only that.
func TestStore_Change_log(t *testing.T) {
	var log bytes.Buffer
	s, err := openTest(filepath.Join(t.TempDir(), "relay.db"), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	addAccount(t, s, "acme", quota.Plan{})
	kept, dropped := accept(t, s, "acme", 100, "a@x.test"), accept(t, s, "acme", 100, "b@x.test")
	if _, _, err := s.Spool.Change(spool.OpHold, []spooled.ID{kept.ID, dropped.ID}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{dropped.ID}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := log.String(), `msg="message dropped" component=store spool_id=`+dropped.ID.String()+"\n"; !strings.HasSuffix(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("log %q, want %q", got, want)
	}
}
