// Package records reads the DNS records by which receivers judge mail of a sending domain,
// as they read them now, and says in plain words what to publish.
//
//   - SPF (RFC 7208): whether it lets the relay's addresses send, within 10 look-ups;
//   - DKIM: whether each selector leads to the relay's key, by an alias with the domain's own
//     label (store.Domain);
//   - DMARC (RFC 9989): the record that the tree walk finds, with np and t;
//   - alignment: whether a signature of the domain, or its SPF, counts for its From field;
//   - MX: whether replies and bounces reach the domain;
//   - blocklists of domains: whether one has it (Blocked).
//
// It keeps nothing. The jobs ask it whether keys are shown and domains delegated.
package records

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"relay/mailer/route"
	"relay/mailer/spf"
	"relay/store/maildomain/dmarc"
	"relay/store/signing"
)

// Status of a finding.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Warning Status = "warning" // mail arrives, but less surely
	Failed  Status = "failed"  // some receivers refuse mail, or the DNS did not answer
)

// Finding is the state of one record, with the next step.
type Finding struct {
	Record  string
	Status  Status
	Detail  string
	Publish string // the record to publish, or the next step; "": nothing is to be done
}

// Subject is the domain to check, with what the relay knows of it.
type Subject struct {
	Domain    *signing.Domain
	Zone      string        // below which the operator's keys are
	Selectors []string      // that it should delegate
	Keys      []signing.Key // by selector
	Host      string        // name of the relay, from whose addresses mail leaves
	Addrs     []netip.Addr  // of the sources that mail leaves from; none: those of Host
	Smarthost bool          // mail leaves through another host, whose addresses relay does not know
}

// Check checks all records of a domain. It also returns what the store keeps of them, or an
// error if the DNS did not answer.
func Check(ctx context.Context, n Names, s *Subject) (list []Finding, look signing.Look, err error) {
	c := &check{ctx: ctx, names: n, Subject: s}
	c.spf()
	delegated, err := c.dkim()
	c.dmarc(len(delegated) > 0)
	c.mx()
	return c.list, signing.Look{Selectors: delegated, SPF: c.spfPass, SPFKnown: c.spfKnown}, err
}

type check struct {
	*Subject
	ctx   context.Context
	names Names
	list  []Finding

	spfPass, spfKnown bool // of the addresses that mail leaves from
}

func (c *check) add(record string, s Status, publish, format string, args ...any) {
	c.list = append(c.list, Finding{record, s, fmt.Sprintf(format, args...), publish})
}

const askAgain = "ask again later; if it stays so, the domain's name servers do not answer"

// nowhere is an address that no SPF record contains, so evaluating SPF for it reads the whole
// record.
var nowhere = netip.MustParseAddr("240.0.0.1")

func (c *check) spf() {
	const record = "SPF"
	domain := c.Domain.Name
	include := "include:" + c.Host
	publish := fmt.Sprintf("%s. TXT \"v=spf1 %s ~all\"", domain, include)
	whole := spf.Check(c.ctx, c.names, domain, nowhere)
	c.spfKnown = !c.Smarthost && (whole.Result == spf.None || whole.Result == spf.PermError)
	switch whole.Result {
	case spf.TempError:
		c.add(record, Failed, askAgain, "cannot tell: %v", whole.Err)
		return
	case spf.PermError:
		c.add(record, Failed, "correct the record: while it is wrong, SPF does not count for any sender", "the record is wrong: %v", whole.Err)
		return
	case spf.None:
		c.add(record, Warning, publish, "%s has no SPF record; a signature carries its mail, but some receivers want both", domain)
		return
	}
	if c.Smarthost {
		c.add(record, OK, "", "the record can be read; mail leaves through a smarthost, so it has to include what the smarthost's operator says")
		return
	}
	addrs, err := c.Addrs, error(nil)
	if len(addrs) == 0 {
		addrs, err = c.names.LookupAddrs(c.ctx, c.Host)
	}
	if err != nil || len(addrs) == 0 {
		c.add(record, Warning, "relay check says what is wrong with the host's own records", "the record can be read; %s has no address to compare with", c.Host)
		return
	}
	for _, a := range addrs {
		if v := spf.Check(c.ctx, c.names, domain, a); v.Result != spf.Pass {
			c.spfKnown = v.Result != spf.TempError
			c.add(record, Warning, fmt.Sprintf("put %s into the SPF record of %s, in front of its last word", include, domain),
				"the record does not let %s send for %s: %s", a, domain, v.Result)
			return
		}
	}
	c.spfPass, c.spfKnown = true, true
	c.add(record, OK, "", "lets %s send, within 10 look-ups", c.Host)
}

// dkim looks at each selector.
func (c *check) dkim() (delegated []string, err error) {
	for _, s := range c.Selectors {
		record, name, target := "DKIM "+s, c.Domain.Alias(s), c.Domain.Target(s, c.Zone)
		publish := fmt.Sprintf("%s. CNAME %s.", name, target)
		to, look := alias(c.ctx, c.names, name)
		switch {
		case look != nil:
			err = look
			c.add(record, Failed, askAgain, "cannot tell: %v", look)
		case to == "":
			c.add(record, Failed, publish, "%s does not lead to the relay's key%s", name, c.instead(name))
		case to != target:
			c.add(record, Failed, publish, "%s leads to %s", name, to)
		default:
			delegated = append(delegated, s)
			c.key(record, s, target)
		}
	}
	if err != nil {
		return nil, err
	}
	return delegated, nil
}

// instead says which record stands in the place of the CNAME.
func (c *check) instead(name string) string {
	if texts, err := c.names.LookupTXT(c.ctx, name); err == nil && len(texts) > 0 {
		return ": a TXT record stands there, which would not follow when keys change; take it away"
	}
	return ""
}

