package spooled

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"relay/store/mailreply"
	"relay/store/signing"
)

// ID names a message, its body and its trace; it sorts by time of acceptance.
type ID = ulid.ULID

// ParseID reads the 26 characters that a reply, a log line or a list shows.
func ParseID(s string) (ID, error) { return ulid.ParseStrict(s) }

// State is where one recipient's copy stands.
type State string

const (
	Queued    State = "queued"    // not tried yet
	Deferred  State = "deferred"  // tried, will be tried again
	Delivered State = "delivered" // a next hop took it
	Failed    State = "failed"    // refused for good, or cannot be sent as it is
	Expired   State = "expired"   // given up after its time
	Dropped   State = "dropped"   // removed by the operator

	Suppressed State = "suppressed" // not tried: see refusals.Suppression
)

// Final reports whether the recipient needs no further attempt.
func (s State) Final() bool { return s != Queued && s != Deferred }

// Notify are the DSN conditions of a recipient (RFC 3461 §4.1); zero means
// none was asked for: failure only.
type Notify uint8

const (
	NotifyNever Notify = 1 << iota
	NotifySuccess
	NotifyFailure
	NotifyDelay
)

// Recipient is one forward-path of a message with its own state.
type Recipient struct {
	Address string            `json:"addr"`   // as it goes on the wire, without brackets: local part quoted where needed
	Domain  string            `json:"domain"` // next-hop domain: lower case A-labels, or an address literal in brackets
	State   State             `json:"state"`
	Held    bool              `json:"held,omitempty"`  // stopped by the operator until released
	Tries   int               `json:"tries,omitempty"` // attempts that have ended
	Next    time.Time         `json:"next,omitzero"`   // next attempt is due; those of a domain that are tried together share it
	Reply   string            `json:"reply,omitempty"` // the last thing a next hop said, or why none was reached
	Verdict mailreply.Verdict `json:"verdict,omitzero"`
	Notify  Notify            `json:"notify,omitempty"`
	ORCPT   string            `json:"orcpt,omitempty"`   // original recipient, "rfc822;user@example", decoded
	First   FirstSending      `json:"first,omitempty"`   // whether the cap of first sendings holds it back
	Delayed bool              `json:"delayed,omitempty"` // a delay DSN was sent or is not wanted
	DSN     *DSN              `json:"dsn,omitempty"`     // what the sender is still to be told; nil: nothing
}

// WantsFailure reports whether the sender is to hear of a failure: unless it
// said otherwise.
func (r *Recipient) WantsFailure() bool { return r.Notify == 0 || r.Notify&NotifyFailure != 0 }

