package store

import "strings"

// fewRecipients are compared with each other; for more a map is made.
const fewRecipients = 8

// local is the local part as it goes on the wire. It is compared exactly, and the
// domain as it is in Domain.
func (r *Recipient) local() string { return r.Address[:max(0, strings.LastIndexByte(r.Address, '@'))] }

func (r *Recipient) mailbox() string { return r.local() + "@" + r.Domain }

// Repeats reports whether the message goes to r's mailbox already. If so, that
// recipient also gets the DSNs that r asks for: a mailbox that is named twice is one
// recipient.
func (m *Message) Repeats(r *Recipient) bool {
	i := m.find(r)
	if i < 0 {
		return false
	}
	first := &m.Recipients[i]
	first.Notify = first.Notify.with(r.Notify)
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
		m.index[r.mailbox()] = n - 1
	case n > fewRecipients:
		m.index = make(map[string]int, 2*n)
		for i := range m.Recipients {
			m.index[m.Recipients[i].mailbox()] = i
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
		if i, ok := m.index[r.mailbox()]; ok {
			return i
		}
		return -1
	}
	for i := range m.Recipients {
		if one := &m.Recipients[i]; one.Domain == r.Domain && one.local() == r.local() {
			return i
		}
	}
	return -1
}

// distinct leaves one recipient of each mailbox.
func (m *Message) distinct() {
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

// with is what satisfies both: nothing is told only where both say NEVER, and where
// one says nothing failures are told (RFC 3461 §4.1).
func (n Notify) with(o Notify) Notify {
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
