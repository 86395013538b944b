package client

// Stage is the part of a session in which something happened.
type Stage uint8

// The stages, in order. Connect is the caller's dial.
const (
	StageConnect Stage = iota
	StageGreeting
	StageHello
	StageStartTLS
	StageHandshake
	StageAuth
	StageReset
	StageMail
	StageRcpt
	StageData
	StageContent
	StageEnd
	StageQuit
)

var stageNames = [...]string{"connect", "greeting", "EHLO", "STARTTLS", "TLS handshake", "AUTH",
	"RSET", "MAIL", "RCPT", "DATA", "content", "end", "QUIT"}

// String is the command, or a word for what is none.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return "unknown"
}

// Outcome is what became of one recipient. The class of Reply decides:
// Reply.Delivered, Reply.Temporary or Reply.Permanent.
type Outcome struct {
	Reply Reply
	Stage Stage // where Reply came, or what Local refused to do
	Local bool  // Reply is our own word, not the next hop's
}

// Result is what became of a transaction.
type Result struct {
	// Rcpts has one Outcome for each of Envelope.Rcpts, in their order, also
	// when the connection was lost: who had no final reply by then is deferred.
	// With Envelope.Whole, those who were not refused themselves have no reply.
	Rcpts []Outcome

	// Err is set when the connection is gone; the Client is closed then. With
	// Stage StageMail (or StageReset) nothing of this transaction was
	// answered: on a connection that had been idle, the next hop has most
	// likely closed it, and a new one may be tried at once.
	Err *ConnError

	// Odd is set when the reason may be the way in which the message was sent: its
	// commands behind the end of another one, its content by BDAT, or both. Either all
	// recipients were refused, by a reply that is hardly about the message or is the
	// first one to what came so; or the connection was lost when it was tried for the
	// first time there. With Options.OneByOne it may fare better, and unless Uncertain,
	// nobody has it.
	Odd bool

	Dialogue string // what was said, as lines, where not all recipients were reached; without the content

	Pipelined bool  // lost without a word while the replies to several commands were to come
	Told      int   // index of the recipient at whose RCPT the connection was lost; -1: none
	Uncertain bool  // lost between the final dot and its reply: may have been delivered (RFC 1047)
	Octets    int64 // of content that were sent, dots doubled
}
