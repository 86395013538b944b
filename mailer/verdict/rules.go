package verdict

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	toml "github.com/pelletier/go-toml/v2"

	"relay/mailer/client"
	"relay/report/words"
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
// first, and may name our providers. Its error is an *Error with all problems of the file.
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

// file is the content of a file of rules, checked.
type file struct {
	providers map[string][]string
	ordered   []*Rule // as they are tried
}

// parse reads and checks a file. Its rules may also name the providers in known.
func parse(name string, text []byte, known map[string][]string) (*file, error) {
	var in struct {
		Provider map[string][]string `toml:"provider"`
		Rule     []*Rule             `toml:"rule"`
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&in); err != nil {
		return nil, &Error{name, problemsOf(err)}
	}
	c := &checker{providers: map[string][]string{}, file: linesOf(text)}
	for _, m := range []map[string][]string{known, in.Provider} {
		for provider, hosts := range m {
			c.providers[provider] = hosts
		}
	}
	c.ends(in.Provider)
	numbers := map[*Rule]int{}
	for i, r := range in.Rule {
		c.prepare(r, i)
		numbers[r] = i
	}
	f := &file{c.providers, slices.Clone(in.Rule)}
	slices.SortStableFunc(f.ordered, func(a, b *Rule) int { return a.layer() - b.layer() })
	if c.problems == nil {
		c.reach(f.ordered, numbers)
	}
	if c.problems != nil {
		slices.SortStableFunc(c.problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, &Error{name, c.problems}
	}
	return f, nil
}

func newRules(ordered []*Rule) *Rules {
	r := &Rules{ordered: ordered}
	literals := make([][]string, len(ordered))
	for i, rule := range ordered {
		for _, p := range rule.patterns {
			literals[i] = append(literals[i], p.literals...)
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

// Problem is one thing that is wrong in a file of rules.
type Problem struct {
	Line int // 0: it is not one line's
	Text string
}

// Error lists all that is wrong in a file of rules.
type Error struct {
	File     string
	Problems []Problem
}

// Error lists every problem with its line.
func (e *Error) Error() string {
	list := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		list[i] = p.Text
		if p.Line > 0 {
			list[i] = fmt.Sprintf("line %d: %s", p.Line, p.Text)
		}
	}
	return "rules " + e.File + ": " + strings.Join(list, "; ")
}

// problemsOf turns an error of the TOML package into problems.
func problemsOf(err error) (list []Problem) {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		for i := range strict.Errors {
			line, _ := strict.Errors[i].Position()
			list = append(list, Problem{line, fmt.Sprintf("unknown key %q", strings.Join(strict.Errors[i].Key(), "."))})
		}
		return list
	}
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, text := words.TOMLError(wrong)
		return []Problem{{line, text}}
	}
	return []Problem{{0, err.Error()}}
}

// lines has the line numbers of a file's rules and keys.
type lines struct {
	rules []map[string]int // by key; "" is the rule's head
	other map[string]int   // keys of [provider]
}

var (
	headRE = regexp.MustCompile(`^\[\[\s*rule\s*\]\]`)
	keyRE  = regexp.MustCompile(`^["']?([A-Za-z0-9_.-]+)["']?\s*=`)
)

func linesOf(text []byte) *lines {
	l, n := &lines{other: map[string]int{}}, 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if headRE.MatchString(line) {
			l.rules = append(l.rules, map[string]int{"": n})
			continue
		}
		m := keyRE.FindStringSubmatch(line)
		switch last := len(l.rules) - 1; {
		case m == nil:
		case last < 0:
			l.other[m[1]] = n
		default:
			l.rules[last][m[1]] = n
		}
	}
	return l
}

// of returns the line of a rule's key, or of the rule if the key is not found; 0: the file
// uses another notation of TOML.
func (l *lines) of(rule int, key string) int {
	if rule >= len(l.rules) {
		return 0
	}
	if n, ok := l.rules[rule][key]; ok {
		return n
	}
	return l.rules[rule][""]
}
