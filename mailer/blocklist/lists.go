package blocklist

import (
	"bytes"
	_ "embed"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	toml "github.com/pelletier/go-toml/v2"

	"relay/mailer/rulefile"
)

// Lists are all lists that are to be asked. They do not change.
type Lists struct {
	all []*List
	own string // text of the operator's file
}

//go:embed lists.toml
var ours []byte

// Default returns our own lists, without those that need a key.
var Default = sync.OnceValue(func() *Lists {
	l, err := Read("lists.toml", nil)
	if err != nil {
		panic(err) // a test reads them
	}
	return l
})

// Read returns ours with an operator's own file over them. Its error is a *rulefile.Error
// with all problems of the file.
func Read(name string, text []byte) (*Lists, error) {
	r := &reader{}
	r.read(ours)
	if r.bad == nil && text != nil {
		r.read(text)
	}
	out := &Lists{own: string(text)}
	if r.bad == nil {
		for _, e := range r.entries {
			if l := r.list(e); l != nil {
				out.all = append(out.all, l)
			}
		}
	}
	if r.bad != nil {
		return nil, &rulefile.Error{What: "blocklists", File: name, Problems: r.bad}
	}
	return out, nil
}

// Of returns the lists of a kind, in their order.
func (l *Lists) Of(k Kind) (list []*List) {
	for _, one := range l.all {
		if one.Kind == k {
			list = append(list, one)
		}
	}
	return list
}

// Same reports whether both were read from the same text.
func (l *Lists) Same(o *Lists) bool { return l.own == o.own }

// entry is a list as a file has it; nil: the file does not set it.
type entry struct {
	Name     string   `toml:"name"`
	Zone     *string  `toml:"zone"`
	Of       *string  `toml:"of"`
	NeedsKey *bool    `toml:"needs_key"`
	Key      *string  `toml:"key"`
	Drains   *bool    `toml:"drains"`
	Answers  []string `toml:"answers"`
	Refused  []string `toml:"refused"`
	Listed   *string  `toml:"listed"`
	Clean    *string  `toml:"clean"`
	Lookup   *string  `toml:"lookup"`
	Off      *bool    `toml:"off"`

	line int
}

// reader reads files one over the other.
type reader struct {
	entries []*entry
	bad     []rulefile.Problem
}

func (r *reader) refuse(line int, format string, args ...any) {
	r.bad = append(r.bad, rulefile.Problem{Line: line, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) read(text []byte) {
	var f struct {
		List []*entry `toml:"list"`
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&f); err != nil {
		r.bad = append(r.bad, rulefile.ProblemsOf(err)...)
		return
	}
	lines := rulefile.LinesOf(text, "list")
	seen := map[string]bool{}
	for i, e := range f.List {
		e.line = lines.Of(i, "")
		if e.Name == "" || seen[e.Name] {
			r.refuse(e.line, "name %q: each list needs a name of its own", e.Name)
			continue
		}
		seen[e.Name] = true
		r.take(e)
	}
}

// take adds an entry, or changes the one of its name.
func (r *reader) take(e *entry) {
	i := slices.IndexFunc(r.entries, func(old *entry) bool { return old.Name == e.Name })
	if i < 0 {
		r.entries = append(r.entries, e)
		return
	}
	old := r.entries[i]
	old.line = e.line
	or(&old.Zone, e.Zone)
	or(&old.Of, e.Of)
	or(&old.NeedsKey, e.NeedsKey)
	or(&old.Key, e.Key)
	or(&old.Drains, e.Drains)
	or(&old.Listed, e.Listed)
	or(&old.Clean, e.Clean)
	or(&old.Lookup, e.Lookup)
	or(&old.Off, e.Off)
	if e.Answers != nil {
		old.Answers = e.Answers
	}
	if e.Refused != nil {
		old.Refused = e.Refused
	}
}

func or[T any](to **T, from *T) {
	if from != nil {
		*to = from
	}
}

func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

var (
	keyRE  = regexp.MustCompile(`^[A-Za-z0-9-]{1,63}$`)
	zoneRE = regexp.MustCompile(`^([a-z0-9_-]{1,63}|\{key\})(\.[a-z0-9_-]{1,63})+$`)
)

// list checks an entry; nil: it is off, lacks its key, or is wrong.
func (r *reader) list(e *entry) *List {
	before := len(r.bad)
	l := &List{Name: e.Name, Kind: Kind(valueOf(e.Of)), Drains: e.Drains == nil || *e.Drains, Lookup: valueOf(e.Lookup),
		zone: valueOf(e.Zone), listed: valueOf(e.Listed), clean: valueOf(e.Clean)}
	key := valueOf(e.Key)
	switch {
	case !zoneRE.MatchString(l.zone):
		r.refuse(e.line, "%s: zone %q: a domain in lower case, with {key} as its first label where it needs one", e.Name, l.zone)
	case l.Kind != Addresses && l.Kind != Domains:
		r.refuse(e.line, "%s: of %q: address or domain", e.Name, l.Kind)
	case key != "" && !keyRE.MatchString(key):
		r.refuse(e.line, "%s: key: letters, digits and hyphens", e.Name)
	case key != "" && !strings.Contains(l.zone, "{key}"):
		r.refuse(e.line, "%s: key: its zone has no {key}", e.Name)
	}
	if u, err := url.Parse(l.Lookup); l.Lookup != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http") {
		r.refuse(e.line, "%s: lookup %q: a page such as https://list.example/", e.Name, l.Lookup)
	}
	l.answers, l.refused = r.networks(e, "answers", e.Answers), r.networks(e, "refused", e.Refused)
	if len(r.bad) > before || valueOf(e.Off) || key == "" && (valueOf(e.NeedsKey) || strings.Contains(l.zone, "{key}")) {
		return nil
	}
	l.zone = strings.ReplaceAll(l.zone, "{key}", key)
	l.usual()
	return l
}

// usual fills in what RFC 5782 says (§5).
func (l *List) usual() {
	if l.answers == nil {
		l.answers = []netip.Prefix{loopback}
	}
	listed, clean := "127.0.0.2", "127.0.0.1"
	if l.Kind == Domains {
		listed, clean = "test", "invalid"
	}
	if l.listed == "" {
		l.listed = listed
	}
	if l.clean == "" {
		l.clean = clean
	}
}

// networks reads answers of a list: addresses or networks of 127.0.0.0/8.
func (r *reader) networks(e *entry, key string, texts []string) (list []netip.Prefix) {
	for _, t := range texts {
		p, err := netip.ParsePrefix(t)
		if a, aerr := netip.ParseAddr(t); err != nil && aerr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || !loopback.Contains(p.Addr()) || p.Bits() < loopback.Bits() {
			r.refuse(e.line, "%s: %s %q can never match: an address or a network of 127.0.0.0/8", e.Name, key, t)
			continue
		}
		list = append(list, p)
	}
	return list
}