// key checks the key's record behind a delegated selector, which the operator publishes.
func (c *check) key(record, selector, target string) {
	for i := range c.Keys {
		if c.Keys[i].Selector != selector {
			continue
		}
		switch shown, err := published(c.ctx, c.names, target, &c.Keys[i]); {
		case err != nil:
			c.add(record, Failed, askAgain, "leads to %s, whose key cannot be looked up: %v", target, err)
		case !shown:
			c.add(record, Warning, "the operator of the relay has to publish what relay domain keys shows", "leads to %s, where the key is not published yet", target)
		case c.Keys[i].Signs():
			c.add(record, OK, "", "leads to the key that signs now")
		default:
			c.add(record, OK, "", "leads to the key that waits for its turn")
		}
	}
}

func (c *check) dmarc(signed bool) {
	domain := c.Domain.Name
	p, organization, err := dmarc.Walk(c.ctx, texts(c.names), domain)
	switch {
	case err != nil:
		c.add("DMARC", Failed, askAgain, "cannot tell: %v", err)
		return
	case p == nil:
		c.add("DMARC", Warning, fmt.Sprintf("_dmarc.%s. TXT \"v=DMARC1; p=none; rua=mailto:ADDRESS\"", domain),
			"neither %s nor a domain above it has a record; large receivers want one for bulk mail", domain)
	default:
		c.policy(p)
	}
	c.aligned(p, organization, signed)
}

// policy describes what the DMARC record asks receivers to do.
func (c *check) policy(p *dmarc.Policy) {
	domain, how := c.Domain.Name, p.Handling(c.Domain.Name, true)
	text := fmt.Sprintf("the record of %s asks receivers to %s", p.At, map[string]string{
		"none": "deliver mail that fails as if there was no policy (none)", "quarantine": "treat mail that fails as suspicious (quarantine)", "reject": "refuse mail that fails (reject)"}[how])
	if p.Test() && how != "none" {
		text += "; t=y: it is a test, so they do one step less"
	}
	if np := p.Handling("absent."+p.At, false); np != p.Handling("sub."+p.At, true) {
		text += "; for names below it that do not exist: " + np
	}
	switch {
	case p.Tags["p"] != "" && !dmarc.IsPolicy(p.Tag("p")):
		c.add("DMARC", Warning, "write p=none, p=quarantine or p=reject", "the record of %s has p=%s, which counts as none", p.At, p.Tags["p"])
	case p.Tags["pct"] != "" && p.Tags["pct"] != "100":
		c.add("DMARC", Warning, "take pct away; t=y says that the policy is a test", "%s; pct=%s is not read any more, so the policy is for all mail", text, p.Tags["pct"])
	case p.Tags["rua"] == "" && p.At == domain:
		c.add("DMARC", OK, "add rua=mailto:ADDRESS to hear who sends in the domain's name", "%s", text)
	default:
		c.add("DMARC", OK, "", "%s", text)
	}
}

// aligned says whether mail with the domain in its From field passes DMARC. relay's signature is
// always aligned; SPF is aligned if the envelope sender has the domain too.
func (c *check) aligned(p *dmarc.Policy, organization string, signed bool) {
	const record = "alignment"
	strict := p != nil && p.Tag("aspf") == "s"
	sender := "of " + c.Domain.Name
	if !strict && organization != c.Domain.Name {
		sender = "of " + organization + " or below it"
	}
	switch {
	case signed && c.spfPass:
		c.add(record, OK, "", "relay signs as %s, which counts for its From fields; SPF counts too where the envelope sender is %s", c.Domain.Name, sender)
	case signed:
		c.add(record, OK, "", "relay signs as %s, which counts for its From fields", c.Domain.Name)
	case c.spfPass:
		c.add(record, Warning, "publish the DKIM records: GMX and web.de take no mail on SPF alone, and a forwarded message has only its signature",
			"only SPF counts, where the envelope sender is %s", sender)
	case p != nil && p.Handling(c.Domain.Name, true) != "none":
		c.add(record, Failed, "publish the DKIM records", "nothing that relay sends passes DMARC for %s, and its policy is %s", c.Domain.Name, p.Handling(c.Domain.Name, true))
	default:
		c.add(record, Failed, "publish the DKIM records", "nothing that relay sends is authenticated as %s: large receivers refuse or hide such mail", c.Domain.Name)
	}
}

func (c *check) mx() {
	domain := c.Domain.Name
	mxs, err := c.names.LookupMX(c.ctx, domain)
	switch {
	case err != nil && !errors.Is(err, route.ErrNotFound):
		c.add("MX", Failed, askAgain, "cannot tell: %v", err)
	case err != nil:
		c.add("MX", Failed, "see that the domain is registered and its name servers answer", "%s does not exist", domain)
	case len(mxs) == 1 && mxs[0].Host == "":
		c.add("MX", Failed, "publish an MX record with a host that takes mail", "%s says that it takes no mail (null MX): many receivers refuse mail from it", domain)
	case len(mxs) == 0:
		c.noMX(domain)
	default:
		var hosts []string
		for _, mx := range mxs {
			hosts = append(hosts, mx.Host)
		}
		c.add("MX", OK, "", "replies and bounces go to %s", strings.Join(hosts, ", "))
	}
}

func (c *check) noMX(domain string) {
	if addrs, err := c.names.LookupAddrs(c.ctx, domain); err == nil && len(addrs) > 0 {
		c.add("MX", Warning, fmt.Sprintf("%s. MX 10 HOST.", domain), "%s has no MX record; mail to it goes to its own address", domain)
		return
	}
	c.add("MX", Failed, fmt.Sprintf("%s. MX 10 HOST.", domain), "nobody can reply to %s: it has neither MX nor address, and some receivers refuse mail from it", domain)
}
