package returned

import (
	"slices"
	"strings"
)

// statusInWords is a delivery status that stands in a text: its MIME is broken, or was lost.
func (f *finds) statusInWords(m *Mail) bool {
	if len(f.text.b) == 0 || !bounceLike(f.root, m.Subject) {
		return false
	}
	p := f.prose()
	from := p.findStart(0, []string{"reporting-mta:", "final-recipient:", "original-recipient:"})
	if from == len(p.lines) || !strings.Contains(p.all, "final-recipient:") {
		return false
	}
	budget := maxStatus
	g := &groups{to: &f.reports, budget: &budget}
	for _, line := range p.lines[from:] {
		g.line([]byte(line))
	}
	if !f.status(m) {
		return false
	}
	m.Shape = "broken"
	return true
}

// bounceInWords is a failure that is told in a text of a known form. Only mail that a mail
// server may have written is looked at: a person may quote such a text.
func (f *finds) bounceInWords(m *Mail) bool {
	if len(f.text.b) == 0 || !bounceLike(f.root, m.Subject) {
		return false
	}
	p := f.prose()
	for i := range forms {
		fm := &forms[i]
		if !containsAny(p.all, fm.marks) {
			continue
		}
		if list := fm.read(p, f.root.get("x-failed-recipients")); len(list) > 0 {
			fm.fill(m, f, p, list)
			return true
		}
	}
	return f.bounceInHeader(m, p)
}

// bounceInHeader is a failure in a text of no known form, whose recipients the header names, as
// exim's and Google's hosts do. Without a code in the text it is not final.
func (f *finds) bounceInHeader(m *Mail, p *prose) bool {
	failed := f.root.get("x-failed-recipients")
	list := listed(failed, nil)
	if len(list) == 0 {
		return false
	}
	fm := &form{name: "x-failed-recipients", end: []string{"----- original message", "------ this is a copy", "----- message header"}}
	fm.fill(m, f, p, fm.read(p, failed))
	return true
}

// subjects are words that the subjects of bounces have, in lower case.
var subjects = []string{
	"undeliver", "delivery", "deliver", "failure", "failed", "returned", "delayed", "warning", "non remis", "bounce", "rejected", "blocked",
	"unzustellbar", "nicht zugestellt", "zustell", "mancato recapito", "non recapitabile", "mancata consegna", "recapito", "non remise", "no se puede entregar", "notice",
}

// bounceLike reports whether a mail server, and no person, may have written a mail.
func bounceLike(h *fields, subject string) bool {
	kind, _ := contentType(h.get("content-type"))
	null := strings.ReplaceAll(h.get("return-path"), " ", "") == "<>"
	return kind == "multipart/report" || h.has("x-failed-recipients") || null && !h.has("in-reply-to") ||
		(fromMailer(h) || programLike(h) || author(h.get("from")) == "") && containsAny(strings.ToLower(subject), subjects)
}

// programLike reports an author whose address or name is one that mail systems use.
func programLike(h *fields) bool {
	from := strings.ToLower(plain(h.get("from")))
	return containsAny(from, []string{"daemon", "postmaster", "mail delivery", "mail system", "system administrator", "systemadministrator", "mdaemon", "mailer", "administrator", "delivery subsystem", "noreply", "no-reply"})
}

// fill makes the mail a bounce or a notice of delay.
func (fm *form) fill(m *Mail, f *finds, p *prose, list []Report) {
	m.Kind, m.Shape, m.Reports = Bounce, fm.name, list
	if containsAny(p.all, fm.delay) {
		m.Kind = Delay
	}
	for i := range list {
		list[i].Action = "failed"
		if m.Kind == Delay {
			list[i].Action = "delayed"
		}
		list[i].judge()
	}
	if f.original == nil {
		f.original = p.header(p.findStart(0, fm.end) + 1)
	}
	if m.MessageID = messageID(f.original.get("message-id")); m.MessageID == "" {
		m.MessageID = p.quotedID()
	}
	m.addOriginal(f)
}

