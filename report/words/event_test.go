package words

import (
	"testing"

	"relay/store"
)

func TestLanguage_Event(t *testing.T) {
	id, err := store.ParseID("01MBVVXD00P8C8KDB0GWQYF9CJ")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		is   store.Event
		want string
	}{
		{store.Event{}, ""},
		{store.Event{Text: "held"}, "held"}, // of a trace from before
		{store.Event{Note: "hold"}, "held"},
		{store.Event{Note: "retry"}, "retry asked for"},
		{store.Event{Note: "release"}, "released"},
		{store.Event{Note: "drop"}, "dropped"},
		{store.Event{Note: store.NoteDSN, Other: id}, "DSN queued as 01MBVVXD00P8C8KDB0GWQYF9CJ"},
		{store.Event{Note: store.NoteAbout, Other: id}, "DSN about 01MBVVXD00P8C8KDB0GWQYF9CJ"},
		{store.Event{Note: store.NoteNoDSN, Sent: 20}, "no DSN: the account has had 20 in this hour"},
		{store.Event{Note: store.NoteBounced}, "failed by the operator's override"},
		{store.Event{Note: store.NoteWaits}, "tells that mail waits for the daily limit of first sendings"},
		{store.Event{Note: store.NoteHeld}, "tells that mail is held at a provider"},
		{store.Event{Note: store.NoteNews + "overage-step"}, "report: overage-step"},
		{store.Event{Note: store.NoteOperator}, "notice to the operator"},
		{store.Event{Note: store.NoteEnding}, "warning that the term ends"},
		{store.Event{Note: "warning that the term ends"}, "warning that the term ends"},
		{store.Event{Note: store.NoteLost}, "the connection was lost after the final dot: the message may have been taken"},
	} {
		if got := English.Event(&x.is); got != x.want {
			t.Errorf("Event(%+v) = %q, want %q", x.is, got, x.want)
		}
	}
}
