package verdict

import (
	"slices"

	"relay/mailer/client"
	"relay/mailer/rulefile"
)

// Rule is one row of a file of rules: conditions that must all hold, and the answer.
type Rule struct {
	ID       string   `toml:"id"`
	Provider string   `toml:"provider"` // name of a provider of the file, or of ours
	MX       []string `toml:"mx"`       // hosts, or the ends of their names
	Stage    []string `toml:"stage"`    // none: all, or from RCPT on where the recipient is blamed
	Code     []string `toml:"code"`     // 550, 55x, 5xx, none
	Enhanced []string `toml:"enhanced"` // 5.7.1, x.7.1, 5.7.x, none
	Text     []string `toml:"text"`     // patterns; the text must match one

	Category Category `toml:"category"`
	Class    string   `toml:"class"`   // deferred, failed, or code: as the basic code says; "": as the category
	Blame    Blame    `toml:"blame"`   // "": as the category
	Slows    string   `toml:"slows"`   // site, source, account, nothing; "": as the category
	Suspend  string   `toml:"suspend"` // how long the site stops: 2h

	line     int
	sites    []string // ends of hosts' names; nil: all hosts
	stages   uint32   // a bit for each client.Stage; for Local replies only those that Stage names count
	codes    []wild
	statuses []wild
	patterns []*pattern
	answer   Verdict // without the class, unless the rule fixes it
	always   bool    // deferred also after a permanent code
}

// anyDigit stands for the x of a condition.
const anyDigit = -1

// wild is a condition on a code of three numbers, any of which may be anyDigit; none: the
// reply must have no code.
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

// digitsOf returns the three digits of a basic code.
func digitsOf(code int) [3]int { return [3]int{code / 100, code / 10 % 10, code % 10} }

// Layers, in the order in which rules are tried.
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

// statement is a reply prepared for comparison with rules.
type statement struct {
	*Reply
	text   []byte // normalised
	digits [3]int
	host   string // of the MX, lower case
}

// matches checks all conditions except the text, for which see says: the caller knows
// whether the literals are there.
func (r *Rule) matches(s *statement) bool {
	switch {
	case r.stages&(1<<s.Stage) == 0 && !(s.Local && r.Stage == nil):
		return false
	case s.Local && (r.sites != nil || r.patterns != nil):
		return false // Local replies have exact codes, and their texts are ours
	case r.codes != nil && !slices.ContainsFunc(r.codes, func(w wild) bool { return w.matches(s.digits) }):
		return false
	case r.statuses != nil && !slices.ContainsFunc(r.statuses, func(w wild) bool { return w.matches(s.Enhanced) }):
		return false
	case r.sites != nil && !slices.ContainsFunc(r.sites, func(end string) bool { return rulefile.Below(s.host, end) }):
		return false
	}
	return true
}

// says reports whether the text matches one of the patterns.
func (r *Rule) says(text []byte) bool {
	return slices.ContainsFunc(r.patterns, func(p *pattern) bool { return p.matches(text) })
}

// covers reports whether r, tried first, matches all that the other rule would match.
func (r *Rule) covers(o *Rule) bool {
	switch {
	case r.stages&o.stages != o.stages || r.Stage != nil && o.Stage == nil:
		return false
	case r.sites != nil && (o.sites == nil || !all(o.sites, func(s string) bool {
		return slices.ContainsFunc(r.sites, func(end string) bool { return rulefile.Below(s, end) })
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

// stagesFrom returns the set of all stages from first on.
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
