package records

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"relay/mailer/blocklist"
)

// Listing is an entry of a blocklist for a domain.
type Listing struct {
	List   string
	Text   string // why, in the list's words; "": it does not say
	Lookup string // a page that says more; "": none is known
}

// Blocks is what blocklists say of a domain.
type Blocks struct {
	Asked    int // lists that answered
	Listings []Listing
	Silent   []string // why others did not
}

// Blocked asks blocklists of domains. One that is not healthy now, or gives no answer, says
// nothing.
func Blocked(ctx context.Context, n blocklist.Names, lists []*blocklist.List, domain string) (b Blocks, err error) {
	for _, l := range lists {
		a, err := ask(ctx, n, l, domain)
		switch {
		case ctx.Err() != nil:
			return b, ctx.Err()
		case err != nil:
			b.Silent = append(b.Silent, err.Error())
			continue
		case a.Listed:
			b.Listings = append(b.Listings, Listing{l.Name, strings.TrimSpace(strings.Join(a.Codes, " ") + " " + a.Text), l.Lookup})
		}
		b.Asked++
	}
	return b, nil
}

func ask(ctx context.Context, n blocklist.Names, l *blocklist.List, domain string) (blocklist.Answer, error) {
	if err := l.Healthy(ctx, n); err != nil {
		return blocklist.Answer{}, err
	}
	return l.Ask(ctx, n, domain)
}

// Names are the lists that have the domain. before are those that had it at the look before:
// while lists are silent they count on, since silence is no word of theirs.
func (b *Blocks) Names(before []string) (list []string) {
	for i := range b.Listings {
		list = append(list, b.Listings[i].List)
	}
	for _, l := range before {
		if len(b.Silent) > 0 && !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list
}

// Finding puts what blocklists say into a finding; ok is false where none was asked.
func (b *Blocks) Finding(domain string) (f Finding, ok bool) {
	const record = "blocklists"
	switch {
	case len(b.Listings) > 0:
		var said []string
		step := "ask the list to take the domain off, once the reason is gone"
		for i := range b.Listings {
			l := &b.Listings[i]
			said = append(said, fmt.Sprintf("%s (%s)", l.List, l.Text))
			if l.Lookup != "" {
				step += "; " + l.List + ": " + l.Lookup
			}
		}
		return Finding{record, Failed, fmt.Sprintf("%s is listed by %s: receivers that ask there refuse its mail", domain, strings.Join(said, ", ")), step}, true
	case b.Asked == 0 && len(b.Silent) > 0:
		return Finding{record, Warning, "no list answered: " + strings.Join(b.Silent, "; "), "relay check looks at the name server; lists refuse public ones"}, true
	case b.Asked == 0:
		return f, false
	case len(b.Silent) > 0:
		return Finding{record, OK, fmt.Sprintf("not listed by the %d that answered; not by: %s", b.Asked, strings.Join(b.Silent, "; ")), ""}, true
	}
	return Finding{record, OK, fmt.Sprintf("not listed by any of %d", b.Asked), ""}, true
}
