package trace

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/spooled"
)

// fixture is the room in a store of its own.
type fixture struct {
	*Trace
	*testing.T
	db   *roomtest.Store
	done []string // jobs that Prune recorded
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, db: roomtest.Open(t)}
	f.Trace = New(f.db.DB, func(_ *room.Tx, job string, at time.Time) error {
		f.done = append(f.done, job+" "+at.Format(time.DateOnly))
		return nil
	})
	return f
}

// messageOf is a message accepted on that day of March.
func messageOf(day int) *spooled.Message {
	at := time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC)
	return &spooled.Message{ID: spooled.FirstID(at), Account: "acme", Accepted: at, Recipients: []spooled.Recipient{{Address: "x@a.test", Domain: "a.test"}}}
}

// attempt stores a message with its attempt, as Settle does.
func (f *fixture) attempt(m *spooled.Message, at time.Time) {
	f.db.Do(f, func(t *room.Tx) error {
		if err := WriteAccepted(t, m); err != nil {
			return err
		}
		return errors.Join(f.Happened(t, &Event{ID: m.ID, Time: at, Kind: EventAttempt}, m), t.Write(bucket.Messages, m.ID[:], m))
	})
}

func (f *fixture) wantLife(id spooled.ID, want ...EventKind) {
	f.Helper()
	list, err := f.Of(id)
	if err != nil {
		f.Fatal(err)
	}
	var got []EventKind
	for _, e := range list {
		got = append(got, e.Kind)
	}
	if !slices.Equal(got, want) {
		f.Errorf("life %q, want %q", got, want)
	}
}

// Until something else happens, the message in the spool is the event of its acceptance; then
// that is written once, and outlives the message.
func TestTrace_Of(t *testing.T) {
	f, m := open(t), messageOf(2)
	f.wantLife(m.ID)
	f.db.Do(f, func(t *room.Tx) error { return t.Write(bucket.Messages, m.ID[:], m) })
	f.wantLife(m.ID, EventAccepted)
	at := m.Accepted.Add(time.Hour)
	f.attempt(m, at)
	f.attempt(m, at) // in the same microsecond
	f.wantLife(m.ID, EventAccepted, EventAttempt, EventAttempt)
	f.db.Do(f, func(t *room.Tx) error { return t.Delete(bucket.Messages, m.ID[:]) })
	f.wantLife(m.ID, EventAccepted, EventAttempt, EventAttempt)
	f.db.Do(f, func(t *room.Tx) error { return f.Happened(t, &Event{ID: m.ID, Time: at}, nil) }) // it has no kind
	f.wantLife(m.ID, EventAccepted, EventAttempt, EventAttempt)
}

// Scan has the newest message first and the events of each in order, those in the spool too.
func TestTrace_Scan(t *testing.T) {
	f := open(t)
	for day := 1; day <= 6; day++ {
		m := messageOf(day)
		if day%2 == 0 {
			f.attempt(m, m.Accepted.Add(time.Minute))
			continue
		}
		f.db.Do(f, func(t *room.Tx) error { return t.Write(bucket.Messages, m.ID[:], m) })
	}
	scan := func(before spooled.ID, since time.Time) (got []string) {
		err := f.Scan(before, since, func(e *Event) error {
			got = append(got, fmt.Sprintf("%d %s", time.UnixMilli(int64(e.ID.Time())).UTC().Day(), e.Kind))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := []string{"5 accepted", "4 accepted", "4 attempt", "3 accepted"}
	if got := scan(messageOf(6).ID, messageOf(3).Accepted); !slices.Equal(got, want) {
		t.Errorf("scan %q, want %q", got, want)
	}
	if got := scan(spooled.ID{}, time.Time{}); len(got) != 9 || got[0] != "6 accepted" || got[8] != "1 accepted" {
		t.Errorf("scan of all %q", got)
	}
	stop := errors.New("enough")
	if err := f.Scan(spooled.ID{}, time.Time{}, func(*Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Scan = %v", err)
	}
}

// Prune takes the events and dialogues of old messages, however many, and none of others; the job
// is recorded with the last.
func TestTrace_Prune(t *testing.T) {
	f := open(t)
	old, recent := messageOf(1), messageOf(9)
	f.db.Do(f, func(t *room.Tx) error {
		for i := range 2*room.Step + 1 {
			e := &Event{ID: old.ID, Time: old.Accepted.Add(time.Duration(i) * time.Second), Kind: EventAttempt}
			if err := f.Happened(t, e, nil); err != nil {
				return err
			}
		}
		return errors.Join(f.Happened(t, &Event{ID: recent.ID, Time: recent.Accepted, Kind: EventAttempt}, nil),
			KeepDialogue(t, old.ID, &Dialogue{old.Accepted, "a.test", []byte("old\n")}), KeepDialogue(t, recent.ID, &Dialogue{recent.Accepted, "a.test", []byte("new\n")}))
	})
	n, err := f.Prune(recent.Accepted, "trace")
	if n != 2*room.Step+1 || err != nil || !slices.Equal(f.done, []string{"trace 2026-03-09"}) {
		t.Errorf("Prune = %d, %v; done %q", n, err, f.done)
	}
	f.wantLife(old.ID)
	f.wantLife(recent.ID, EventAttempt)
	for m, want := range map[*spooled.Message]int{old: 0, recent: 1} {
		if list, err := f.Dialogues(m.ID); len(list) != want || err != nil {
			t.Errorf("%d dialogues, %v; want %d", len(list), err, want)
		}
	}
}

// The last dialogues of a message are kept; what comes later in an attempt replaces its
// beginning, and one in which nothing was said is none.
func TestKeepDialogue(t *testing.T) {
	f, m := open(t), messageOf(3)
	keep := func(i int, line string) {
		f.db.Do(f, func(t *room.Tx) error {
			return KeepDialogue(t, m.ID, &Dialogue{m.Accepted.Add(time.Duration(i) * time.Hour), "a.test", []byte(line)})
		})
	}
	for i := range mostDialogues + 2 {
		keep(i, "begin\n")
		keep(i, fmt.Sprintf("end %d\n", i))
	}
	keep(9, "")
	list, err := f.Dialogues(m.ID)
	if err != nil || len(list) != mostDialogues {
		t.Fatalf("%d dialogues, %v", len(list), err)
	}
	for i, d := range list {
		if want := fmt.Sprintf("end %d\n", i+2); string(d.Lines) != want || d.Domain != "a.test" {
			t.Errorf("dialogue %d is %+v, want %q", i, d, want)
		}
	}
}
