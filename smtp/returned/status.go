package returned

import (
	"strings"
)

// statusReports are what the groups of a delivery status say of recipients (RFC 3464 §2.3).
func (f *finds) statusReports() (list []Report) {
	for _, g := range f.reports {
		if !g.has("final-recipient") && !g.has("original-recipient") {
			continue // of the message as a whole
		}
		if r := statusReport(g); len(list) < maxReports {
			list = append(list, r)
		}
	}
	return list
}

func statusReport(g *fields) Report {
	r := Report{
		Recipient:  typedAddress(g.get("final-recipient")),
		Original:   typedAddress(g.get("original-recipient")),
		Action:     actionOf(g.get("action")),
		Status:     enhanced(g.get("status")),
		Diagnostic: diagnostic(g.get("diagnostic-code")),
		RemoteMTA:  typed(g.get("remote-mta")),
	}
	if r.Recipient == "" {
		r.Recipient = typedAddress(g.get("x-actual-recipient"))
	}
	if strings.EqualFold(r.Original, r.Recipient) {
		r.Original = ""
	}
	if r.Action == "" && strings.HasPrefix(r.Status, "5.") {
		r.Action = "failed" // Action is mandatory; hosts that leave it out report failures
	}
	r.judge()
	return r
}

// actionOf reads an Action field; comments and words after it are left out.
func actionOf(value string) string {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(value)), " ")
	word, _, _ = strings.Cut(word, "(")
	switch word {
	case "failed", "failure", "fail":
		return "failed"
	case "delayed", "delay":
		return "delayed"
	case "delivered", "relayed", "expanded":
		return word
	}
	return ""
}

// judge says whether the recipient failed for good. A status is believed before the reply;
// where they contradict each other, nothing is final. A message that waited in vain says
// nothing about its recipient.
func (r *Report) judge() {
	code, more := replyCode(r.Diagnostic)
	if r.Status == "" {
		r.Status = more
	}
	if r.Status == "" && code == " " {
		r.Status = statusIn(r.Diagnostic)
	}
	switch {
	case r.Action != "failed":
	case r.Status == "":
		r.Hard = code[:1] == "5" || code == " " && known(r.Diagnostic) != ""
		if r.Hard {
			r.Status = known(r.Diagnostic)
		}
	default:
		r.Hard = r.Status[0] == '5' && code[:1] != "4" && !strings.HasSuffix(r.Status, ".4.7")
	}
}

// typed cuts the type off a value such as "dns; mx.example.org".
func typed(value string) string {
	if kind, rest, found := strings.Cut(value, ";"); found && !strings.ContainsAny(kind, " @") {
		value = rest
	}
	value = oneLine(plain(value))
	return value[:min(len(value), 255)]
}

// typedAddress reads a recipient field: its type and an address. Addresses of other mail
// systems are none.
func typedAddress(value string) string {
	kind, rest, found := strings.Cut(value, ";")
	switch kind = strings.ToLower(strings.TrimSpace(kind)); {
	case !found:
		return address(value)
	case kind == "utf-8":
		return address(fromUnitext(rest))
	case kind == "x400", kind == "x.400", kind == "x500", kind == "ex":
		return ""
	}
	rest, _, _ = strings.Cut(rest, " (") // a comment
	return address(plain(rest))
}

// fromUnitext undoes utf-8-addr-xtext: \x{F6} (RFC 6533 §3).
func fromUnitext(s string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(s, `\x{`)
		code, after, closed := strings.Cut(rest, "}")
		out.WriteString(before)
		if !found || !closed {
			return out.String()
		}
		if r, ok := codePoint(code); ok {
			out.WriteRune(r)
		}
		s = after
	}
}

func codePoint(hex string) (rune, bool) {
	if len(hex) == 0 || len(hex) > 6 {
		return 0, false
	}
	var r rune
	for i := range len(hex) {
		d := nibble([]byte(hex), i)
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, r > ' '
}

// enhanced finds an enhanced status code at the beginning of a text (RFC 3463); "": none.
func enhanced(s string) string {
	s = strings.TrimLeft(s, " \t#(<")
	if len(s) < 5 || s[0] != '2' && s[0] != '4' && s[0] != '5' || s[1] != '.' {
		return ""
	}
	n, dots := 2, 1
	for n < len(s) && n < 9 {
		switch {
		case s[n] >= '0' && s[n] <= '9':
		case s[n] == '.' && s[n-1] != '.' && dots == 1:
			dots++
		default:
			return wholeCode(s[:n], dots)
		}
		n++
	}
	return wholeCode(s[:n], dots)
}

func wholeCode(code string, dots int) string {
	if dots != 2 || code[len(code)-1] == '.' {
		return ""
	}
	return code
}

// statusIn finds a status at the beginning of a text or after a mark, as in (#5.1.1).
func statusIn(s string) string {
	if code := enhanced(s); code != "" {
		return code
	}
	_, rest, found := strings.Cut(s, "#")
	for ; found; _, rest, found = strings.Cut(rest, "#") {
		if code := enhanced(rest); code != "" {
			return code
		}
	}
	return ""
}

// diagnostic brings a Diagnostic-Code into the form of a reply: without its type, on one line.
func diagnostic(value string) string {
	kind, rest, found := strings.Cut(value, ";")
	if found && len(kind) < 24 && !strings.ContainsAny(strings.TrimSpace(kind), " :.") {
		value = rest
	}
	return oneLine(plain(value))
}

// replyCode is the code of a reply and the status beside it. code is " " where there is none.
func replyCode(s string) (code, status string) {
	at, status := replyAt(s)
	if at < 0 {
		return " ", ""
	}
	return s[at : at+3], status
}

// replyAt finds a reply: at the beginning, after a mark or a word that announces one, or with
// an enhanced status code. at is -1 where there is none.
func replyAt(s string) (at int, status string) {
	for i := 0; i+3 <= len(s); i++ {
		if c := s[i]; c != '4' && c != '5' || i > 0 && !before(s[i-1]) || !digits(s[i+1:i+3]) || s[i+1] > '5' {
			continue
		}
		if i+3 == len(s) {
			if announced(s[:i]) {
				return i, ""
			}
			continue
		}
		if !strings.ContainsRune(" -,:;]", rune(s[i+3])) {
			continue
		}
		status = agreeing(s[i:i+1], enhanced(s[i+4:]))
		if status != "" || announced(s[:i]) {
			return i, status
		}
	}
	return -1, ""
}

// announced reports whether what stands before a number says that it is a code.
func announced(s string) bool {
	s = strings.TrimRight(s, " \t")
	if s == "" || strings.IndexByte(":<>([=|;\"'#", s[len(s)-1]) >= 0 {
		return true
	}
	s = strings.ToLower(s[max(0, len(s)-10):])
	for _, w := range []string{"error", "code", "said", "smtp", "reply", "response", "status", "returned", "reason", "fehler", "errore", "says"} {
		if strings.HasSuffix(s, w) {
			return true
		}
	}
	return false
}

// agreeing returns a status only if its class is the one of the code.
func agreeing(class, status string) string {
	if strings.HasPrefix(status, class) {
		return status
	}
	return ""
}

// before reports whether a code may follow a character.
func before(c byte) bool { return strings.IndexByte(" \t<>([\"'=:;|#", c) >= 0 }

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
