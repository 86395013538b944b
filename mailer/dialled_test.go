package mailer

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"relay/mailer/client"
	"relay/mailer/settings"
	"relay/store"
	"relay/store/spooled"
)

// killed is the store as a kill at this moment leaves it to the next start.
func (w *world) killed() *store.Store {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "killed.db")
	w.copied = path
	from, err := os.Open(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		w.t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		w.t.Fatal(err)
	}
	st, err := store.Open(path, store.Options{Now: w.store.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = st.Close() })
	return st
}

// Mail that waits for a connection, for longer than its claim lasts, has not been
// tried: not by the queue's word, and not for a start after a kill, which has it go
// at once. What a connection was made for has, and keeps its next try.
func TestMailer_WaitingCountsNoTry(t *testing.T) {
	slow := client.Timeouts{Greeting: 2 * time.Hour, Reach: 2 * time.Hour}
	inWorld(t, settings.Config{Connections: 1, Timeouts: slow}, func(w *world) {
		w.set(w.dead("tarpit.test"), &mx{name: "tarpit", say: func(*exchange) string { return hang }})
		h := w.host("example.test")
		tarred := w.send("you@tarpit.test")
		w.run(time.Second)
		var waiting []spooled.ID
		for range 3 {
			waiting = append(waiting, w.send("you@example.test"))
		}
		w.pass(time.Second)
		m, err := w.killed().Spool.QueueMessage(tarred)
		if r := m.Recipients[0]; err != nil || r.Tries != 1 || r.Next.Before(w.store.Now().Add(4*time.Minute)) {
			t.Errorf("dialled for and killed: %+v, %v, want one try, and the next in some five minutes", r, err)
		}
		w.pass(100 * time.Minute) // the retries after 5, 10, 20 and 40 minutes would be over
		for _, id := range waiting {
			if r := w.rcpt(id, 0); r.Tries != 0 || len(h.messages()) != 0 {
				t.Errorf("%d tries of what waited for a connection", r.Tries)
			}
		}

		st, now := w.killed(), w.store.Now()
		for _, id := range waiting {
			if m, err := st.Spool.QueueMessage(id); err != nil || m.Recipients[0].Next.After(now) {
				t.Errorf("after a kill: %+v, %v, want it due", m, err)
			}
		}

		w.pass(25 * time.Minute)
		if n := len(h.messages()); n != 3 {
			t.Errorf("%d delivered when there was a connection, want 3", n)
		}
	})
}

// What is tried in short order costs the store no word about it: attempts are noted
// as dialled only once they last.
func TestMailer_NotesDialsOfWhatLasts(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		w.start()
		w.pass(time.Second)
		before, _ := w.store.Commits()
		for range 10 {
			w.send("you@example.test")
			w.pass(time.Second)
		}
		after, _ := w.store.Commits()
		if n := after - before; n > 30 || len(h.messages()) != 10 {
			t.Errorf("%d transactions for %d messages, want three for each", n, len(h.messages()))
		}
	})
}
