package blocklist

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"relay/mailer/route"
)

// Kind is what a list is about.
type Kind string

// The kinds.
const (
	Addresses Kind = "address"
	Domains   Kind = "domain"
)

// List is a blocklist.
type List struct {
	Name   string
	Kind   Kind
	Drains bool   // a source that is listed there is drained
	Lookup string // a page that says why something is listed; "": none is known

	zone             string // with the key
	answers, refused []netip.Prefix
	listed, clean    string // what is always listed, and what never is
}

// Names is the DNS that lists are asked through.
type Names interface {
	LookupAddrs(ctx context.Context, host string) ([]netip.Addr, error) // A and AAAA
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Answer is what a list says of an address or a domain.
type Answer struct {
	Listed bool
	Codes  []string // such as 127.0.0.2; the list's site says what each means
	Text   string   // why, in the list's words; "": it does not say
}

// ErrRefused says that a list did not answer this resolver.
var ErrRefused = errors.New("the list refuses the query")

var (
	loopback = netip.MustParsePrefix("127.0.0.0/8")
	refusals = netip.MustParsePrefix("127.255.255.0/24")
)

// Ask asks about an address or a domain, by the list's kind. A time-out and ErrRefused are
// errors: the list has said nothing.
func (l *List) Ask(ctx context.Context, n Names, subject string) (Answer, error) {
	label, err := l.label(subject)
	if err != nil {
		return Answer{}, err
	}
	name := label + "." + l.zone
	addrs, err := n.LookupAddrs(ctx, name)
	if errors.Is(err, route.ErrNotFound) || err == nil && len(addrs) == 0 {
		return Answer{}, nil
	}
	if err != nil {
		return Answer{}, fmt.Errorf("%s: %w", l.Name, err)
	}
	a, err := l.read(addrs)
	if err == nil && a.Listed {
		if texts, err := n.LookupTXT(ctx, name); err == nil {
			a.Text = strings.Join(texts, " ")
		}
	}
	return a, err
}

// read judges the addresses of an answer. Others than in 127.0.0.0/8 are a zone that was
// sold, or a resolver that answers for names that do not exist: nothing is listed by them.
func (l *List) read(addrs []netip.Addr) (a Answer, err error) {
	within := func(list []netip.Prefix, a netip.Addr) bool {
		return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	for _, addr := range addrs {
		switch {
		case refusals.Contains(addr), within(l.refused, addr):
			return Answer{}, fmt.Errorf("%s: %w (%s)", l.Name, ErrRefused, addr)
		case within(l.answers, addr):
			a.Listed = true
			a.Codes = append(a.Codes, addr.String())
		}
	}
	slices.Sort(a.Codes)
	return a, nil
}

// Healthy returns why the list is not to be believed now; nil: it is.
func (l *List) Healthy(ctx context.Context, n Names) error {
	a, err := l.Ask(ctx, n, l.listed)
	if err != nil {
		return err
	}
	if !a.Listed {
		return fmt.Errorf("%s: it does not list %s, which every such list does", l.Name, l.listed)
	}
	if a, err = l.Ask(ctx, n, l.clean); err != nil {
		return err
	}
	if a.Listed {
		return fmt.Errorf("%s: it lists %s, so it may list everything", l.Name, l.clean)
	}
	return nil
}

// label is the subject as it stands before the zone: an address backwards (RFC 5782 §2.1,
// §2.4), a domain as it is.
func (l *List) label(subject string) (string, error) {
	if l.Kind == Domains {
		name := strings.ToLower(strings.TrimSuffix(subject, "."))
		if name == "" {
			return "", fmt.Errorf("%s: no domain", l.Name)
		}
		return name, nil
	}
	addr, err := netip.ParseAddr(subject)
	if err != nil {
		return "", fmt.Errorf("%s: %w", l.Name, err)
	}
	return reversed(addr.Unmap()), nil
}

// reversed has the octets of an IPv4 address backwards, or the nibbles of an IPv6 address.
func reversed(a netip.Addr) string {
	var parts []string
	if a.Is4() {
		for _, b := range a.As4() {
			parts = append(parts, fmt.Sprint(b))
		}
	} else {
		for _, b := range a.As16() {
			parts = append(parts, fmt.Sprintf("%x", b>>4), fmt.Sprintf("%x", b&15))
		}
	}
	slices.Reverse(parts)
	return strings.Join(parts, ".")
}
