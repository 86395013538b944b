package words

import (
	"fmt"
	"strings"
	"time"

	"relay/store/mailreply"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// Event is the text of an event in the life of a message; "": its other fields say all.
func (Language) Event(e *trace.Event) string {
	switch e.Note {
	case "":
		return plainEvent(e)
	case spooled.EventNote(spool.OpRetry):
		return "retry asked for"
	case spooled.EventNote(spool.OpHold):
		return "held"
	case spooled.EventNote(spool.OpRelease):
		return "released"
	case spooled.EventNote(spool.OpDrop):
		return "dropped"
	case spooled.NoteDSN:
		return "DSN queued as " + e.Other.String()
	case spooled.NoteNoDSN:
		return fmt.Sprintf("no DSN: the account has had %d in this hour", e.Sent)
	case spooled.NoteAbout:
		return "DSN about " + e.Other.String()
	case spooled.NoteBounced:
		return "failed by the operator's override"
	case spooled.NoteWaits:
		return "tells that mail waits for the daily limit of first sendings"
	case spooled.NoteHeld:
		return "tells that mail is held at a provider"
	case spooled.NoteOperator:
		return "notice to the operator"
	case spooled.NoteTLSReport:
		return "report on TLS to its domain"
	case spooled.NoteEnding:
		return "warning that the term ends"
	case spooled.NoteReturned:
		return "mail that came back, passed on"
	case spooled.NoteLost:
		return "the connection was lost after the final dot: the message may have been taken"
	}
	if kind, ok := strings.CutPrefix(string(e.Note), string(spooled.NoteNews)); ok {
		return "report: " + kind
	}
	return string(e.Note) // of a message from before: Own was a text
}

// plainEvent is the text of an event without a note.
func plainEvent(e *trace.Event) string {
	by := If(e.Reporter != "", ", says "+e.Reporter)
	switch e.Kind {
	case trace.EventSuppressed:
		return "not tried"
	case trace.EventBounced:
		return "came back after it was delivered" + by
	case trace.EventComplained:
		return "reported as spam" + by
	}
	return e.Text
}

// Actor is who an entry of the ledger was made by, for people: root has no number.
func Actor(by string) string {
	if by == "uid 0" {
		return "root"
	}
	return by
}

// ClockStands says that the books stand still at a time, because the clock showed
// another one that was plainly wrong.
func ClockStands(stands, wall time.Time, zone *time.Location) string {
	return fmt.Sprintf("the clock was plainly wrong (%s), the books stand still at %s", Stamp(wall, zone), Stamp(stands, zone))
}

// Verdict is in a few words what a reply means; "": nothing is known.
func (Language) Verdict(v *mailreply.Verdict) string {
	if v.Category == "" {
		return ""
	}
	text := v.Category
	if v.Stage != "" {
		text += " at " + v.Stage
	}
	text += ", blame: " + v.Blame
	if v.Rule != "" {
		text += ", rule " + v.Rule
	}
	return text
}
