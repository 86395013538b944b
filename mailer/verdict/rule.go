package verdict

import (
	"slices"
	"strings"

	"relay/mailer/client"
)

// Rule is one row of a file of rules: conditions that all hold, and what follows.
type Rule struct {
	ID       string   `toml:"id"`
	Provider string   `toml:"provider"` // name of a provider of the file, or of ours
	MX       []string `toml:"mx"`       // hosts, or the ends of their names
	Stage    []string `toml:"stage"`    // none: all, or from RCPT on where the recipient is blamed
	Code     []string `toml:"code"`     // 550, 55x, 5xx, none
	Enhanced []string `toml:"enhanced"` // 5.7.1, x.7.1, 5.7.x, none
	Text     []string `toml:"text"`     // patterns, one of which is in the text

	Category Category `toml:"category"`
	Class    string   `toml:"class"`   // deferred, failed, or code: as the basic code says; "": as the category
	Blame    Blame    `toml:"blame"`   // "": as the category
	Slows    string   `toml:"slows"`   // site, source, account, nothing; "": as the category
	Suspend  string   `toml:"suspend"` // how long the site stops: 2h

	line     int
	sites    []string // ends of hosts' names; nil: all hosts
	stages   uint32   // by client.Stage; our own words only mind those that Stage names
	codes    []wild
	statuses []wild
	patterns []*pattern
	answer   Verdict // without the class, unless the rule fixes it
	always   bool    // deferred also after a permanent code
}

// anyDigit is what a condition's x is.
const anyDigit = -1

// wild is a code of up to three numbers, any of which may be open; none: there is no code.
type wild struct {
	n    [3]int
	none bool
}

func (w *wild) matches(n [3]int) bool {
	if w.none || n == [3]int{} {
		return w.none && n == [3]int{}
	}
	for i := range n {
		if w.n[i] != anyDigit && w.n[i] != n[i] {
			return false
		}
	}
	return true
}

// covers reports whether w matches all that v does.
func (w *wild) covers(v *wild) bool {
	if w.none || v.none {
		return w.none == v.none
	}
	for i := range w.n {
		if w.n[i] != anyDigit && w.n[i] != v.n[i] {
			return false
		}
	}
	return true
}

// digitsOf is a basic code as its three digits.
func digitsOf(code int) [3]int { return [3]int{code / 100, code / 10 % 10, code % 10} }

// layers in the order in which rules are tried.
const (
	layerProvider = iota
	layerText
	layerEnhanced
	layerCode
)

func (r *Rule) layer() int {
	switch {
	case r.sites != nil:
		return layerProvider
	case r.patterns != nil:
		return layerText
	case r.statuses != nil:
		return layerEnhanced
	}
	return layerCode
}

// statement is a reply as rules look at it.
type statement struct {
	*Reply
	text   []byte // normalised
	digits [3]int
	host   string // of the MX, lower case
}

// matches leaves the texts to the caller, who knows whether the literals are there.
func (r *Rule) matches(s *statement) bool {
	switch {
	case r.stages&(1<<s.Stage) == 0 && !(s.Local && r.Stage == nil):
		return false
	case s.Local && (r.sites != nil || r.patterns != nil):
		return false // texts are of hosts, and our own words have exact codes
	case r.codes != nil && !slices.ContainsFunc(r.codes, func(w wild) bool { return w.matches(s.digits) }):
		return false
	case r.statuses != nil && !slices.ContainsFunc(r.statuses, func(w wild) bool { return w.matches(s.Enhanced) }):
		return false
	case r.sites != nil && !slices.ContainsFunc(r.sites, func(end string) bool { return below(s.host, end) }):
		return false
	}
	return true
}

// says reports whether one of the patterns is in the text.
func (r *Rule) says(text []byte) bool {
	return slices.ContainsFunc(r.patterns, func(p *pattern) bool { return p.matches(text) })
}

// below reports whether a host's name is end, or ends in it after a dot.
func below(host, end string) bool {
	rest, ok := strings.CutSuffix(host, end)
	return ok && (rest == "" || strings.HasSuffix(rest, "."))
}

// covers reports whether r, which comes first, leaves nothing to another rule.
func (r *Rule) covers(o *Rule) bool {
	switch {
	case r.stages&o.stages != o.stages || r.Stage != nil && o.Stage == nil:
		return false
	case r.sites != nil && (o.sites == nil || !all(o.sites, func(s string) bool {
		return slices.ContainsFunc(r.sites, func(end string) bool { return below(s, end) })
	})):
		return false
	}
	return coversCodes(r.codes, o.codes) && coversCodes(r.statuses, o.statuses) && r.coversText(o)
}

func coversCodes(first, other []wild) bool {
	return first == nil || other != nil && all(other, func(v wild) bool {
		return slices.ContainsFunc(first, func(w wild) bool { return w.covers(&v) })
	})
}

func (r *Rule) coversText(o *Rule) bool {
	return r.patterns == nil || o.patterns != nil && all(o.patterns, func(p *pattern) bool {
		return slices.ContainsFunc(r.patterns, func(q *pattern) bool { return q.covers(p) })
	})
}

func all[T any](list []T, ok func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !ok(v) })
}

// stagesFrom are all stages from one on.
func stagesFrom(first client.Stage) (set uint32) {
	for s := first; s <= client.StageQuit; s++ {
		set |= 1 << s
	}
	return set
}

// stageSets are names for several stages.
var stageSets = map[string]uint32{
	"before-mail": stagesFrom(client.StageConnect) &^ stagesFrom(client.StageMail),
	"data":        stagesFrom(client.StageData) &^ stagesFrom(client.StageQuit), // DATA, the content and the end
}
