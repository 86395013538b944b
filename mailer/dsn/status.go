package dsn

import (
	"strings"

	"relay/store/mailsyntax"
)

// status is the part for programs (RFC 3464 §2.1), with UTF-8 addresses the one
// of RFC 6533 §6.
func (p *Params) status(utf8Path bool) part {
	pt := part{kind: "message/delivery-status", about: "Delivery report"}
	var h headerWriter
	if p.international() {
		pt.kind, h.utf8 = "message/global-delivery-status", true
	}
	h.field("Reporting-MTA", "dns; "+p.Hostname)
	if p.EnvID != "" {
		h.field("Original-Envelope-Id", p.EnvID)
	}
	if !p.Arrived.IsZero() {
		h.field("Arrival-Date", p.Arrived.Format(dateFormat))
	}
	for i := range p.Recipients {
		h.line("")
		h.recipient(&p.Recipients[i])
	}
	pt.body = h.b
	pt.encode(utf8Path)
	return pt
}

// international reports whether an address has UTF-8.
func (p *Params) international() bool {
	for i := range p.Recipients {
		if r := &p.Recipients[i]; !mailsyntax.IsASCII(r.Address) || !mailsyntax.IsASCII(r.ORCPT) {
			return true
		}
	}
	return false
}

// recipient writes the group of one recipient (RFC 3464 §2.3).
func (h *headerWriter) recipient(r *Recipient) {
	if kind, addr, ok := strings.Cut(r.ORCPT, ";"); ok {
		if !mailsyntax.IsASCII(addr) {
			kind = "utf-8"
		}
		h.field("Original-Recipient", kind+";"+addr)
	}
	kind := "rfc822; "
	if !mailsyntax.IsASCII(r.Address) {
		kind = "utf-8; "
	}
	h.field("Final-Recipient", kind+r.Address)
	h.field("Action", string(r.Action))
	h.field("Status", r.status())
	if r.RemoteMTA != "" {
		h.field("Remote-MTA", "dns; "+r.RemoteMTA)
	}
	switch {
	case r.Reply == "":
	case r.RemoteMTA != "":
		h.field("Diagnostic-Code", "smtp; "+r.Reply)
	case !r.Suppressed.IsZero():
		h.field("Diagnostic-Code", "X-Local; suppressed: "+r.Reply)
	default:
		h.field("Diagnostic-Code", "X-Local; "+r.Reply)
	}
	if !r.LastAttempt.IsZero() {
		h.field("Last-Attempt-Date", r.LastAttempt.Format(dateFormat))
	}
	if r.Action == Delayed && !r.RetryUntil.IsZero() {
		h.field("Will-Retry-Until", r.RetryUntil.Format(dateFormat))
	}
}
