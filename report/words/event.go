package words

import (
	"fmt"

	"relay/store"
)

// Event is the text of an event in the life of a message; "": its other fields say all.
func (Language) Event(e *store.Event) string {
	switch e.Note {
	case "":
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
	case store.NoteEnding:
		return "warning that the term ends"
	case store.NoteLost:
		return "the connection was lost after the final dot: the message may have been taken"
	}
	return string(e.Note) // of a message from before: Own was a text
}
