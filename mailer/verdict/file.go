package verdict

import (
	"bytes"
	"slices"

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
	c := &checker{providers: map[string][]string{}, file: rulefile.LinesOf(text, "rule")}
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
