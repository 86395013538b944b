// Package survey looks at the way to a domain stage by stage, as mail would go, and sends nothing.
package survey

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"relay/mailer/client"
	"relay/mailer/hosts"
	"relay/mailer/link"
	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/source"
	"relay/mailer/verdict"
)

// Sight is one thing that a survey found.
type Sight struct {
	Host   string // that it is about; "": the domain
	Stage  string // route, MTA-STS, DANE, connect, TLS, EHLO, RCPT
	Level  SightLevel
	Detail string
}

// SightLevel says how good it is.
type SightLevel uint8

// Levels of what was found.
const (
	SightGood    SightLevel = iota
	SightDoubt              // it works, but not as it should, or not now
	SightBad                // mail is refused here
	SightPassing            // mail does not get through here now
)

// ErrSurveys says that as many surveys as may be are under way.
var ErrSurveys = errors.New("others are looking at next hops already")

const maxSurveys = 4

// Surveyor makes the surveys, maxSurveys at most at once.
type Surveyor struct {
	router   *route.Router
	policies *policy.Book
	links    *link.Opener
	cfg      *atomic.Pointer[settings.Config]
	judge    func(o *client.Outcome, host string) verdict.Verdict
	places   chan struct{} // a place for each that is under way
}

// New returns a surveyor that goes the ways that mail goes, and judges replies as mail does.
func New(r *route.Router, p *policy.Book, l *link.Opener, cfg *atomic.Pointer[settings.Config], judge func(*client.Outcome, string) verdict.Verdict) *Surveyor {
	return &Surveyor{router: r, policies: p, links: l, cfg: cfg, judge: judge, places: make(chan struct{}, maxSurveys)}
}

// surveyTimes let a survey end while somebody waits for it.
var surveyTimes = client.Timeouts{Reach: time.Minute, Greeting: 20 * time.Second, Hello: 20 * time.Second, Handshake: 20 * time.Second,
	Auth: 20 * time.Second, Mail: 20 * time.Second, Rcpt: 20 * time.Second, Quit: time.Second}

// Look looks at the way to a domain, stage by stage and at each of its hosts, and says
// what it finds. With an address it asks each host for the recipient, up to RCPT. Nothing
// is sent. It goes beside the schedule, and no ceiling knows of it: one connection to the
// first address of each host.
func (p *Surveyor) Look(ctx context.Context, domain, address string, tell func(*Sight) error) error {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		return ErrSurveys
	}
	v := &survey{Surveyor: p, ctx: ctx, domain: domain, address: address, tell: tell}
	path, err := p.router.Route(ctx, domain)
	if fault, ok := errors.AsType[*route.Error](err); ok {
		level := SightPassing
		if fault.Permanent {
			level = SightBad
		}
		return tell(&Sight{Stage: "route", Level: level, Detail: fault.Error()})
	} else if err != nil {
		return err
	}
	return v.run(path)
}

// survey is one look.
type survey struct {
	*Surveyor
	ctx     context.Context
	domain  string
	address string
	tell    func(*Sight) error
	want    link.Demand
}

func (v *survey) run(path *route.Path) error {
	if err := v.say("", "route", SightGood, "%s", wayText(path)); err != nil {
		return err
	}
	terms, fetch := v.policies.Terms(v.ctx, v.domain, path)
	if fetch != nil {
		terms = fetch()
	}
	v.want.Terms = terms
	if !path.Fixed {
		if err := errors.Join(v.sts(terms), v.dane(terms, path)); err != nil {
			return err
		}
	}
	for i := range path.Hosts {
		if err := v.host(path, &path.Hosts[i]); err != nil {
			return err
		}
	}
	return v.ctx.Err()
}

func (v *survey) say(host, stage string, level SightLevel, format string, args ...any) error {
	if v.ctx.Err() != nil {
		return context.Cause(v.ctx)
	}
	return v.tell(&Sight{host, stage, level, fmt.Sprintf(format, args...)})
}

func wayText(p *route.Path) string {
	names := make([]string, len(p.Hosts))
	for i, h := range p.Hosts {
		names[i] = h.Name
	}
	way := "MX "
	if p.Fixed {
		way = "static route to "
	}
	return fmt.Sprintf("%s%s, port %d", way, strings.Join(names, ", "), p.Port)
}

// sts is about the domain's policy.
func (v *survey) sts(t *policy.Terms) error {
	why := v.policies.Trouble(v.domain)
	switch p := t.Policy(); {
	case p == nil && why != "":
		return v.say("", "MTA-STS", SightDoubt, "the domain says that it has a policy, which cannot be fetched: %s", why)
	case p == nil:
		return v.say("", "MTA-STS", SightGood, "no policy")
	case why != "":
		return v.say("", "MTA-STS", SightDoubt, "%s, which holds, but cannot be fetched anew: %s", policyText(p.Mode, p.MX), why)
	default:
		return v.say("", "MTA-STS", SightGood, "%s", policyText(p.Mode, p.MX))
	}
}

