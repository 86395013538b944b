package cli

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"relay/quota"
	"relay/store"
)

// spoolAt stores a message as if it were accepted then.
func spoolAt(t *testing.T, path string, then time.Time) store.ID {
	t.Helper()
	st, err := store.Open(path, store.Options{Now: func() time.Time { return then }})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	a := store.Account{Name: "acme"}
	if _, err := st.Account(a.Name); err != nil {
		if _, err := st.AddAccount(store.Order{}, store.NewAccount{Account: a, Plan: quota.Builtin()[0]}); err != nil {
			t.Fatal(err)
		}
	}
	b := st.NewBody()
	if _, err := b.Write([]byte("\r\n")); err != nil {
		t.Fatal(err)
	}
	m := &store.Message{Account: a.Name, Size: 2, Expires: then.Add(time.Hour),
		Recipients: []store.Recipient{{Address: "x@one.example", Domain: "one.example"}}}
	if no, err := st.Accept(store.Intake{Message: m, Body: b}); no != nil || err != nil {
		t.Fatalf("Accept = %+v, %v", no, err)
	}
	if _, _, err := st.Change(store.OpHold, []store.ID{b.ID()}); err != nil {
		t.Fatal(err)
	}
	return b.ID()
}

func TestRelay_pruneTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relay.db")
	now := time.Now()
	older := spoolAt(t, path, now.AddDate(0, 0, -40))
	old := spoolAt(t, path, now.AddDate(0, 0, -31))
	kept := spoolAt(t, path, now.AddDate(0, 0, -29))
	st, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	r := &relay{cfg: Default(), store: st, log: slog.New(slog.DiscardHandler)}
	if err := st.SetJob(pruneJob, store.JobState{Last: now.AddDate(0, 0, -45).Format(time.RFC3339)}); err != nil {
		t.Fatal(err)
	}
	r.pruneTrace(t.Context())
	r.pruneTrace(t.Context()) // again is nothing
	for id, want := range map[store.ID]int{older: 0, old: 0, kept: 2} {
		if got, err := st.Trace(id); len(got) != want || err != nil {
			t.Errorf("Trace(%s) = %d events, %v, want %d", id, len(got), err, want)
		}
	}
	if _, err := st.QueueMessage(older); err != nil {
		t.Errorf("the message itself: %v", err)
	}
}
