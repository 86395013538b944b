package spooled

import (
	"strings"
	"time"
)

// fewRecipients are compared with each other; for more a map is made.
const fewRecipients = 8

// Local is the local part as it goes on the wire. It is compared exactly, and the
// domain as it is in Domain.
func (r *Recipient) Local() string { return r.Address[:max(0, strings.LastIndexByte(r.Address, '@'))] }

func (r *Recipient) exact() string { return r.Local() + "@" + r.Domain }

// Repeats reports whether the message goes to r's mailbox already. If so, that
// recipient also gets the DSNs that r asks for: a mailbox that is named twice is one
// recipient.
func (m *Message) Repeats(r *Recipient) bool {
	i := m.find(r)
	if i < 0 {
		return false
	}
	first := &m.Recipients[i]
	first.Notify = first.Notify.With(r.Notify)
	if first.ORCPT == "" {
		first.ORCPT = r.ORCPT
	}
	return true
}

// AddRecipient adds one that the message does not go to yet.
func (m *Message) AddRecipient(r Recipient) {
	m.Recipients = append(m.Recipients, r)
	switch n := len(m.Recipients); {
	case m.index != nil:
		m.index[r.exact()] = n - 1
	case n > fewRecipients:
		m.index = make(map[string]int, 2*n)
		for i := range m.Recipients {
			m.index[m.Recipients[i].exact()] = i
		}
	}
}

// find is where the message has r's mailbox; -1: nowhere. What has no address, as in a
// simulation, is no mailbox.
func (m *Message) find(r *Recipient) int {
	if r.Address == "" {
		return -1
	}
	if m.index != nil {
		if i, ok := m.index[r.exact()]; ok {
			return i
		}
		return -1
	}
	for i := range m.Recipients {
		if one := &m.Recipients[i]; one.Domain == r.Domain && one.Local() == r.Local() {
			return i
		}
	}
	return -1
}

// Distinct leaves one recipient of each mailbox.
func (m *Message) Distinct() {
	all := m.Recipients
	if len(all) < 2 || len(m.index) == len(all) {
		return
	}
	m.Recipients, m.index = all[:0], nil
	for _, r := range all {
		if !m.Repeats(&r) {
			m.AddRecipient(r)
		}
	}
}

// Mailbox is the address as it is compared: in lower case, the domain as in Domain.
func (r *Recipient) Mailbox() string { return strings.ToLower(r.Local()) + "@" + r.Domain }

// Waits reports whether a recipient waits for the account's daily cap of first sendings.
func (r *Recipient) Waits() bool { return r.First == FirstWaits && !r.State.Final() }

// WaitingAt counts the recipients at a domain that wait for it.
func (m *Message) WaitingAt(domain string) (n int64) {
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.Domain == domain && r.Waits() {
			n++
		}
	}
	return n
}

// With is what satisfies both: nothing is told only where both say NEVER, and where
// one says nothing failures are told (RFC 3461 §4.1).
func (n Notify) With(o Notify) Notify {
	switch {
	case n == o || o == NotifyNever:
		return n
	case n == NotifyNever:
		return o
	case n == 0:
		n = NotifyFailure
	case o == 0:
		o = NotifyFailure
	}
	return n | o
}

// FirstSending says whether a recipient is held back by the cap.
type FirstSending string

// The states; "" is of a recipient that was not held back.
const (
	FirstWaits   FirstSending = "waits"   // until Recipient.Next, and then for the cap of that day
	FirstGranted FirstSending = "granted" // it waited, and may be tried
	FirstSpared  FirstSending = "spared"  // suppressed when it came in, so it has no place; it waits if it is to be tried after all
)

// DSN is what a message's sender is to be told about one recipient.
type DSN struct {
	Action  string    `json:"action"`           // RFC 3464 §2.3.3
	Status  string    `json:"status,omitempty"` // "5.1.1"; "": after the action
	Reply   string    `json:"reply,omitempty"`  // what the next hop said, or our own reason
	Host    string    `json:"host,omitempty"`   // that said it; "": we did
	At      time.Time `json:"at,omitzero"`      // the last attempt; zero: none is meant
	Expired bool      `json:"expired,omitempty"`
	Dropped bool      `json:"dropped,omitempty"` // removed by the operator

	Suppressed time.Time `json:"suppressed,omitzero"` // not tried: suppressed since then, by Reply; zero: it was tried
}
