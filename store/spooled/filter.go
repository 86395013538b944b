package spooled

import (
	"strings"
	"time"
)

// Filter chooses messages of the queue; its zero value chooses all. What it says
// of recipients must hold for one that is not final.
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
		f.Sender != "" && f.Sender != "<>" && !IsAddress(m.Sender, f.Sender):
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
		(f.Recipient == "" || IsAddress(r.Address, f.Recipient)) &&
		(!f.Held || r.Held) && (!f.Deferred || r.State == Deferred)
}

// IsAddress reports whether address is what, or lies in it when that is an
// @domain. Case does not count.
func IsAddress(address, what string) bool {
	if strings.HasPrefix(what, "@") {
		n := len(address) - len(what)
		return n > 0 && strings.EqualFold(address[n:], what)
	}
	return strings.EqualFold(address, what)
}
