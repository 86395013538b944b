package mail

import (
	"strings"
	"testing"
	"time"

	"relay/cli/shell"
	api "relay/report/api/mail"
	"relay/store/spooled"
	"relay/store/trace"
)

// Each event is one line, and whole for what is not a terminal.
func TestTraceView_line(t *testing.T) {
	id, _ := spooled.ParseID("01KASM2V3Q8X9YJ5T7Z1B4C6D8")
	to := func(address string, state spooled.State, reply string) api.Outcome {
		return api.Outcome{EventOutcome: trace.EventOutcome{Address: address, State: state, Reply: reply}}
	}
	x, y := to("x@one.example", spooled.Delivered, "250 ok\n"), to("y@one.example", spooled.Deferred, "451 later")
	for _, c := range []struct {
		e    api.Event
		want string
	}{
		{api.Event{Kind: trace.EventAccepted, Account: "acme", Recipients: []api.Outcome{x}}, "accepted   <> → x@one.example, 0 B, account acme"},
		{api.Event{Kind: trace.EventAttempt, Recipients: []api.Outcome{x}}, "delivered  x@one.example: 250 ok"},
		{api.Event{Kind: trace.EventAttempt, Recipients: []api.Outcome{y, y}}, "deferred   y@one.example and 1 more: 451 later"},
		{api.Event{Kind: trace.EventAttempt, Recipients: []api.Outcome{x, y}}, "attempt    x@one.example and 1 more: 1 delivered, 1 deferred"},
		{api.Event{Kind: trace.EventChanged, Text: "held", Recipients: []api.Outcome{y}}, "held       y@one.example"},
		{api.Event{Kind: trace.EventChanged, Text: "retry asked for", Recipients: []api.Outcome{y}}, "retry      y@one.example"},
		{api.Event{Kind: trace.EventNotice, Text: "DSN queued"}, "notice     DSN queued"},
	} {
		var b strings.Builder
		c.e.ID, c.e.Time = id, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		if err := (traceView{&shell.Env{Stdout: &b, Service: utc{}}}).line(&c.e); err != nil {
			t.Fatal(err)
		}
		if got, want := b.String(), "12:00:00  "+id.String()+"  "+c.want+"\n"; got != want {
			t.Errorf("line\n%swant\n%s", got, want)
		}
	}
}