// found is a recipient in a text, and what the text says after it.
type found struct {
	address  string
	original string // of which it was made
	reason   []string
}

// read finds the recipients in a text.
func (fm *form) read(p *prose, failed string) []Report {
	from := 0
	if at := p.find(0, fm.start); at < len(p.lines) {
		from = at + 1
	}
	end := p.findStart(from, fm.end)
	list, rest := fm.scan(p, from, end)
	if fm.around {
		rest = append(rest, p.lines[:from]...)
	}
	if len(list) == 0 || failed != "" && !slices.ContainsFunc(list, func(x found) bool { return strings.Contains(strings.ToLower(failed), strings.ToLower(x.address)) }) {
		list = listed(failed, list)
	}
	var reports []Report
	for _, x := range list {
		at := slices.IndexFunc(reports, func(r Report) bool { return strings.EqualFold(r.Recipient, x.address) })
		if at >= 0 && (coded([]string{reports[at].Diagnostic}) || !coded(x.reason)) || len(reports) == maxReports {
			continue
		}
		lines := x.reason
		if !coded(lines) {
			lines = append(slices.Clip(lines), about(rest, x.address, len(list) == 1)...)
		}
		r := Report{Recipient: x.address, Original: x.original, Diagnostic: reasonOf(lines), RemoteMTA: remoteOf(lines)}
		if at >= 0 {
			reports[at] = r
		} else {
			reports = append(reports, r)
		}
	}
	return reports
}

// listed are the recipients of an X-Failed-Recipients field.
func listed(failed string, instead []found) (list []found) {
	for a := range strings.SplitSeq(failed, ",") {
		if a = address(a); a != "" && len(list) < maxReports {
			list = append(list, found{address: a})
		}
	}
	if len(list) == 0 {
		return instead
	}
	return list
}

// scan goes through the lines that may name recipients. rest are the lines that belong to none.
func (fm *form) scan(p *prose, from, end int) (list []found, rest []string) {
	open := false // lines belong to the last recipient
	for i := from; i < end && len(list) <= maxReports; i++ {
		line := strings.TrimSpace(p.lines[i])
		a, reason := fm.recipient(line, strings.TrimSpace(p.lower[i]))
		switch {
		case a != "":
			list = append(list, found{address: a})
			open = !fm.above
			if reason != "" {
				list[len(list)-1].reason = []string{reason}
			}
		case line == "":
			open = open && unfinished(list[len(list)-1].reason)
		case strings.HasPrefix(line, "----"), strings.HasPrefix(line, "... while"):
			open = false
			rest = append(rest, line)
		case open && (strings.HasPrefix(line, "(generated from") || strings.HasPrefix(line, "(expanded from")):
			list[len(list)-1].original, _ = firstAddress(line)
		case open:
			last := &list[len(list)-1]
			last.reason = append(last.reason, strings.TrimPrefix(line, "-- "))
		default:
			rest = append(rest, strings.TrimPrefix(line, "-- "))
		}
	}
	return list, rest
}

// recipient reads a line that names one, and what follows it on the line.
func (fm *form) recipient(line, lower string) (a, reason string) {
	if fm.angle && strings.HasPrefix(line, "<") {
		if inside, after, ok := strings.Cut(line[1:], ">"); ok && (after == "" || strings.HasPrefix(strings.TrimSpace(after), ":") || strings.HasPrefix(after, " (") || strings.HasPrefix(strings.TrimSpace(after), "...")) {
			if a := address(inside); a != "" {
				return a, strings.TrimLeft(after, " .:")
			}
		}
	}
	if fm.lone {
		if a, comment := alone(line); a != "" {
			return a, comment
		}
	}
	for _, key := range fm.keys {
		if key == "\x00colon" {
			if before, after, ok := strings.Cut(line, ": "); ok && address(before) != "" {
				return address(before), after
			}
			continue
		}
		at := strings.Index(lower, key)
		if at < 0 || len(lower) != len(line) {
			continue
		}
		if key[0] == ' ' { // the address stands before it
			if a, _ := alone(line[:at]); a != "" {
				return a, ""
			}
			continue
		}
		if a, after := firstAddress(line[at+len(key):]); a != "" {
			if after == "" && known(line) != "" {
				after = line
			}
			return a, after
		}
	}
	return "", ""
}

