package pace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"relay/mailer/rulefile"
)

// Row has the limits of one provider.
type Row struct {
	Name     string
	MX       []string // ends of the names of its hosts; none: any host
	Prudent  Limits
	Normal   Limits
	Stops    bool // after a 421 the domain's other hosts are not asked
	AllConns int  // of all sources together; 0: no limit
	AllRate  int  // likewise, messages a minute
}

// Limits returns the limits under a profile.
func (r *Row) Limits(p Profile) Limits {
	switch p {
	case Prudent:
		return r.Prudent
	case Full:
		l := r.Normal
		l.Rate, l.Opens = 0, 0
		return l
	}
	return r.Normal
}

// matches reports whether all hosts belong to the provider.
func (r *Row) matches(hosts []string) bool {
	for _, h := range hosts {
		if !slices.ContainsFunc(r.MX, func(end string) bool { return rulefile.Below(h, end) }) {
			return false
		}
	}
	return len(hosts) > 0
}

// covers reports whether every domain that other matches is matched by r.
func (r *Row) covers(other *Row) bool {
	return len(other.MX) > 0 && !slices.ContainsFunc(other.MX, func(name string) bool {
		return !slices.ContainsFunc(r.MX, func(end string) bool { return rulefile.Below(name, end) })
	})
}

// usualRecipients is the number in one transaction, unless a row says otherwise.
const usualRecipients = 50

// entry is a row as a file has it; nil: the file does not set it.
type entry struct {
	Name       string   `toml:"name"`
	MX         []string `toml:"mx"`
	Prudent    *string  `toml:"prudent"`
	Normal     *string  `toml:"normal"`
	Recipients *int     `toml:"recipients"`
	Opens      *int     `toml:"connections_per_minute"`
	After421   *string  `toml:"after_421"`
	AllConns   *int     `toml:"all_connections"`
	AllRate    *int     `toml:"all_rate"`
}

// problem is one thing that is wrong with a row.
type problem struct{ key, text string }

// over applies an entry to the older row of its name, and returns the new row.
func (e *entry) over(r Row) (Row, []problem) {
	var bad []problem
	refuse := func(key, text string, args ...any) { bad = append(bad, problem{key, fmt.Sprintf(text, args...)}) }
	count := func(n *int, key string, least int, set func(int)) {
		switch {
		case n == nil:
		case *n < least:
			refuse(key, "%d is not from %d", *n, least)
		default:
			set(*n)
		}
	}
	both := func(fn func(*Limits)) { fn(&r.Prudent); fn(&r.Normal) }
	r.Name = e.Name
	if e.MX != nil {
		r.MX = slices.Clone(e.MX)
	}
	for _, p := range []struct {
		key  string
		text *string
		l    *Limits
	}{{"prudent", e.Prudent, &r.Prudent}, {"normal", e.Normal, &r.Normal}} {
		if p.text != nil && !p.l.parse(*p.text) {
			refuse(p.key, "%q: connections/messages per connection/messages a minute, such as 3/50/100", *p.text)
		}
	}
	count(e.Recipients, "recipients", 1, func(n int) { both(func(l *Limits) { l.Recipients = n }) })
	count(e.Opens, "connections_per_minute", 0, func(n int) { both(func(l *Limits) { l.Opens = n }) })
	count(e.AllConns, "all_connections", 0, func(n int) { r.AllConns = n })
	count(e.AllRate, "all_rate", 0, func(n int) { r.AllRate = n })
	if e.After421 != nil {
		if r.Stops = *e.After421 == "stop"; !r.Stops && *e.After421 != "next" {
			refuse("after_421", "%q: next or stop", *e.After421)
		}
	}
	return r, bad
}

// parse reads connections/messages/rate.
func (l *Limits) parse(text string) bool {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(strings.TrimSpace(p))
		if err != nil || v < 0 || v > 1_000_000 {
			return false
		}
		n[i] = v
	}
	l.Connections, l.Messages, l.Rate = n[0], n[1], n[2]
	return l.Connections > 0
}

// problems returns what is wrong with a row as a whole.
func (r *Row) problems() (bad []problem) {
	refuse := func(key, text string, args ...any) { bad = append(bad, problem{key, fmt.Sprintf(text, args...)}) }
	for i, name := range r.MX {
		switch {
		case !hostName(name):
			refuse("mx", "%q can never match: it is not the end of a host's name in lower case", name)
		case slices.ContainsFunc(r.MX[:i], func(end string) bool { return rulefile.Below(name, end) }):
			refuse("mx", "%q never decides: the row has a name that it ends with", name)
		}
	}
	for _, p := range []struct {
		key string
		l   *Limits
	}{{"prudent", &r.Prudent}, {"normal", &r.Normal}} {
		l := p.l
		if most := l.Messages * l.Opens; most > 0 && (l.Rate == 0 || l.Rate > most) {
			refuse(p.key, "declared but unreachable: %d messages a connection, %d connections a minute make %d messages a minute, not %s", l.Messages, l.Opens, most, rateText(l.Rate))
		}
		if r.AllConns > 0 && l.Connections > r.AllConns {
			refuse(p.key, "declared but unreachable: %d connections of one source, where all together may have %d", l.Connections, r.AllConns)
		}
		if r.AllRate > 0 && (l.Rate == 0 || l.Rate > r.AllRate) {
			refuse(p.key, "declared but unreachable: one source may send %s messages a minute, all together %d", rateText(l.Rate), r.AllRate)
		}
	}
	return bad
}

func rateText(n int) string {
	if n == 0 {
		return "any number of"
	}
	return strconv.Itoa(n)
}

// hostName reports whether a host's name can end with name.
func hostName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range label {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
