package spooled

import (
	"time"

	"relay/store/mailsyntax"
)

// Filter chooses messages of the queue; its zero value chooses all. Of the recipients that are not
// final, at least one must meet all that it says of recipients.
type Filter struct {
	Account   string
	Domain    string    // next-hop domain
	Sender    string    // reverse-path, @domain of one, or <> for the null reverse-path; any case
	Recipient string    // forward-path, or @domain of one; any case
	Before    time.Time // accepted before it
	After     time.Time // accepted after it
	Held      bool      // only what is held
	Deferred  bool      // only what was tried
}

// Match reports whether the filter chooses m.
func (f *Filter) Match(m *Message) bool {
	switch {
	case f.Account != "" && m.Whose() != f.Account,
		!f.Before.IsZero() && !m.Accepted.Before(f.Before),
		!f.After.IsZero() && !m.Accepted.After(f.After),
		f.Sender == "<>" && m.Sender != "",
		f.Sender != "" && f.Sender != "<>" && !mailsyntax.Matches(m.Sender, f.Sender):
		return false
	}
	for i := range m.Recipients {
		if f.MatchRecipient(&m.Recipients[i]) {
			return true
		}
	}
	return false
}

// MatchRecipient reports whether what the filter says of recipients holds for r.
func (f *Filter) MatchRecipient(r *Recipient) bool {
	return !r.State.Final() && (f.Domain == "" || r.Domain == f.Domain) &&
		(f.Recipient == "" || mailsyntax.Matches(r.Address, f.Recipient)) &&
		(!f.Held || r.Held) && (!f.Deferred || r.State == Deferred)
}