// alone returns the address that a line consists of, in brackets or quotes, and with a name
// before it or a comment after it.
func alone(line string) (a, comment string) {
	bare := strings.Trim(line, " \t\"'<>:*;,.|-")
	if !strings.ContainsAny(bare, " \t") {
		return address(bare), ""
	}
	if strings.Count(line, "@") != 1 || len(line) > 400 {
		return "", ""
	}
	if before, after, _ := strings.Cut(bare, " "); address(before) != "" {
		if after = strings.TrimSpace(after); strings.HasPrefix(after, "(") || strings.HasPrefix(after, "<mailto:") {
			return address(before), strings.Trim(after, "()")
		}
		return "", ""
	}
	open := strings.LastIndexAny(line, "<(")
	if open <= 0 || strings.Contains(line[:open], ":") || !strings.ContainsAny(line[len(line)-1:], ">):") || len(strings.Fields(line)) > 5 {
		return "", ""
	}
	return address(strings.Trim(line[open:], "<>():")), ""
}

// firstAddress finds the first word that is an address, and what follows it.
func firstAddress(s string) (a, after string) {
	if at := strings.IndexByte(s, '@'); at < 0 || at > 200 {
		return "", ""
	}
	for rest := s; rest != ""; {
		word := rest
		if i := strings.IndexAny(rest, " \t]"); i >= 0 {
			word, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		if a := address(strings.Trim(word, "<>()[]{}.,;:'\"")); a != "" {
			return a, strings.TrimLeft(rest, " ;:,.-")
		}
	}
	return "", ""
}

// unfinished reports whether a reason has not begun, or announces that it follows.
func unfinished(reason []string) bool {
	return len(reason) == 0 || strings.HasSuffix(reason[len(reason)-1], ":")
}

// coded reports whether lines have the code of a reply, or a status.
func coded(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		at, _ := replyAt(line)
		return at >= 0 || statusIn(line) != ""
	})
}

// about returns the lines of a transcript that are about an address: all, if there is no other.
func about(rest []string, address string, only bool) (list []string) {
	if only {
		return rest
	}
	for i, line := range rest {
		if strings.Contains(line, address) {
			list = append(list, rest[i:min(i+2, len(rest))]...)
		}
	}
	return list
}

// reasonOf makes one line of a reason: from the reply of a host on, if it has one.
func reasonOf(lines []string) string {
	for i, line := range lines {
		if at, _ := replyAt(line); at >= 0 {
			return oneLine(line[at:] + " " + strings.Join(lines[i+1:min(len(lines), i+4)], " "))
		}
	}
	for i, line := range lines {
		if enhanced(line) != "" { // what a host said, without its code
			return oneLine(line + " " + strings.Join(lines[i+1:min(len(lines), i+3)], " "))
		}
	}
	return oneLine(strings.Join(lines[:min(len(lines), 12)], " "))
}

// remoteOf finds the name of the host that replied.
func remoteOf(lines []string) string {
	for _, line := range lines {
		for _, key := range []string{"host ", "talking to ", "Remote system: dns;", "said by "} {
			_, rest, ok := strings.Cut(line, key)
			if !ok || strings.Contains(line, "at host ") {
				continue
			}
			if end := strings.IndexAny(rest, " \t[(:;,|"); end >= 0 {
				rest = rest[:end]
			}
			if name := strings.Trim(rest, "'\"<>."); strings.Contains(name, ".") && len(name) < 255 {
				return name
			}
		}
	}
	return ""
}
