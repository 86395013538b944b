package align

import (
	_ "embed"
	"fmt"
	"strings"

	"relay/store/maildomain"
)

//go:embed freemail.txt
var freemail string

// provider gives mailboxes to everybody.
type provider struct {
	name   string
	policy string // quarantine or reject: what it asks others to do with mail from its domains that it did not send; "": nothing
}

// providers by domain.
var providers = mustParse(freemail)

func mustParse(text string) map[string]provider {
	list, err := parseProviders(text)
	if err != nil {
		panic(err) // it is part of the program, and tested
	}
	return list
}

// parseProviders reads lines "NAME POLICY DOMAIN…". A domain that stands there twice could
// never match the second time.
func parseProviders(text string) (map[string]provider, error) {
	list := map[string]provider{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) < 3 {
			return nil, fmt.Errorf("line %d: a name, a policy and domains", n)
		}
		p := provider{words[0], words[1]}
		switch p.policy {
		case "none":
			p.policy = ""
		case "quarantine", "reject":
		default:
			return nil, fmt.Errorf("line %d: %q is no policy", n, p.policy)
		}
		for _, d := range words[2:] {
			if _, ascii, ok := maildomain.Parse(d); !ok || ascii != d {
				return nil, fmt.Errorf("line %d: %q is no domain in lower case", n, d)
			}
			if _, twice := list[d]; twice {
				return nil, fmt.Errorf("line %d: %q is there twice", n, d)
			}
			list[d] = p
		}
	}
	return list, nil
}
