package verdict

import (
	_ "embed"
	"strings"
	"sync"
	"time"

	"relay/mailer/client"
)

// Verdict is what a reply means.
type Verdict struct {
	Class    Class
	Category Category      // "": delivered
	Blame    Blame         // "": delivered
	Rule     string        // id of the rule that decided; "": no rule matched
	Slows    Party         // what has to go slower; "": nothing
	Suspend  time.Duration // how long the site stops, by the rule; 0: it does not
	Wait     time.Duration // until another attempt, as the reply's text asks; 0: it does not
}

// Rules judge replies. They do not change, and many goroutines may use them at once.
type Rules struct {
	ordered []*Rule   // as they are tried
	search  *search   // owners are indices into ordered
	own     string    // text of the operator's file
	found   sync.Pool // of *[]bool, a mark for each rule whose literal is in the text
}

//go:embed rules.toml
var ours []byte

// Default returns our own rules.
var Default = sync.OnceValue(func() *Rules {
	f, err := parse("rules.toml", ours, nil)
	if err != nil {
		panic(err) // a test reads them
	}
	return newRules(f.ordered)
})

// Read returns the rules of an operator's own file and ours. The file's rules are tried
// first, and may name our providers. Its error is a *rulefile.Error with all problems of the file.
func Read(name string, text []byte) (*Rules, error) {
	base, err := parse("rules.toml", ours, nil)
	if err != nil {
		return nil, err
	}
	own, err := parse(name, text, base.providers)
	if err != nil {
		return nil, err
	}
	all := newRules(append(own.ordered, base.ordered...))
	all.own = string(text)
	return all, nil
}

// Same reports whether both were read from the same text.
func (r *Rules) Same(o *Rules) bool { return r.own == o.own }

// newRules prepares rules in the order in which they are tried.
func newRules(ordered []*Rule) *Rules {
	r := &Rules{ordered: ordered}
	literals := make([][]string, len(ordered))
	for i, rule := range ordered {
		for k, p := range rule.patterns {
			literals[i] = append(literals[i], p.literals...)
			rule.patterns[k] = p.lean()
		}
	}
	r.search = newSearch(literals)
	r.found.New = func() any { return new(make([]bool, len(ordered))) }
	return r
}

// Len returns the number of rules.
func (r *Rules) Len() int { return len(r.ordered) }

// Judge says what a reply means.
func (r *Rules) Judge(reply Reply) Verdict {
	if reply.Code/100 == 2 {
		return Verdict{Class: Delivered}
	}
	if reply.Enhanced[0] != 0 && reply.Code >= 400 {
		reply.Enhanced[0] = reply.Code / 100
	}
	s := statement{Reply: &reply, text: normalise(make([]byte, 0, len(reply.Text)), reply.Text),
		digits: digitsOf(reply.Code), host: strings.ToLower(strings.TrimSuffix(reply.MX, "."))}
	v := Verdict{Category: Uncategorized, Blame: OfUnknown}
	rule := r.find(&s)
	if rule != nil {
		v = rule.answer
	}
	v.Class = s.class(rule)
	if v.Class != Deferred {
		v.Suspend = 0
		return v
	}
	v.Wait = waitIn(s.text)
	return v
}

// find returns the first rule that matches; nil: none does.
func (r *Rules) find(s *statement) *Rule {
	list := r.found.Get().(*[]bool)
	defer r.found.Put(list)
	clear(*list)
	r.search.in(s.text, *list)
	for i, rule := range r.ordered {
		if (rule.patterns == nil || (*list)[i]) && rule.matches(s) && (rule.patterns == nil || rule.says(s.text)) {
			return rule
		}
	}
	return nil
}

// class returns the class of a reply. A reply before MAIL is never final, because it is
// about the host or about us; nor is a lost connection.
func (s *statement) class(rule *Rule) Class {
	switch {
	case !s.Local && s.Stage < client.StageMail:
		return Deferred
	case rule != nil && rule.answer.Class != "":
		return rule.answer.Class
	case s.Code/100 != 5, rule != nil && rule.always && !s.Local:
		return Deferred
	}
	return Failed
}
