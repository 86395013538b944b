package words

import (
	"testing"

	"relay/store/spooled"
	"relay/store/trace"
)

func TestLanguage_Event(t *testing.T) {
	id, err := spooled.ParseID("01MBVVXD00P8C8KDB0GWQYF9CJ")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		is   trace.Event
		want string
	}{
		{trace.Event{}, ""},
		{trace.Event{Text: "held"}, "held"}, // of a trace from before
		{trace.Event{Note: "hold"}, "held"},
		{trace.Event{Note: "retry"}, "retry asked for"},
		{trace.Event{Note: "release"}, "released"},
		{trace.Event{Note: "drop"}, "dropped"},
		{trace.Event{Note: spooled.NoteDSN, Other: id}, "DSN queued as 01MBVVXD00P8C8KDB0GWQYF9CJ"},
		{trace.Event{Note: spooled.NoteAbout, Other: id}, "DSN about 01MBVVXD00P8C8KDB0GWQYF9CJ"},
		{trace.Event{Note: spooled.NoteNoDSN, Sent: 20}, "no DSN: the account has had 20 in this hour"},
		{trace.Event{Note: spooled.NoteBounced}, "failed by the operator's override"},
		{trace.Event{Note: spooled.NoteWaits}, "tells that mail waits for the daily limit of first sendings"},
		{trace.Event{Note: spooled.NoteHeld}, "tells that mail is held at a provider"},
		{trace.Event{Note: spooled.NoteNews + "overage-step"}, "report: overage-step"},
		{trace.Event{Note: spooled.NoteOperator}, "notice to the operator"},
		{trace.Event{Note: spooled.NoteEnding}, "warning that the term ends"},
		{trace.Event{Note: "warning that the term ends"}, "warning that the term ends"},
		{trace.Event{Note: spooled.NoteReturned}, "mail that came back, passed on"},
		{trace.Event{Kind: trace.EventBounced, Reporter: "x.test"}, "came back after it was delivered, says x.test"},
		{trace.Event{Kind: trace.EventComplained}, "reported as spam"},
		{trace.Event{Note: spooled.NoteLost}, "the connection was lost after the final dot: the message may have been taken"},
	} {
		if got := English.Event(&x.is); got != x.want {
			t.Errorf("Event(%+v) = %q, want %q", x.is, got, x.want)
		}
	}
}
