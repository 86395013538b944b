package refusals

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
)

// Entry is a recipient in an account's list of errors. Bucket "errors", key account
// NUL mailbox (see maildomain.Mailbox), JSON.
type Entry struct {
	Recipient string    `json:"recipient"` // as it was written last
	Category  string    `json:"category"`
	Class     string    `json:"class"` // "failed", "expired", "suppressed", "bounced", "complained"
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

// Refusal is what the list of errors is to say of a recipient. Address is as it was written, and
// MessageID has its brackets.
type Refusal struct{ Address, Category, Class, Source, Reply, MessageID string }

// Classes of entries that are no outcome of an attempt.
const (
	ClassSuppressed = "suppressed" // the outcome of a claim: a suppression kept the mail from being tried
	ClassBounced    = "bounced"
	ClassComplained = "complained"
)

// Enter adds a refusal to an account's list. One by a suppression leaves the entry's reply as it is:
// the suppression came from it.
func (r *Refusals) Enter(t *room.Tx, account, mailbox string, is *Refusal) error {
	key := room.Pair(account, mailbox)
	n, err := errorCount(t, account)
	if err != nil {
		return err
	}
	var e Entry
	known, err := t.Read(bucket.ErrorsOf, key, &e)
	if err != nil {
		return err
	}
	if known {
		err = t.Delete(bucket.ErrorTimes, errorTimeKey(account, e.Last, mailbox))
	} else {
		e.First = t.Wall
		n.is++
	}
	if is.Class != ClassSuppressed || e.Category != is.Category {
		e.said(is)
	}
	e.Recipient, e.Class, e.Last, e.Cleared = is.Address, is.Class, t.Wall, time.Time{}
	e.Count++
	return errors.Join(err, t.Write(bucket.ErrorsOf, key, &e), t.Put(bucket.ErrorTimes, errorTimeKey(account, e.Last, mailbox), []byte{}))
}

// said takes over what was said of the recipient.
func (e *Entry) said(is *Refusal) {
	e.Category, e.Source, e.Reply, e.MessageID = is.Category, is.Source, shorten(is.Reply, mostReply), ""
	e.Code, e.Enhanced = codesOf(is.Reply)
	if len(is.MessageID) <= mostMessageID {
		e.MessageID = is.MessageID
	}
}

// bounceLasts is how long a delivery says nothing against a bounce: mail that comes back is
// taken by the next hop each time.
const bounceLasts = 7 * 24 * time.Hour

// Reached notes that the next hop took mail for a recipient, if the list has it.
func (r *Refusals) Reached(t *room.Tx, account, mailbox string) error {
	if n, err := errorCount(t, account); err != nil || n.is == 0 {
		return err
	}
	var e Entry
	known, err := t.Read(bucket.ErrorsOf, room.Pair(account, mailbox), &e)
	if err != nil || !known || e.Source == SourceComplaint || e.Source == SourceBounce && t.Wall.Sub(e.Last) < bounceLasts {
		return err
	}
	return clearError(t, account, mailbox)
}

// clearError notes that a recipient of the list gets mail again, or is vouched for.
func clearError(t *room.Tx, account, mailbox string) error {
	key := room.Pair(account, mailbox)
	var e Entry
	known, err := t.Read(bucket.ErrorsOf, key, &e)
	if err != nil || !known || !e.Cleared.IsZero() {
		return err
	}
	e.Cleared = t.Wall
	return t.Write(bucket.ErrorsOf, key, &e)
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

var errorsKey engine.Key[map[string]*countedErrors]

func errorCount(t *room.Tx, account string) (*countedErrors, error) {
	all := errorsKey.In(t.Tx)
	if n := (*all)[account]; n != nil {
		return n, nil
	}
	n := &countedErrors{}
	if _, err := t.Read(bucket.ErrorCounts, []byte(account), &n.is); err != nil {
		return nil, err
	}
	n.was = n.is
	if *all == nil {
		*all = map[string]*countedErrors{}
	}
	(*all)[account] = n
	return n, nil
}

// errorTimeKey is account NUL milliseconds (8) mailbox.
func errorTimeKey(account string, last time.Time, mailbox string) []byte {
	return append(room.AppendTime(room.Pair(account, ""), last), mailbox...)
}

// parseErrorTime reads what follows the account in that key.
func parseErrorTime(rest []byte) (last time.Time, mailbox string, ok bool) {
	if len(rest) < 8 {
		return last, "", false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(rest))).UTC(), string(rest[8:]), true
}

// Flush writes the lengths of lists that a transaction has changed.
func Flush(e *engine.Tx) error {
	all := errorsKey.Of(e)
	if all == nil {
		return nil
	}
	t := room.Tx{Tx: e}
	for account, n := range *all {
		if n.is == n.was {
			continue
		}
		if err := t.Write(bucket.ErrorCounts, []byte(account), n.is); err != nil {
			return err
		}
	}
	return nil
}
