package verdict

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"relay/mailer/client"
	"relay/mailer/rulefile"
	"relay/report/words"
)

// checker prepares the rules of a file and collects their problems.
type checker struct {
	providers map[string][]string
	file      *rulefile.Lines
	rule      *Rule
	number    int // of the rule in the file, from 0
	problems  []rulefile.Problem
}

// bad notes a problem with a key of the current rule.
func (c *checker) bad(key, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if c.rule.ID != "" {
		text = "rule " + c.rule.ID + ": " + text
	}
	c.problems = append(c.problems, rulefile.Problem{Line: c.file.Of(c.number, key), Text: text})
}

var (
	idRE   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
	hostRE = regexp.MustCompile(`^([a-z0-9_]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$`)
)

// prepare reads the conditions of a rule.
func (c *checker) prepare(r *Rule, number int) {
	c.rule, c.number = r, number
	r.line = c.file.Of(number, "")
	if !idRE.MatchString(r.ID) {
		c.bad("id", "id %q: lower-case letters, digits, dots and hyphens", r.ID)
	}
	c.hosts(r)
	c.category(r)
	c.stage(r)
	c.code(r)
	c.text(r)
	c.answer(r)
	if r.Provider == "" && r.MX == nil && r.Text == nil && r.Code == nil && r.Enhanced == nil && r.Stage == nil {
		c.bad("", "it has no condition, and would match every reply")
	}
}

func (c *checker) hosts(r *Rule) {
	r.sites = r.MX
	if r.Provider != "" {
		sites, ok := c.providers[r.Provider]
		if !ok {
			c.bad("provider", "unknown provider %q%s", r.Provider, words.DidYouMean(r.Provider, keys(c.providers)))
		}
		if r.MX != nil {
			c.bad("mx", "mx beside provider: one of both")
		}
		r.sites = sites
	}
	for _, host := range r.MX {
		if !hostRE.MatchString(host) {
			c.bad("mx", "mx %q is no name of a host, in lower case", host)
		}
	}
}

func keys(m map[string][]string) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

func (c *checker) category(r *Rule) {
	k, ok := categories[r.Category]
	if !ok {
		names := make([]string, 0, len(categories))
		for _, name := range Categories() {
			names = append(names, string(name))
		}
		c.bad("category", "unknown category %q%s", r.Category, words.DidYouMean(string(r.Category), names))
	}
	r.answer = Verdict{Category: r.Category, Blame: k.blame, Slows: k.slows, Rule: r.ID}
	r.always = k.again == always
}

func (c *checker) stage(r *Rule) {
	ours := stagesFrom(client.StageConnect)
	if r.Blame == OfRecipient || r.Blame == "" && r.Category.ofRecipient() {
		ours = stagesFrom(client.StageRcpt)
	}
	r.stages = ours
	if r.Stage == nil {
		return
	}
	r.stages = 0
	for _, name := range r.Stage {
		set, ok := stageSets[strings.ToLower(name)]
		if s, one := ParseStage(name); one && !ok {
			set, ok = 1<<s, true
		}
		switch {
		case !ok:
			c.bad("stage", "unknown stage %q: connect, greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, end, or before-mail", name)
		case set&ours == 0:
			c.bad("stage", "stage %q: the recipient is not known before RCPT", name)
		}
		r.stages |= set & ours
	}
}

func (c *checker) code(r *Rule) {
	for _, text := range r.Code {
		w, ok := parseCode(text)
		if !ok {
			c.bad("code", "impossible code %q: such as 550, 55x, 4xx, or none", text)
		}
		r.codes = append(r.codes, w)
	}
	for _, text := range r.Enhanced {
		w, ok := parseStatus(text)
		if !ok {
			c.bad("enhanced", "impossible enhanced code %q: such as 5.7.1, x.7.1, 5.7.x, or none", text)
		} else if r.codes != nil && !w.none && !slices.ContainsFunc(r.codes, func(code wild) bool { return sameClass(&code, &w) }) {
			c.bad("enhanced", "impossible code: %s never comes with %s", text, strings.Join(r.Code, ", "))
		}
		r.statuses = append(r.statuses, w)
	}
}