func policyText(mode string, mx []string) string {
	return fmt.Sprintf("policy with mode %s, mx %s", mode, strings.Join(mx, ", "))
}

// dane is about what DNSSEC proves.
func (v *survey) dane(t *policy.Terms, path *route.Path) error {
	if !t.Secure() {
		return v.say("", "DANE", SightGood, "does not count: the name server does not say that it proved the MX (DNSSEC)")
	}
	var list []string
	for i := range path.Hosts {
		if name := path.Hosts[i].Name; t.By(name) == policy.ByDANE {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		return v.say("", "DANE", SightGood, "DNSSEC proves the MX; no host has TLSA records")
	}
	return v.say("", "DANE", SightGood, "DNSSEC proves the MX; TLSA records of %s", strings.Join(list, ", "))
}

// host looks at one host, as far as it lets itself be looked at.
func (v *survey) host(path *route.Path, h *route.Host) error {
	if err := v.want.Terms.Permits(h.Name); err != nil {
		return v.say(h.Name, "policy", SightPassing, "%s", err.Text)
	}
	from, addr := v.from(h)
	if from == nil {
		return v.say(h.Name, "connect", SightPassing, "no source has an address of the family of %s", h.Addrs[0])
	}
	cfg := *v.cfg.Load()
	d := link.Dialing{Links: v.links, Hop: hosts.Hop{Host: h.Name, Addr: netip.AddrPortFrom(addr, uint16(path.Port))}, From: from, Path: path, Mode: path.TLS, Times: &surveyTimes}
	if v.want.Terms.Clear() {
		d.Mode = client.TLSNone
	}
	ctx, cancel := context.WithTimeout(v.ctx, cfg.DialTimeout+surveyTimes.Reach)
	defer cancel()
	c, failed := d.Dial(ctx)
	if failed != nil {
		stage, detail, _ := strings.Cut(failed.Err.Error(), ": ")
		return v.say(h.Name, stage, SightPassing, "%s: %s", link.HopName(h.Name, d.Hop.Addr), detail)
	}
	defer c.Quit()
	return v.speak(c)
}

// from is the first source that reaches an address of a host.
func (v *survey) from(h *route.Host) (*source.Source, netip.Addr) {
	list := v.cfg.Load().Sources
	for i := range list {
		for _, a := range h.Addrs {
			if list[i].Via == nil && list[i].Reaches(a) {
				return &list[i], a
			}
		}
	}
	return nil, netip.Addr{}
}

// speak looks at an open connection.
func (v *survey) speak(c *link.Connection) error {
	x := c.Client.Extensions()
	if err := v.say(c.Host, "EHLO", SightGood, "%s: %s", c.Name, x.String()); err != nil {
		return err
	}
	level, detail := v.tls(c)
	if err := v.say(c.Host, "TLS", level, "%s", detail); err != nil || v.address == "" || level > SightDoubt {
		return err
	}
	e := &client.Envelope{Rcpts: []client.Rcpt{{Address: v.address, Domain: v.domain}}}
	out, failed := c.Client.Ask(e)
	if failed != nil && out.Reply.Code == 0 {
		return v.say(c.Host, failed.Stage.String(), SightPassing, "%s", failed.Error())
	}
	said := v.judge(&out, c.Host)
	level = SightGood
	switch said.Class {
	case verdict.Deferred:
		level = SightPassing
	case verdict.Failed:
		level = SightBad
	}
	detail = out.Reply.String()
	if level != SightGood {
		detail += fmt.Sprintf(" (%s)", said.Category)
	}
	return v.say(c.Host, out.Stage.String(), level, "%s", detail)
}

// tls says what the TLS of a connection is, beside what the domain wants.
func (v *survey) tls(c *link.Connection) (SightLevel, string) {
	state := c.Client.TLS()
	if err := v.want.Verify(c.Roots, c.Host, state); err != nil {
		return SightPassing, err.Error()
	}
	if state == nil {
		return SightDoubt, "none: mail to this host goes in the clear"
	}
	text := c.TLS + certificateText(state)
	if v.want.Level(c.Host) == policy.Verified {
		return SightGood, text + ", as the domain wants it"
	}
	if err := policy.WebPKI(c.Roots, c.Host, state); err != nil {
		return SightGood, text + "; its certificate is not asked for, and would not be valid: " + policy.Cause(err)
	}
	return SightGood, text + ", valid for the host"
}

func certificateText(state *tls.ConnectionState) string {
	if len(state.PeerCertificates) == 0 {
		return ""
	}
	c := state.PeerCertificates[0]
	return fmt.Sprintf(", certificate until %s", c.NotAfter.UTC().Format(time.DateOnly))
}
