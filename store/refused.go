package store

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"relay/store/bolt"
)

// The list of errors of an account has each recipient that its mail was given up for:
//
//  1. Settle enters the failed and expired ones in the transaction of the outcome, and notes
//     when mail reached a recipient of the list again;
//  2. Claim enters the suppressed ones in the transaction that gives them up;
//  3. LiftSuppressions notes that somebody vouches for a recipient.
//
// So a crash leaves an outcome with its entry, or neither. What the operator drops or lets
// fail says nothing of its recipients: it is counted and not entered. Relay's own mail is in
// no list.
//
// Bucket "errors" has the entries by mailbox, "errors-by-time" their mailboxes by the last
// refusal, so that the newest are found without reading the others, and "error-counts" how
// many there are. So a list of any size costs an outcome the same, and an account without
// errors costs a delivery nothing but a look at its count, once a transaction.

// RefusedRecipient is an entry of an account's list of errors. Bucket "errors", key account
// NUL mailbox (see Mailbox), JSON.
type RefusedRecipient struct {
	Recipient string    `json:"recipient"` // as it was written last
	Category  string    `json:"category"`
	Class     string    `json:"class"` // "failed", "expired", "suppressed"
	Code      string    `json:"code,omitempty"`
	Enhanced  string    `json:"enhanced,omitempty"`
	Reply     string    `json:"reply,omitempty"`
	Source    string    `json:"source"` // one of the Sources
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Count     int64     `json:"count"`                // e-mails
	MessageID string    `json:"message_id,omitempty"` // of the message that met the reply, with brackets
	Cleared   time.Time `json:"cleared,omitzero"`     // when mail reached it after Last, or its suppression was lifted; zero: neither
	Advice    string    `json:"-"`                    // one of the advices
}

// How relay came to know of a refusal.
const (
	SourceSMTP      = "smtp"      // the next hop's reply
	SourceBounce    = "bounce"    // mail that came back
	SourceComplaint = "complaint" // a report of abuse
)

const (
	mostReply     = 500 // octets of a reply in a list
	mostMessageID = 250 // likewise; a longer one is left out
)

// fate is an outcome as statistics and the list of errors have it.
type fate struct {
	from, to RecipientState
	category string // of one that is given up
	provider string // whose hosts decided it; "": none did
}

// Categories that no reply has.
const (
	MessageExpired = "MessageExpired" // given up, and nothing is known but that
	Uncategorized  = "Uncategorized"
	ByOperator     = "Operator" // dropped, or let fail by an override
)

// fateOf is what an outcome means for a recipient as it is until then.
func fateOf(r *Result, rcpt *Recipient, o *Outcome) fate {
	is := fate{from: rcpt.State, to: o.State, provider: r.Provider}
	switch {
	case !o.State.Final() || o.State == Delivered:
	case r.Event.Kind == EventChanged:
		is.category = ByOperator
	case o.Verdict.Category != "":
		is.category = o.Verdict.Category
	case o.State != Expired:
		is.category = Uncategorized
	case rcpt.Verdict.Category != "": // what it was deferred for
		is.category = rcpt.Verdict.Category
	default:
		is.category = MessageExpired
	}
	return is
}

// listed enters an outcome in the account's list of errors.
func (t *tx) listed(m *Message, r *Recipient, is fate, reply string) error {
	switch {
	case m.own(), is.category == ByOperator, !is.to.Final():
		return nil
	case is.to == Delivered:
		if n, err := t.errorCount(m.Account); err != nil || n.is == 0 {
			return err
		}
		return t.clear(m.Account, r.compared())
	}
	return t.enter(m, r, is, reply)
}

// enter adds a refusal to the list. One by a suppression repeats the reply that it came from.
func (t *tx) enter(m *Message, r *Recipient, is fate, reply string) error {
	mailbox := r.compared()
	key := pairKey(m.Account, mailbox)
	n, err := t.errorCount(m.Account)
	if err != nil {
		return err
	}
	var e RefusedRecipient
	known, err := t.get(errorsOf, key, &e)
	if err != nil {
		return err
	}
	if known {
		err = t.b.Delete(errorTimes, errorTimeKey(m.Account, e.Last, mailbox))
	} else {
		e.First = t.wall
		n.is++
	}
	if is.to != Suppressed || e.Category != is.category {
		e.said(m, is.category, reply)
	}
	e.Recipient, e.Class, e.Last, e.Cleared = r.Address, string(is.to), t.wall, time.Time{}
	e.Count++
	return errors.Join(err, t.put(errorsOf, key, &e), t.b.Put(errorTimes, errorTimeKey(m.Account, e.Last, mailbox), []byte{}))
}

// said stores what a next hop said of the recipient.
func (e *RefusedRecipient) said(m *Message, category, reply string) {
	e.Category, e.Source, e.Reply, e.MessageID = category, SourceSMTP, shorten(reply, mostReply), ""
	e.Code, e.Enhanced = codesOf(reply)
	if len(m.MessageID) <= mostMessageID {
		e.MessageID = m.MessageID
	}
}

// clear notes that a recipient of the list gets mail again, or is vouched for.
func (t *tx) clear(account, mailbox string) error {
	key := pairKey(account, mailbox)
	var e RefusedRecipient
	known, err := t.get(errorsOf, key, &e)
	if err != nil || !known || !e.Cleared.IsZero() {
		return err
	}
	e.Cleared = t.wall
	return t.put(errorsOf, key, &e)
}

// shorten cuts a text between two characters.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// codesOf a reply as it is written on one line: "550 5.1.1 unknown user".
func codesOf(reply string) (code, enhanced string) {
	first, rest, _ := strings.Cut(reply, " ")
	if len(first) != 3 || !isNumber(first) {
		return "", ""
	}
	second, _, _ := strings.Cut(rest, " ")
	parts := strings.Split(second, ".")
	if len(parts) != 3 || len(parts[0]) != 1 || !isNumber(parts[0]) || !isNumber(parts[1]) || !isNumber(parts[2]) {
		return first, ""
	}
	return first, second
}

// isNumber reports whether a text is one to three digits.
func isNumber(text string) bool {
	return len(text) > 0 && len(text) <= 3 && strings.Trim(text, "0123456789") == ""
}

// countedErrors is how many entries an account's list has, in a transaction and before it.
// Bucket "error-counts", key account, JSON: a number.
type countedErrors struct{ is, was int64 }

func (t *tx) errorCount(account string) (*countedErrors, error) {
	sc := t.scratch()
	if n := sc.errors[account]; n != nil {
		return n, nil
	}
	n := &countedErrors{}
	if _, err := t.get(errorCounts, []byte(account), &n.is); err != nil {
		return nil, err
	}
	n.was = n.is
	if sc.errors == nil {
		sc.errors = map[string]*countedErrors{}
	}
	sc.errors[account] = n
	return n, nil
}

// errorTimeKey is account NUL milliseconds (8) mailbox.
func errorTimeKey(account string, last time.Time, mailbox string) []byte {
	return append(appendTime(ledgerPrefix(account), last), mailbox...)
}

// parseErrorTime reads what follows the account in that key.
func parseErrorTime(rest []byte) (last time.Time, mailbox string, ok bool) {
	if len(rest) < 8 {
		return last, "", false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(rest))).UTC(), string(rest[8:]), true
}

// keepErrorCounts writes the lengths of lists that a transaction has changed.
func keepErrorCounts(b *bolt.Tx, all map[string]*countedErrors) error {
	for account, n := range all {
		if n.is == n.was {
			continue
		}
		if err := putJSON(b, errorCounts, []byte(account), n.is); err != nil {
			return err
		}
	}
	return nil
}
