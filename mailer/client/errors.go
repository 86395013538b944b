package client

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"relay/store/mailsyntax"
)

// Causes inside a ConnError.
var (
	ErrNoTLS       = errors.New("client: the next hop does not offer STARTTLS")                              // with TLSRequired
	ErrNoAuth      = errors.New("client: the next hop offers neither PLAIN nor LOGIN")                       // with Options.Auth
	ErrInsecure    = errors.New("client: no login without TLS")                                              // with Options.Auth
	ErrProtocol    = errors.New("client: not an SMTP reply")                                                 // nonsense instead of a reply, or one nobody asked for
	ErrReplyLength = errors.New("client: reply is too long")                                                 // above 100 lines or 64 KiB
	ErrSlow        = errors.New("client: the next hop takes the content too slowly")                         // below Timeouts.MinRate
	ErrContent     = errors.New("client: content cannot be read")                                            // our own fault: wraps what the reader said
	ErrInterrupted = errors.New("client: slow while all connections were in use, it gave way to other mail") // by Interrupt
	ErrBareCR      = errors.New("client: content has a CR that is not part of a CRLF")                       // the message's fault
)

// ConnError says why a connection cannot be used (any longer).
type ConnError struct {
	Stage Stage
	Reply Reply // what the next hop said, where it said something: 421 anywhere, a refusal before the first transaction
	Err   error // else what happened

	Secure bool // it happened under TLS

	Dialogue string // of New: what was said until then, as lines; without what logs in
}

// Closed reports that the next hop closed the connection without a word.
func (e *ConnError) Closed() bool {
	if e.Reply.Code != 0 || e.Err == nil {
		return false
	}
	return closed(e.Err) || errors.Is(e.Err, syscall.ECONNRESET) || errors.Is(e.Err, syscall.EPIPE)
}

// Error names the stage and the cause.
func (e *ConnError) Error() string {
	if e.Reply.Code != 0 {
		return e.Stage.String() + ": " + e.Reply.String()
	}
	return e.Stage.String() + ": " + cause(e.Err)
}

// cause puts err into words for a log or a DSN: without our own addresses and
// the names of packages.
func cause(err error) string {
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return "no answer in time"
	}
	if closed(err) {
		return "connection closed"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		return OneLine(strings.TrimPrefix(op.Err.Error(), "connect: "))
	}
	return OneLine(strings.TrimPrefix(err.Error(), "client: "))
}

// OneLine is the text of an error for replies, traces and dialogues: one printable line, not
// long. Next hops write parts of it: the names in a certificate may hold line ends, and tens
// of thousands of octets.
func OneLine(s string) string {
	const most = 500 // octets
	return mailsyntax.Line(mailsyntax.Shorten(s, most))
}

func closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// Unwrap is the cause, nil where the next hop gave its reasons itself.
func (e *ConnError) Unwrap() error { return e.Err }

// Status is what to note for a recipient that e has stopped: the next hop's
// reply, or one of our own with the fitting enhanced code, always temporary then
// except for a message that nobody can send (ErrBareCR).
func (e *ConnError) Status() Reply {
	if e.Reply.Code != 0 {
		return e.Reply
	}
	switch {
	case errors.Is(e.Err, ErrBareCR):
		return local(554, 5, 6, 0, "the message has a bare CR and cannot be sent")
	case errors.Is(e.Err, ErrContent):
		return local(451, 4, 3, 0, "local error")
	case errors.Is(e.Err, ErrProtocol), errors.Is(e.Err, ErrReplyLength):
		return local(451, 4, 5, 0, e.Error())
	case errors.Is(e.Err, ErrInterrupted):
		return local(451, 4, 4, 5, e.Error()) // RFC 3463 §3.5: congestion
	case errors.Is(e.Err, ErrNoTLS):
		return local(451, 4, 7, 10, e.Error())
	case errors.Is(e.Err, ErrNoAuth), errors.Is(e.Err, ErrInsecure):
		return local(451, 4, 7, 0, e.Error())
	case e.Stage == StageHandshake:
		return local(451, 4, 7, 5, e.Error())
	case e.Stage == StageConnect:
		return local(451, 4, 4, 1, e.Error())
	}
	return local(451, 4, 4, 2, e.Error())
}
