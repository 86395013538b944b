package returned

import (
	"slices"
	"strconv"
	"strings"
)

// mail says what the finds amount to.
func (f *finds) mail() *Mail {
	m := &Mail{
		From:         author(f.root.get("from")),
		Subject:      oneLine(plain(f.root.get("subject"))),
		OwnMessageID: messageID(f.root.get("message-id")),
		Auto:         automatic(f.root),
		MessageID:    messageID(f.original.get("message-id")),
	}
	for _, judge := range []func(*finds, *Mail) bool{
		(*finds).arf, (*finds).status, (*finds).receipt, (*finds).complaintInWords, (*finds).statusInWords, (*finds).bounceInWords, (*finds).challenge, (*finds).autoReply,
	} {
		if judge(f, m) {
			break
		}
	}
	if m.Kind == Other || m.Kind == AutoReply || m.Kind == Challenge {
		m.Reports = nil
	} else {
		m.Auto = true
	}
	return m
}

// isReport reports whether a header is of a mail that reports another.
func isReport(h *fields) bool {
	kind, _ := contentType(h.get("content-type"))
	return kind == "multipart/report" || h.has("x-failed-recipients") || fromMailer(h)
}

// fromMailer reports whether a header is from a mail server's own address.
func fromMailer(h *fields) bool {
	local, _, _ := strings.Cut(strings.ToLower(author(h.get("from"))), "@")
	return local == "mailer-daemon" || local == "postmaster" || local == "mail-daemon"
}

// automatic reports whether a program wrote the mail (RFC 3834 §2).
func automatic(h *fields) bool {
	if auto := strings.ToLower(h.get("auto-submitted")); auto != "" && !strings.HasPrefix(auto, "no") {
		return true
	}
	switch strings.ToLower(h.get("precedence")) {
	case "bulk", "junk", "list", "auto_reply", "auto-reply":
		return true
	}
	return h.get("return-path") == "<>" || h.first("x-autoreply", "x-autorespond", "x-autoresponse", "x-mail-autoreply",
		"x-auto-reply-from", "x-autoreply-from", "list-id", "x-failed-recipients") != "" || isReport(h)
}

// arf is a report of a feedback loop (RFC 5965). Reports on authentication, and those that
// take a complaint back, are none.
func (f *finds) arf(m *Mail) bool {
	if f.feedback == nil {
		return false
	}
	c := &Feedback{
		Type:             strings.ToLower(oneLine(plain(f.feedback.get("feedback-type")))),
		UserAgent:        oneLine(plain(f.feedback.get("user-agent"))),
		OriginalMailFrom: address(f.feedback.get("original-mail-from")),
		OriginalRcptTo:   typedAddress(f.feedback.first("original-rcpt-to", "removal-recipient")),
		SourceIP:         oneLine(plain(f.feedback.get("source-ip"))),
		ReportedDomain:   oneLine(plain(f.feedback.get("reported-domain"))),
		Arrival:          oneLine(plain(f.feedback.first("arrival-date", "received-date"))),
		Incidents:        incidents(f.feedback.get("incidents")),
	}
	m.Shape = "arf"
	switch c.Type {
	case "auth-failure", "auth-failure-report", "not-spam", "dmarc", "dkim":
		return true
	}
	m.complain(c, f)
	return true
}

// complain makes a complaint of the mail. The recipients are those that the report names, and
// what the original's own header says if it names none.
func (m *Mail) complain(c *Feedback, f *finds) {
	m.Kind, m.Complaint = Complaint, c
	var list []string
	if f.feedback != nil {
		for _, x := range f.feedback.list {
			if x.name == "original-rcpt-to" || x.name == "removal-recipient" {
				list = append(list, typedAddress(x.value))
			}
		}
	}
	if !slices.ContainsFunc(list, usable) {
		list = []string{address(f.original.first("x-hmxmroriginalrecipient", "x-original-rcpt-to", "delivered-to", "x-original-to", "envelope-to")), onlyAddress(f.original.get("to"))}
	}
	for _, a := range list {
		if usable(a) && len(m.Reports) < maxReports && !slices.ContainsFunc(m.Reports, func(r Report) bool { return strings.EqualFold(r.Recipient, a) }) {
			m.Reports = append(m.Reports, Report{Recipient: a})
		}
	}
}

// usable reports an address that was not masked.
func usable(a string) bool {
	local, domain, _ := strings.Cut(strings.ToLower(a), "@")
	return a != "" && local != "redacted" && local != "removed" && local != "xxx" && local != "hidden" && local != "undisclosed" && domain != "redacted" &&
		!strings.Contains(local, "***") && !strings.HasPrefix(local, "redacted-")
}

func incidents(s string) int {
	if n, err := strconv.Atoi(strings.TrimSpace(s)); err == nil && n > 0 && n < 1_000_000 {
		return n
	}
	return 1
}

// status is a delivery status notification (RFC 3464).
func (f *finds) status(m *Mail) bool {
	list := f.statusReports()
	if len(list) == 0 {
		return false
	}
	kind := actionKind(list)
	if kind == Other {
		return false
	}
	m.Kind, m.Shape, m.Reports = kind, "rfc3464", list
	if m.MessageID == "" && len(f.text.b) > 0 {
		m.MessageID = f.prose().quotedID()
	}
	m.addOriginal(f)
	return true
}

// actionKind is the kind of mail that reports with these actions make: the worst counts.
func actionKind(list []Report) Kind {
	has := func(actions ...string) bool {
		return slices.ContainsFunc(list, func(r Report) bool { return slices.Contains(actions, r.Action) })
	}
	switch {
	case has("failed"):
		return Bounce
	case has("delayed"):
		return Delay
	case has("delivered", "relayed", "expanded"):
		return Delivered
	}
	return Other
}

// addOriginal notes the address that the original was sent to, if there is one recipient and
// the original's own header tells another address.
func (m *Mail) addOriginal(f *finds) {
	if len(m.Reports) != 1 || m.Reports[0].Original != "" {
		return
	}
	if to := onlyAddress(plain(f.original.get("to"))); !strings.EqualFold(to, m.Reports[0].Recipient) {
		m.Reports[0].Original = to
	}
}

// receipt is a disposition notification (RFC 8098).
func (f *finds) receipt(m *Mail) bool {
	if f.disposition == nil || !f.disposition.has("disposition") && !f.disposition.has("final-recipient") {
		return false
	}
	m.Kind, m.Shape = Receipt, "mdn"
	if m.MessageID == "" {
		m.MessageID = messageID(f.disposition.get("original-message-id"))
	}
	if a := typedAddress(f.disposition.get("final-recipient")); a != "" {
		m.Reports = []Report{{Recipient: a, Original: typedAddress(f.disposition.get("original-recipient"))}}
	}
	return true
}
