package site

import (
	"strings"
	"time"

	"relay/mailer/pace"
	"relay/mailer/policy"
	"relay/mailer/source"
)

// Origin is a source as the schedule knows it. Only the goroutine of the schedule touches
// it, except for what is configured, which never changes: a reload makes another Source.
type Origin struct {
	*source.Source
	Name string // see Source.Name

	Gone    bool   // the machine lacks its address, or the configuration has it no more
	Drained bool   // by the operator
	Listed  bool   // by a blocklist that drains
	Culprit string // account that stays while it is listed; "": none

	Warm   map[string]*Warmth // by provider; nil: it needs no warm-up
	Sent   map[string]int     // messages by provider, on Day
	Day    int64
	News   bool    // the store is to be told of Sent
	Server *Domain // the server that its mail goes through; nil: it goes to the hosts of its domain

	Blamers map[string]bool // places without a row that refused the address on Day, up to as many as stop its warm-up
}

// OriginsOf are the sources of a configuration.
func OriginsOf(list []source.Source) []*Origin {
	all := make([]*Origin, len(list))
	for i := range list {
		all[i] = NewOrigin(&list[i])
	}
	return all
}

// NewOrigin is a source of which nothing is remembered.
func NewOrigin(src *source.Source) *Origin {
	o := &Origin{Source: src, Name: src.Name(), Sent: map[string]int{}, Blamers: map[string]bool{}}
	if src.WarmUp > 0 {
		o.Warm = map[string]*Warmth{}
	}
	return o
}

// Usable reports whether mail may leave by a source at all.
func (o *Origin) Usable(now time.Time) bool { return !o.Gone && !o.Drained && !now.Before(o.Since) }

// Count notes that n messages begin to a provider.
func (o *Origin) Count(provider string, n int, now time.Time) {
	if o.Name == "" {
		return
	}
	o.Turn(now)
	o.Sent[provider] += n
	o.News = true
}

// Turn begins a day.
func (o *Origin) Turn(now time.Time) {
	if day := source.Day(now); day != o.Day {
		o.Day = day
		clear(o.Sent)
		clear(o.Blamers)
	}
}

// Door is the server that a source goes through, as a domain of its own.
func (o *Origin) Door() *Domain {
	if o.Server == nil {
		o.Server = &Domain{Name: "source " + o.Name, Via: o.Via}
	}
	return o.Server
}

// nameOf tells the site of a source at a place from all others.
func nameOf(p *Place, o *Origin) string {
	if o.Name == "" {
		return p.Key
	}
	return p.Key + fromMark + o.Name
}

const fromMark = "\x00from "

// Direct reports whether mail goes to MX hosts, or by a server of the source's own that
// stands in for them.
func (t *Site) Direct() bool { return t.Path != nil && (!t.Path.Fixed || t.Origin.Via != nil) }

// Label is the site in a log.
func (t *Site) Label() string { return strings.ReplaceAll(t.Name, "\x00", " ") }

// RowName is the provider under which what a source sends is counted: all hosts without a
// row of their own are one.
func (t *Site) RowName() string {
	if t.Row == nil {
		return pace.AnyOther
	}
	return t.Row.Name
}

// TermsFor are what a domain asks of TLS at a site; nil: nothing, as of a server that the
// source goes through.
func (t *Site) TermsFor(d *Domain) *policy.Terms {
	if t.Origin.Via != nil {
		return nil
	}
	return d.Terms
}

// Take puts a source under another configuration.
func (o *Origin) Take(src *source.Source) {
	o.Source, o.Server = src, nil
	if src.WarmUp == 0 {
		o.Warm = nil
	} else if o.Warm == nil {
		o.Warm = map[string]*Warmth{}
	}
	for _, w := range o.Warm {
		w.First = src.WarmUp
	}
}

// Same reports whether two sources are configured alike.
func Same(a, b *source.Source) bool {
	x, y := *a, *b
	x.Via, y.Via = nil, nil
	if x != y || (a.Via == nil) != (b.Via == nil) {
		return false
	}
	return a.Via == nil || a.Via.Host == b.Via.Host && a.Via.Port == b.Via.Port && a.Via.TLS == b.Via.TLS &&
		(a.Via.Auth == nil) == (b.Via.Auth == nil) && (a.Via.Auth == nil || *a.Via.Auth == *b.Via.Auth)
}
