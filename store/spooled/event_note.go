package spooled

// EventNote says more of a trace.Event than its kind does; report/words puts it into words. Of an
// operation by the operator it is the operation: "retry", "hold", "release" or "drop".
type EventNote string

const (
	NoteDSN       EventNote = "dsn"        // a DSN was queued, Event.Other
	NoteNoDSN     EventNote = "no-dsn"     // none was: the account has had Event.Sent in this hour
	NoteAbout     EventNote = "about"      // the message is a DSN about Event.Other
	NoteEnding    EventNote = "ending"     // the message is a warning that a term ends
	NoteWaits     EventNote = "waits"      // the message tells that first sendings wait
	NoteHeld      EventNote = "held"       // the message tells that mail is held at a provider
	NoteBounced   EventNote = "bounced"    // mail failed by the operator's override
	NoteTLSReport EventNote = "tls-report" // the message is a report on TLS
	NoteNews      EventNote = "news "      // before a news.Kind: the message tells of that
	NoteReturned  EventNote = "returned"   // the message came back to relay, and is passed on
	NoteLost      EventNote = "lost"       // the connection was lost after the final dot

	NoteOperator EventNote = "operator" // the message tells the operator of something
)
