package verdict

import (
	"fmt"
	"strconv"
	"strings"

	"relay/mailer/client"
)

// Reply is what a next hop said.
type Reply struct {
	MX       string       // host that said it; "": a host without a provider's rules
	Stage    client.Stage // the command that it answers
	Code     int          // of the last line; 0: the connection was lost without a reply
	Enhanced [3]int       // all zero: none
	Text     string       // of all lines
	Local    bool         // made by relay, not by the next hop
}

// Of returns the reply in an outcome of a host.
func Of(mx string, o *client.Outcome) Reply {
	return Reply{MX: mx, Stage: o.Stage, Code: o.Reply.Code, Enhanced: o.Reply.Enhanced, Text: o.Reply.Text, Local: o.Local}
}

// Masked returns the reply on one line, with its text as Normalise leaves it, and the kind
// of reply: replies of one kind differ in numbers only. Parse can read both.
func (r *Reply) Masked() (reply, kind string) {
	codes := strconv.Itoa(r.Code) + " "
	if r.Enhanced[0] != 0 {
		codes += fmt.Sprintf("%d.%d.%d ", r.Enhanced[0], r.Enhanced[1], r.Enhanced[2])
	}
	return strings.TrimSpace(codes + Normalise(r.Text)), strings.TrimSpace(codes + Group(r.Text))
}

// ParseStage reads the name of a stage, in any case.
func ParseStage(name string) (client.Stage, bool) {
	name = strings.TrimSpace(name)
	if strings.EqualFold(name, "HELO") {
		return client.StageHello, true
	}
	for s := client.StageConnect; s <= client.StageQuit; s++ {
		if strings.EqualFold(name, s.String()) {
			return s, true
		}
	}
	return 0, false
}

// Parse reads a reply as logs and bounces have it: its lines as they came, or joined by
// spaces or escaped line ends. A text without a code is that of a program that lost its
// connection.
func Parse(mx string, stage client.Stage, text string) Reply {
	r := Reply{MX: strings.TrimSuffix(strings.TrimSpace(mx), "."), Stage: stage}
	var said []string
	for i, line := range splitLines(text) {
		code, rest := cutCode(line)
		switch {
		case code == 0 && i == 0:
			rest = line
		case code == 0:
			rest = line // a stray line inside a reply
		case r.Code/100 != code/100:
			r.Code, r.Enhanced = code, [3]int{}
		default:
			r.Code = code
		}
		enhanced, rest := cutEnhanced(rest)
		if r.Enhanced[0] == 0 {
			r.Enhanced = enhanced
		}
		if rest = strings.TrimSpace(rest); rest != "" {
			said = append(said, rest)
		}
	}
	r.Text = strings.Join(said, " ")
	r.complete()
	return r
}

// complete finds an enhanced code inside the text if there is none before it, as qmail
// writes it, and gives it the class of the basic code, which hosts use consistently.
func (r *Reply) complete() {
	if r.Enhanced[0] == 0 {
		r.Enhanced = innerEnhanced(r.Text)
	}
	if r.Enhanced[0] != 0 && r.Code != 0 {
		r.Enhanced[0] = r.Code / 100
	}
}

// splitLines returns the lines of a reply, also of one whose lines were joined. A new line
// begins at a code with a hyphen, and the last one at a bare code that fits those before.
func splitLines(text string) (lines []string) {
	text = strings.NewReplacer("\\r\\n", "\n", "\\n", "\n", "\r\n", "\n", "\r", "\n").Replace(strings.TrimSpace(text))
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, splitJoined(line)...)
		}
	}
	return lines
}

func splitJoined(line string) (lines []string) {
	begin := 0
	more, code := continues(line)
	for i := 1; more && i < len(line); i++ {
		if line[i-1] != ' ' && line[i-1] != '\t' {
			continue
		}
		again, next := continues(line[i:])
		if next == 0 || !again && next != code && !statusAfter(line[i:]) {
			continue
		}
		lines = append(lines, strings.TrimSpace(line[begin:i]))
		begin, more, code = i, again, next
	}
	return append(lines, line[begin:])
}

// continues reads the code at the beginning of a line, and whether more lines follow; 0:
// there is none.
func continues(line string) (more bool, code int) {
	code, _ = cutCode(line)
	return code != 0 && len(line) > 3 && line[3] == '-', code
}

// statusAfter reports whether an enhanced code of the same class follows the code.
func statusAfter(line string) bool {
	code, rest := cutCode(line)
	e, _ := cutEnhanced(rest)
	return e[0] == code/100
}

// cutCode takes the basic code off a line; 0: it has none.
func cutCode(line string) (code int, rest string) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !digit(line[1]) || !digit(line[2]) {
		return 0, line
	}
	if len(line) > 3 && line[3] != ' ' && line[3] != '-' && line[3] != '\t' {
		return 0, line
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	return code, line[min(4, len(line)):]
}

// cutEnhanced takes an enhanced code off the front, and the # that some hosts write before
// it.
func cutEnhanced(text string) (e [3]int, rest string) {
	s := strings.TrimPrefix(strings.TrimLeft(text, " \t"), "#")
	e, n := enhancedAt(s)
	if n == 0 || n < len(s) && strings.IndexByte(" \t:;,", s[n]) < 0 {
		return [3]int{}, text
	}
	return e, strings.TrimLeft(s[n:], " \t:;,")
}

// innerEnhanced finds a code inside the text, as (#5.1.1) or #5.1.1.
func innerEnhanced(text string) (e [3]int) {
	for {
		i := strings.IndexByte(text, '#')
		if i < 0 {
			return [3]int{}
		}
		text = text[i+1:]
		if e, n := enhancedAt(text); n > 0 {
			return e
		}
	}
}

// enhancedAt reads a code such as 5.1.1 (RFC 3463) and returns its length; 0: there is
// none.
func enhancedAt(s string) (e [3]int, length int) {
	if len(s) < 5 || s[0] != '2' && s[0] != '4' && s[0] != '5' {
		return e, 0
	}
	i := 0
	for part := range e {
		if part > 0 {
			if i >= len(s) || s[i] != '.' {
				return [3]int{}, 0
			}
			i++
		}
		first := i
		for i < len(s) && i < first+3 && digit(s[i]) {
			e[part] = e[part]*10 + int(s[i]-'0')
			i++
		}
		if i == first || part == 0 && i > 1 || i < len(s) && digit(s[i]) {
			return [3]int{}, 0
		}
	}
	if i < len(s)-1 && s[i] == '.' && digit(s[i+1]) {
		return [3]int{}, 0 // an address
	}
	return e, i
}

func digit(b byte) bool { return b >= '0' && b <= '9' }
