package words

import (
	"fmt"
	"strings"
	"time"

	"relay/store"
)

// Event is the text of an event in the life of a message; "": its other fields say all.
func (Language) Event(e *store.Event) string {
	switch e.Note {
	case "":
		if e.Kind == store.EventSuppressed {
			return "not tried"
		}
		return e.Text
	case store.EventNote(store.OpRetry):
		return "retry asked for"
	case store.EventNote(store.OpHold):
		return "held"
	case store.EventNote(store.OpRelease):
		return "released"
	case store.EventNote(store.OpDrop):
		return "dropped"
	case store.NoteDSN:
		return "DSN queued as " + e.Other.String()
	case store.NoteNoDSN:
		return fmt.Sprintf("no DSN: the account has had %d in this hour", e.Sent)
	case store.NoteAbout:
		return "DSN about " + e.Other.String()
	case store.NoteBounced:
		return "failed by the operator's override"
	case store.NoteWaits:
		return "tells that mail waits for the daily limit of first sendings"
	case store.NoteHeld:
		return "tells that mail is held at a provider"
	case store.NoteOperator:
		return "notice to the operator"
	case store.NoteTLSReport:
		return "report on TLS to its domain"
	case store.NoteEnding:
		return "warning that the term ends"
	case store.NoteLost:
		return "the connection was lost after the final dot: the message may have been taken"
	}
	if kind, ok := strings.CutPrefix(string(e.Note), string(store.NoteNews)); ok {
		return "report: " + kind
	}
	return string(e.Note) // of a message from before: Own was a text
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
func (Language) Verdict(v *store.Verdict) string {
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