func sameClass(code, status *wild) bool {
	return !code.none && (code.n[0] == anyDigit || status.n[0] == anyDigit || code.n[0] == status.n[0])
}

// parseCode reads a basic code whose digits may be x.
func parseCode(text string) (w wild, ok bool) {
	if text == "none" {
		return wild{none: true}, true
	}
	if len(text) != 3 || text[0] != '4' && text[0] != '5' && text[0] != 'x' {
		return w, false
	}
	for i := range text {
		switch {
		case text[i] == 'x':
			w.n[i] = anyDigit
		case digit(text[i]):
			w.n[i] = int(text[i] - '0')
		default:
			return w, false
		}
	}
	return w, w.n[1] < 6 // RFC 5321 §4.2.1 knows second digits up to 5
}

// parseStatus reads an enhanced code whose numbers may be x.
func parseStatus(text string) (w wild, ok bool) {
	if text == "none" {
		return wild{none: true}, true
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return w, false
	}
	for i, part := range parts {
		if part == "x" {
			w.n[i] = anyDigit
			continue
		}
		if part == "" || len(part) > 3 || len(part) > 1 && part[0] == '0' {
			return w, false
		}
		for k := range part {
			if !digit(part[k]) {
				return w, false
			}
			w.n[i] = w.n[i]*10 + int(part[k]-'0')
		}
	}
	class := w.n[0] == anyDigit || w.n[0] == 4 || w.n[0] == 5
	return w, class && w.n[1] <= 7 // subjects of RFC 3463 §3
}

func (c *checker) text(r *Rule) {
	for _, text := range r.Text {
		p, err := compile(text)
		if err != nil {
			c.bad("text", "pattern %q: %v", text, err)
			continue
		}
		r.patterns = append(r.patterns, p)
	}
}

func (c *checker) answer(r *Rule) {
	switch r.Class {
	case "":
	case string(Deferred), string(Failed):
		r.answer.Class = Class(r.Class)
	case "code":
		r.always = false
	default:
		c.bad("class", "class %q: deferred, failed or code", r.Class)
	}
	if r.Class == string(Failed) && r.stages&stagesFrom(client.StageMail) == 0 {
		c.bad("class", "class failed: before MAIL nothing fails for good")
	}
	if r.Blame != "" {
		r.answer.Blame = r.Blame
		if !slices.Contains(blames, r.Blame) {
			c.bad("blame", "unknown blame %q: one of %q", r.Blame, blames)
		}
	}
	c.pace(r)
}

func (c *checker) pace(r *Rule) {
	switch {
	case r.Slows == "nothing":
		r.answer.Slows = ""
	case slices.Contains(parties, Party(r.Slows)):
		r.answer.Slows = Party(r.Slows)
	case r.Slows != "":
		c.bad("slows", "slows %q: site, source, account or nothing", r.Slows)
	}
	if r.Suspend == "" {
		return
	}
	d, err := words.ParseDuration(r.Suspend)
	if err != nil || d <= 0 || d > maxWait {
		c.bad("suspend", "suspend %q: a time such as 2h, up to a day", r.Suspend)
	}
	r.answer.Suspend = d
}

// reach notes rules that never match because an earlier rule of the file takes all their
// replies.
func (c *checker) reach(ordered []*Rule, numbers map[*Rule]int) {
	for i, r := range ordered {
		c.rule, c.number = r, numbers[r]
		for _, before := range ordered[:i] {
			if before.ID == r.ID {
				c.bad("id", "there are two rules of that id; the other is on line %d", before.line)
				break
			}
			if before.covers(r) {
				c.bad("", "never matches: rule %s on line %d takes all its replies", before.ID, before.line)
				break
			}
		}
	}
}

// ends checks the hosts of the file's providers.
func (c *checker) ends(providers map[string][]string) {
	for _, name := range keys(providers) {
		if len(providers[name]) == 0 {
			c.problems = append(c.problems, rulefile.Problem{Line: c.file.Other[name], Text: "provider " + name + " has no hosts"})
		}
		for _, host := range providers[name] {
			if !hostRE.MatchString(host) {
				c.problems = append(c.problems, rulefile.Problem{Line: c.file.Other[name], Text: fmt.Sprintf("provider %s: %q is no name of a host, in lower case", name, host)})
			}
		}
	}
}
