// Package dsn builds delivery status notifications (RFC 3464): a text for
// people, a delivery-status for programs, and the original or its header.
//
// It is pure: no I/O, no clock. With UTF-8 addresses it builds the
// internationalized form (RFC 6533). Nothing in a returned message can break
// the structure, and no line is longer than 998 octets.
//
// A notification stays 7-bit as far as its parts allow, so that it arrives where
// 8BITMIME is unknown. It has UTF-8 in its own header, and needs SMTPUTF8, only
// if the address that it goes to has.
package dsn

import (
	"time"

	"relay/store/mailsyntax"
)

// Action is what became of a recipient (RFC 3464 §2.3.3).
type Action string

// The actions that relay reports.
const (
	Failed    Action = "failed"    // refused, or given up
	Delayed   Action = "delayed"   // will be tried again
	Delivered Action = "delivered" // in the mailbox
	Relayed   Action = "relayed"   // taken by a host that does not report further
)

// Params describe one notification.
type Params struct {
	Hostname  string    // ours: Reporting-MTA, and the domain of From and Message-ID
	Date      time.Time // of the notification; its zone is written
	MessageID string    // of the notification, with brackets; "": made up, unique
	To        string    // the original's reverse-path, as on the wire

	EnvID      string    // of the original, decoded; "" none
	Arrived    time.Time // when we took the original; zero: not said
	OriginalID string    // its Message-ID with brackets; "" none

	// Original is the original, or at least its header; see ReadHeader.
	Original []byte
	Full     bool // return all of Original, not only its header

	Recipients []Recipient
}

// Recipient is one recipient's part of a notification.
type Recipient struct {
	Address     string    // as on the wire
	ORCPT       string    // "rfc822;user@example", decoded; "" none
	Action      Action    // see there
	Status      string    // "5.1.1"; "": after the action
	RemoteMTA   string    // name of the host that said Reply; "": it is our own word
	Reply       string    // the host's reply on one line, "550 5.1.1 no such user", or our own reason
	Expired     bool      // failed because its time ran out; Reply is the last one
	Dropped     bool      // failed because the operator removed it; Reply says so
	Suppressed  time.Time // failed because it was not tried: suppressed since then, by Reply; zero: it was tried
	LastAttempt time.Time // zero: none
	RetryUntil  time.Time // of Delayed; zero: not said
}

// Notice is a finished notification.
type Notice struct {
	MessageID string // with brackets
	Content   []byte // header and body, CRLF
	EightBit  bool   // it has octets above 127
	SMTPUTF8  bool   // its header has, so that it can only go to hosts with SMTPUTF8
}

// Build makes the notification that p describes.
func Build(p Params) Notice {
	n := Notice{MessageID: p.MessageID, SMTPUTF8: !mailsyntax.IsASCII(p.To)}
	if n.MessageID == "" {
		n.MessageID = newMessageID(p.Hostname)
	}
	parts := []part{p.text(n.SMTPUTF8), p.status(n.SMTPUTF8), p.returned(n.SMTPUTF8)}
	n.Content = p.assemble(n.MessageID, parts)
	n.EightBit = !mailsyntax.IsASCII(n.Content)
	return n
}

// status is the enhanced code of a recipient, one after its action where none is known.
func (r *Recipient) status() string {
	switch {
	case r.Status != "":
		return r.Status
	case r.Action == Delivered, r.Action == Relayed:
		return "2.0.0"
	case !r.Suppressed.IsZero():
		return "5.7.1"
	case r.Expired:
		return "4.4.7"
	case r.Action == Delayed:
		return "4.0.0"
	}
	return "5.0.0"
}
