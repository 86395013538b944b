package cli

import (
	"strings"
	"testing"
	"time"

	"relay/cli/proof"
	"relay/store"
)

func TestCall_writeTrace(t *testing.T) {
	st, err := proof.OpenStore(t.TempDir()+"/relay.db", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	id, _ := store.ParseID("01KASM2V3Q8X9YJ5T7Z1B4C6D8")
	events := []store.Event{
		{ID: id, Time: at, Kind: store.EventAccepted, Account: "acme", Sender: "a@acme.example", Size: 2340, Client: "192.0.2.1",
			MessageID: "<1@acme.example>", Recipients: []store.EventOutcome{{Address: "x@one.example"}, {Address: "y@one.example"}, {Address: "z@two.example"}}},
		{ID: id, Time: at.Add(time.Second), Kind: store.EventAttempt, Account: "acme", NextHop: "mx.one.example[192.0.2.25]:25", TLS: "TLS1.3", Millis: 120,
			Recipients: []store.EventOutcome{
				{Address: "x@one.example", State: store.Deferred, Reply: "451 4.7.1 later\x1b[2J", Next: at.Add(5 * time.Minute)},
				{Address: "y@one.example", State: store.Deferred, Reply: "451 4.7.1 later\x1b[2J", Next: at.Add(5 * time.Minute)}}},
		{ID: id, Time: at.Add(2 * time.Second), Kind: store.EventAttempt, Account: "acme", NextHop: "mx.two.example[192.0.2.26]:25",
			Recipients: []store.EventOutcome{{Address: "z@two.example", State: store.Delivered, Reply: "250 2.0.0 Ok: queued as 4F1B2C03D4"}}},
	}
	var b strings.Builder
	c := &call{program: &program{App: App{Stdout: &b}}, st: st}
	if err := c.writeTrace(events); err != nil {
		t.Fatal(err)
	}
	want := `message 01KASM2V3Q8X9YJ5T7Z1B4C6D8
2026-11-23 12:00:00  accepted  from a@acme.example, 2.3 kB, account acme, client
                               192.0.2.1, <1@acme.example>
    to x@one.example, y@one.example, z@two.example
2026-11-23 12:00:01  attempt   mx.one.example[192.0.2.25]:25, TLS1.3, 120 ms
    to x@one.example, y@one.example deferred: 451 4.7.1 later` + "\uFFFD" + `[2J (next try
      2026-11-23 12:05:00)
2026-11-23 12:00:02  attempt   mx.two.example[192.0.2.26]:25
    to z@two.example delivered: 250 2.0.0 Ok: queued as 4F1B2C03D4
      remote id 4F1B2C03D4
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	checkWidth(t, "trace", b.String())
}
