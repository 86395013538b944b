package content

import (
	"io"
	"sync"
	"time"

	"relay/smtp/align"
	"relay/smtp/wire"
)

// Submission is the content of a message that a customer hands over: the pass over it, and
// what the pass does to its header.
type Submission struct {
	Pass
	header
}

// Options of a submission.
type Options struct {
	Dots      bool           // dot-stuffed: DATA, not BDAT
	Max       int64          // octets of content
	MaxHeader int64          // octets of its header section
	Host      string         // our name
	With      string         // protocol (RFC 3848, RFC 6531 §4.3)
	ID        string         // of the message
	Now       time.Time      // in the zone to be shown
	Sender    string         // reverse-path; "": the null one
	Claims    *align.Message // takes what the header says of who sent the message; nil: nothing is gathered
}

var submissions = sync.Pool{New: func() any { return &Submission{} }}

// Submit begins a message that goes to w. Free gives it back.
func Submit(w io.Writer, o Options) *Submission {
	p := submissions.Get().(*Submission)
	p.header = header{of: o, open: true, before: p.before[:0], claims: claims{m: o.Claims}}
	p.W, p.Dots, p.Max, p.Header, p.Order = w, o.Dots, o.Max, p, faults
	p.Begin(p.appendTrace)
	return p
}

// Free forgets the message and keeps its memory for another one.
func (p *Submission) Free() {
	p.Release()
	p.header = header{before: p.before}
	if cap(p.before) > 4<<10 {
		p.before = nil
	}
	submissions.Put(p)
}

// MessageID is the value of the Message-ID, ours where the message had none.
func (p *Submission) MessageID() string { return string(p.msgID) }

// NoTLS reports whether the message may go out without TLS (RFC 8689 §5).
func (p *Submission) NoTLS() bool { return p.noTLS }

// Program is the beginning of the name of the program that wrote the message, as it names
// itself; "": it does not.
func (p *Submission) Program() string { return string(p.program) }

// faults of content; of several the first in this order is told.
var faults = []error{wire.ErrBareCR, wire.ErrNUL, wire.ErrLongLine, wire.ErrHeaderSize, wire.ErrLoop,
	errDiffer[fromField], errDiffer[dateField], errDiffer[subjectField], errDiffer[idField], ErrNoFrom, wire.ErrTooLarge}

// Replies for headers that fix-up cannot complete.
var (
	errTwice  = wire.Row(550, [3]int{5, 6, 0}, "the header may have one field of this name, and has several that differ: ") // RFC 5322 §3.6
	ErrNoFrom = wire.Row(550, [3]int{5, 6, 0}, "no From field, and no sender in the envelope to make it of: add one")       // RFC 6409 §8.1, RFC 5322 §3.6.2
)