// Message is the envelope of a message in the spool. Bucket "messages", key
// ID, JSON. It is there exactly as long as one of its recipients is not final,
// and its body lies in bucket "bodies" under the same ID.
type Message struct {
	ID         ID                `json:"id"`
	Account    string            `json:"account"`          // "": relay's own mail, which waits behind no account's mail and under no account's hold
	For        string            `json:"for,omitempty"`    // account that mail without one is about; "": none
	Period     string            `json:"period,omitempty"` // what it was charged to; "" for relay's own mail, which is free
	Sender     string            `json:"sender"`           // reverse-path as on the wire; "" is the null reverse-path
	Size       int64             `json:"size"`             // octets of content as handed over: what is charged
	Stored     int64             `json:"stored"`           // octets of the body as stored and sent
	Accepted   time.Time         `json:"accepted"`
	Expires    time.Time         `json:"expires"`              // no attempt fails later than this without being the last
	MessageID  string            `json:"message_id,omitempty"` // header field, with brackets
	EnvID      string            `json:"envid,omitempty"`      // decoded
	Ret        string            `json:"ret,omitempty"`        // FULL, HDRS or ""
	EightBit   bool              `json:"8bit,omitempty"`       // the content has octets above 127
	SMTPUTF8   bool              `json:"smtputf8,omitempty"`   // the client asked for it
	RequireTLS bool              `json:"requiretls,omitempty"`
	VERP       bool              `json:"verp,omitempty"`         // its reverse-path is a token of its own for each recipient, see delivered.Token
	NoTLSTerms bool              `json:"no_tls_terms,omitempty"` // its header says TLS-Required: No (RFC 8689 §5)
	Client     string            `json:"client,omitempty"`       // address of the mail program, for the trace
	Login      string            `json:"login,omitempty"`        // that handed it over; "": a known network, or relay
	About      ID                `json:"about,omitzero"`         // of a DSN: the message it tells about
	Own        EventNote         `json:"own,omitempty"`          // of other mail of relay's own: what it is
	Traced     bool              `json:"traced,omitempty"`       // the event of its acceptance lies in the trace
	BodyHash   []byte            `json:"body_hash,omitempty"`    // see bodyhash; nil: nobody signs it
	Signature  signing.Signature `json:"signature,omitzero"`     // as it was made at the first attempt; zero: none
	Prolonged  time.Time         `json:"prolonged,omitzero"`     // until when Expires knows of suspensions of the account and holds of its login
	DSNDue     time.Time         `json:"dsn_due,omitzero"`       // when the sender is told what its recipients' DSN fields say; zero: they say nothing
	Recipients []Recipient       `json:"recipients"`

	index map[string]int // of many recipients, by mailbox; nil: not made
}

// Copy has recipients of its own, and nothing that the record of m does not have.
func (m *Message) Copy() Message {
	c := *m
	c.Recipients, c.index = slices.Clone(m.Recipients), nil
	return c
}

// Never is the due time of what is held.
var Never = time.UnixMilli(math.MaxInt64 / 4).UTC()

// Domains of the recipients that are not final, each once, in order of appearance.
func (m *Message) Domains() []string {
	var all []string
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if !r.State.Final() && !slices.Contains(all, r.Domain) {
			all = append(all, r.Domain)
		}
	}
	return all
}

// Pending are the indices of the recipients at domain that are not final.
func (m *Message) Pending(domain string) []int {
	var all []int
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.Domain == domain && !r.State.Final() {
			all = append(all, i)
		}
	}
	return all
}

// Due is when the first of the domain's recipients may be tried next, and whether
// any is left. What is held is never due.
func (m *Message) Due(domain string) (at time.Time, left bool) {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Domain != domain || r.State.Final() {
			continue
		}
		next := r.Next
		if r.Held {
			next = Never
		}
		if !left || next.Before(at) {
			at, left = next, true
		}
	}
	return at, left
}

// Ready are the indices of the domain's recipients that may be tried at that time.
func (m *Message) Ready(domain string, at time.Time) []int {
	return slices.DeleteFunc(m.Pending(domain), func(i int) bool {
		r := &m.Recipients[i]
		return r.Held || r.Next.Truncate(time.Millisecond).After(at) // as in the queue's key
	})
}

// Done reports whether every recipient is final.
func (m *Message) Done() bool {
	for i := range m.Recipients {
		if !m.Recipients[i].State.Final() {
			return false
		}
	}
	return true
}

// Whose is the account that the message belongs to, or that mail of relay's own is about.
func (m *Message) Whose() string { return cmp.Or(m.Account, m.For) }

// OfRelay reports whether the message is relay's own.
func (m *Message) OfRelay() bool { return m.Period == "" }

// Untold reports whether there is anything left to tell the sender.
func (m *Message) Untold() bool {
	for i := range m.Recipients {
		if m.Recipients[i].DSN != nil {
			return true
		}
	}
	return false
}

// Returnable reports whether what comes back of a message may come by way of relay: not where
// nothing comes back, and not where the sender wants TLS all the way back too (RFC 8689 §5).
func (m *Message) Returnable() bool { return m.Sender != "" && !m.RequireTLS }
