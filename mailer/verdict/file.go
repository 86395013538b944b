package verdict

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	toml "github.com/pelletier/go-toml/v2"

	"relay/mailer/rulefile"
)

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
		return nil, &rulefile.Error{What: "rules", File: name, Problems: rulefile.ProblemsOf(err)}
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
		slices.SortStableFunc(c.problems, func(a, b rulefile.Problem) int { return a.Line - b.Line })
		return nil, &rulefile.Error{What: "rules", File: name, Problems: c.problems}
	}
	return f, nil
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
