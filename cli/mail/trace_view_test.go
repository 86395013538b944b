package mail

import (
	"strings"
	"testing"
	"time"

	"relay/cli/shell"
	api "relay/report/api/mail"
	"relay/store/mailreply"
	"relay/store/spooled"
	"relay/store/trace"
)

func TestTraceView_life(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	id, _ := spooled.ParseID("01KASM2V3Q8X9YJ5T7Z1B4C6D8")
	greylisted := mailreply.Verdict{Category: "Greylisted", Blame: "pacing", Rule: "mine", Stage: "RCPT"}
	events := []api.Event{
		{ID: id, Time: at, Kind: trace.EventAccepted, Account: "acme", Sender: "a@acme.example", Size: 2340, Client: "192.0.2.1",
			MessageID: "<1@acme.example>", Recipients: []api.Outcome{{EventOutcome: trace.EventOutcome{Address: "x@one.example"}}, {EventOutcome: trace.EventOutcome{Address: "y@one.example"}}, {EventOutcome: trace.EventOutcome{Address: "z@two.example"}}}},
		{ID: id, Time: at.Add(time.Second), Kind: trace.EventAttempt, Account: "acme", NextHop: "mx.one.example[192.0.2.25]:25", TLS: "TLS1.3", Millis: 120,
			Recipients: []api.Outcome{
				{EventOutcome: trace.EventOutcome{Address: "x@one.example", State: spooled.Deferred, Reply: "451 4.7.1 later\x1b[2J", Verdict: greylisted, Next: at.Add(5 * time.Minute)}},
				{EventOutcome: trace.EventOutcome{Address: "y@one.example", State: spooled.Deferred, Reply: "451 4.7.1 later\x1b[2J", Verdict: greylisted, Next: at.Add(5 * time.Minute)}}}},
		{ID: id, Time: at.Add(2 * time.Second), Kind: trace.EventAttempt, Account: "acme", NextHop: "mx.two.example[192.0.2.26]:25",
			Recipients: []api.Outcome{{EventOutcome: trace.EventOutcome{Address: "z@two.example", State: spooled.Delivered, Reply: "250 2.0.0 Ok: queued as 4F1B2C03D4"}, RemoteID: "4F1B2C03D4"}}},
		{ID: id, Time: at.Add(3 * time.Second), Kind: trace.EventSuppressed, Account: "acme", Text: "not tried",
			Recipients: []api.Outcome{{EventOutcome: trace.EventOutcome{Address: "old@two.example", State: spooled.Suppressed, Reply: "550 5.1.1 unknown", Verdict: mailreply.Verdict{Category: "InvalidRecipient", Blame: "recipient"}, Since: at.AddDate(0, -1, 0)}}}},
		{ID: id, Time: at.Add(time.Hour), Kind: trace.EventBounced, Account: "acme", NextHop: "mx.three.example", Text: "came back after it was delivered, says three.example",
			Recipients: []api.Outcome{{EventOutcome: trace.EventOutcome{Address: "z@two.example", Reply: "550 5.1.1 unknown", Named: "zoe@three.example"}}}},
		{ID: id, Time: at.Add(2 * time.Hour), Kind: trace.EventComplained, Account: "acme", Text: "reported as spam, says two.example",
			Recipients: []api.Outcome{{EventOutcome: trace.EventOutcome{Named: "zoe@three.example"}}}},
	}
	var b strings.Builder
	v := traceView{&shell.Env{Stdout: &b, Service: utc{}}}
	if err := v.life(events, false); err != nil {
		t.Fatal(err)
	}
	want := `message 01KASM2V3Q8X9YJ5T7Z1B4C6D8
2026-11-23 12:00:00  accepted  from a@acme.example, 2.3 KB, account acme, client
                               192.0.2.1, <1@acme.example>
    to x@one.example, y@one.example, z@two.example
2026-11-23 12:00:01  attempt   mx.one.example[192.0.2.25]:25, TLS1.3, 120 ms
    to x@one.example, y@one.example deferred: 451 4.7.1 later` + "\uFFFD" + `[2J (next try
      2026-11-23 12:05:00)
      Greylisted at RCPT, blame: pacing, rule mine
2026-11-23 12:00:02  attempt   mx.two.example[192.0.2.26]:25
    to z@two.example delivered: 250 2.0.0 Ok: queued as 4F1B2C03D4
      remote id 4F1B2C03D4
2026-11-23 12:00:03  suppressed  not tried
    to old@two.example suppressed: 550 5.1.1 unknown (suppressed since
      2026-10-23 12:00:00)
      InvalidRecipient, blame: recipient
2026-11-23 13:00:00  bounced   mx.three.example, came back after it was
                               delivered, says three.example
    to z@two.example, named as zoe@three.example: 550 5.1.1 unknown
2026-11-23 14:00:00  complained  reported as spam, says two.example
    to one of its recipients, named as zoe@three.example
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	checkWidth(t, "trace", b.String())
}

// utc is a service that asks nobody.
type utc struct{ shell.Service }

func (utc) Zone() *time.Location { return time.UTC }

func TestTraceView_missed(t *testing.T) {
	var b strings.Builder
	v := traceView{&shell.Env{Stdout: &b}}
	for _, n := range []int{1, 12345} {
		if err := v.missed(n); err != nil {
			t.Fatal(err)
		}
	}
	want := "… 1 event missed: they came faster than they were read\n… 12,345 events missed: they came faster than they were read\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
