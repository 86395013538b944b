// Package returned reads the mail that comes back: bounces, delay notices, complaints of
// feedback loops, automatic answers, receipts. It says what a mail reports and of which
// original; what follows from that is decided elsewhere. It is pure: it knows no store and
// asks no network.
//
//  1. walk goes through the parts of the mail line by line and keeps only what counts:
//     some header fields, the first text, the fields of a report, the header of the
//     original. Depth, parts and octets of each are limited, so a mail of any size and
//     shape costs the same memory, and time that grows with its size only.
//  2. A report for programs (RFC 3464, RFC 5965, RFC 8098) is believed first.
//  3. Without one, the text is compared with the forms that known programs write (forms.go).
//  4. Mail that is still not understood is Other and has no reports: nothing may follow from it.
//
// Only a failure that is final counts as hard: the action is failed, and the status 5.x.x or
// a text that is known to mean as much.
package returned

import "io"

// Kind is what a mail that came back is.
type Kind uint8

// The kinds. Other is all mail that is not understood.
const (
	Other     Kind = iota
	Bounce         // at least one recipient failed
	Delay          // the host that reports still tries
	Delivered      // delivered, relayed or expanded: a DSN that somebody asked for
	Complaint      // a recipient, or an abuse desk's program, calls the original unwanted
	AutoReply      // an absence, a confirmation of receipt: written by a program
	Receipt        // a disposition notification (RFC 8098)
	Challenge      // wants the sender to prove that he is a person
)

var kindNames = [...]string{"other", "bounce", "delay", "delivered", "complaint", "auto-reply", "receipt", "challenge"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Other]
}

// Mail is what a mail says that came back.
type Mail struct {
	Kind         Kind
	Shape        string // form that it has: "rfc3464", "arf", "qmail", "exim" …; "": none that is known
	From         string // address in its From field; "": none can be read
	Subject      string // decoded
	OwnMessageID string // with brackets; "": it has none
	Auto         bool   // a program wrote it: such mail is never answered

	MessageID string    // of the original, with brackets; "": not in it
	Reports   []Report  // a recipient each, at most 100; of a complaint only the addresses are known
	Complaint *Feedback // of kind Complaint; may be empty
}

// Report is what a mail says of one recipient.
type Report struct {
	Recipient  string // address that failed, or was delivered to; "": not given as a mail address
	Original   string // address that the original was sent to, if it is another and the report says so
	Action     string // failed, delayed, delivered, relayed, expanded; "": a complaint
	Status     string // enhanced status code, as 5.1.1; "": none given
	Diagnostic string // reply or reason, with its code first if there is one; one line
	RemoteMTA  string // host that replied; "": not given
	Hard       bool   // failed for good
}

// Feedback is what a complaint says (RFC 5965 §3). Empty members were not given or masked.
type Feedback struct {
	Type             string // abuse, fraud, virus, opt-out, other
	UserAgent        string
	OriginalMailFrom string
	OriginalRcptTo   string
	SourceIP         string
	ReportedDomain   string
	Arrival          string // as written
	Incidents        int    // 1 where it does not say
}

// Limits. All that is kept of a mail is some 64 KB.
const (
	maxReports = 100
	maxDepth   = 12       // open multiparts
	maxParts   = 200      // parts and nested messages
	maxText    = 16 << 10 // octets of the text
	maxStatus  = 40 << 10 // octets of all fields of a report together
	maxHeader  = 12 << 10 // octets of fields that are kept of one header section
	maxField   = 2 << 10  // octets of one field
	maxFields  = 100      // of one header section or group
	maxReply   = 1000     // octets of Diagnostic
	maxRead    = 64 << 20 // octets that are looked at
)

// Read says what a mail reports. It stops reading once it knows. The error is r's; a mail that
// is no report, or broken, is none.
func Read(r io.Reader) (*Mail, error) {
	found, err := walk(r)
	if err != nil {
		return nil, err
	}
	return found.mail(), nil
}
