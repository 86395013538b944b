package align

import (
	"bytes"
	"net/mail"
	"strings"

	"relay/store/maildomain"
	"relay/store/spooled"
)

// Message is what a message says of itself, and where it goes.
type Message struct {
	Account     string
	ID          spooled.ID
	Sender      string   // reverse-path; "": the null one
	Return      string   // domain of the reverse-path as it goes out, where that is not Sender's; "": it is
	From        []byte   // value of the From field, unfolded; nil: it is made of Sender
	Long        bool     // From has only a part of the value
	Signers     []string // d= of its DKIM signatures
	Subject     uint64   // a hash; 0: there is none
	Unsubscribe bool     // by one click (RFC 8058)
	Recipients  []string // their domains, one for each recipient
}

// mostSigners of a message are looked at.
const mostSigners = 4

// AddSignature notes the signing domain of a DKIM-Signature field (RFC 6376 §3.5).
func (m *Message) AddSignature(value []byte) {
	if len(m.Signers) >= mostSigners {
		return
	}
	for tag := range strings.SplitSeq(string(value), ";") {
		name, d, ok := strings.Cut(tag, "=")
		if !ok || strings.TrimSpace(name) != "d" {
			continue
		}
		if _, domain, ok := maildomain.Parse(strings.TrimSpace(d)); ok {
			m.Signers = append(m.Signers, domain)
		}
		return
	}
}

// from is the domain of the first author, in lower case A-labels; "": there is none.
func (m *Message) from() string {
	switch {
	case m.Long:
		return ""
	case m.From == nil:
		return domainOf(m.Sender)
	}
	return domainOf(author(string(m.From)))
}

// unreadable reports whether From has addresses, but no domain can be read in it: receivers
// may read something else there.
func (m *Message) unreadable() bool {
	return m.Long || m.from() == "" && bytes.IndexByte(m.From, '@') >= 0
}

// author is the first address of a From field. Nearly all have one, in one of two forms;
// the others go to the parser, and what that cannot read is read as receivers do.
func author(from string) string {
	open, at := strings.Count(from, "<"), strings.Count(from, "@")
	switch {
	case at == 1 && open == 0 && !strings.ContainsAny(from, "(\","):
		return strings.TrimSpace(from)
	case at == 1 && open == 1 && strings.HasSuffix(strings.TrimRight(from, " \t"), ">"):
		_, address, _ := strings.Cut(strings.TrimRight(from, " \t>"), "<")
		return strings.TrimSpace(address)
	}
	if list, err := mail.ParseAddressList(from); err == nil && len(list) > 0 { // a group may be empty
		return list[0].Address
	}
	address, _, _ := strings.Cut(from[strings.LastIndexByte(from, '<')+1:], ">")
	return strings.TrimSpace(address)
}

// domainOf an address, in lower case A-labels; "": it has none that the DNS knows.
func domainOf(address string) string {
	_, domain, ok := maildomain.Split(address)
	if !ok || strings.HasPrefix(domain, "[") {
		return ""
	}
	return domain
}
