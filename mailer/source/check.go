package source

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"relay/mailer/blocklist"
	"relay/mailer/route"
	"relay/mailer/spf"
)

// Status of a finding.
type Status string

// The three.
const (
	OK      Status = "ok"
	Warning Status = "warning" // mail arrives, but less surely
	Failed  Status = "failed"  // receivers refuse mail for it, or none can leave
)

// Finding is what was found about a source, and the next step.
type Finding struct {
	Check  string
	Status Status
	Detail string
	Advice string // "": nothing is to be done
}

// Names is the DNS.
type Names = spf.Resolver

// Check looks at a source as receivers do: whether the address has a name that leads back
// to it, whether its EHLO name does, whether the SPF record of that lets it send, and whether
// blocklists list it. bind is why the machine cannot send from it; nil: it can. lists are nil
// where none may be asked, and why says so.
func Check(ctx context.Context, n Names, s *Source, bind error, lists *blocklist.Lists, why string) []Finding {
	c := &checking{ctx: ctx, names: n, Source: s}
	if s.Via != nil {
		c.add("way", OK, "", "mail goes through %s, whose operator sees to its standing", s.Name())
		return c.list
	}
	if bind != nil {
		c.add("address", Failed, "give the address to the machine, or take its [[source]] out", "this machine cannot send from %s: %v", s.Addr, bind)
	} else {
		c.add("address", OK, "", "this machine can send from %s", s.Addr)
	}
	c.ptr()
	c.ehlo()
	c.spf()
	c.blocklists(lists, why)
	return c.list
}

type checking struct {
	*Source
	ctx   context.Context
	names Names
	list  []Finding
}

func (c *checking) add(check string, s Status, advice, format string, args ...any) {
	c.list = append(c.list, Finding{check, s, fmt.Sprintf(format, args...), advice})
}

const askAgain = "ask again later"

// leadsBack reports whether a name has the source's address.
func (c *checking) leadsBack(name string) (bool, error) {
	addrs, err := c.names.LookupAddrs(c.ctx, name)
	if errors.Is(err, route.ErrNotFound) {
		return false, nil
	}
	return slices.ContainsFunc(addrs, func(a netip.Addr) bool { return a.Unmap() == c.Addr.Unmap() }), err
}

// ptr is the name of the address, and its way back (Gmail 5.7.25).
func (c *checking) ptr() {
	names, err := c.names.LookupPTR(c.ctx, c.Addr)
	publish := fmt.Sprintf("ask the provider of %s to name it %s (PTR)", c.Addr, c.EHLO)
	switch {
	case err != nil && !errors.Is(err, route.ErrNotFound):
		c.add("PTR", Warning, askAgain, "cannot tell: %v", err)
		return
	case len(names) == 0:
		c.add("PTR", Failed, publish, "%s has no name: Gmail and others refuse its mail", c.Addr)
		return
	case !slices.Contains(names, strings.ToLower(c.EHLO)):
		c.add("PTR", Warning, publish, "%s is named %s, not %s as it says in EHLO", c.Addr, strings.Join(names, ", "), c.EHLO)
	}
	for _, name := range names {
		back, err := c.leadsBack(name)
		switch {
		case err != nil:
			c.add("PTR", Warning, askAgain, "cannot tell whether %s leads back: %v", name, err)
		case !back:
			c.add("PTR", Failed, fmt.Sprintf("%s. A or AAAA %s", name, c.Addr), "%s does not lead back to %s: receivers do not believe the name", name, c.Addr)
		case slices.Contains(names, strings.ToLower(c.EHLO)):
			c.add("PTR", OK, "", "%s is named %s, which leads back to it", c.Addr, name)
		}
	}
}

func (c *checking) ehlo() {
	back, err := c.leadsBack(strings.ToLower(c.EHLO))
	switch {
	case err != nil:
		c.add("EHLO", Warning, askAgain, "cannot tell: %v", err)
	case !back:
		c.add("EHLO", Failed, fmt.Sprintf("%s. A or AAAA %s", c.EHLO, c.Addr), "%s does not lead to %s", c.EHLO, c.Addr)
	default:
		c.add("EHLO", OK, "", "%s leads to %s", c.EHLO, c.Addr)
	}
}

// spf is the record of the EHLO name: notices with an empty sender are judged by it.
func (c *checking) spf() {
	publish := fmt.Sprintf("%s. TXT \"v=spf1 a -all\"", c.EHLO)
	switch v := spf.Check(c.ctx, c.names, c.EHLO, c.Addr); v.Result {
	case spf.Pass:
		c.add("SPF", OK, "", "the record of %s lets %s send", c.EHLO, c.Addr)
	case spf.TempError:
		c.add("SPF", Warning, askAgain, "cannot tell: %v", v.Err)
	case spf.PermError:
		c.add("SPF", Failed, "correct the record", "the record of %s is wrong: %v", c.EHLO, v.Err)
	case spf.None:
		c.add("SPF", Warning, publish, "%s has no record; bounces from it are less believed", c.EHLO)
	default:
		c.add("SPF", Failed, publish, "the record of %s does not let %s send: %s", c.EHLO, c.Addr, v.Result)
	}
}

func (c *checking) blocklists(lists *blocklist.Lists, why string) {
	const name = "blocklists"
	if lists == nil {
		c.add(name, Warning, "run a resolver of your own, such as unbound, and name it as resolver in [delivery]", "not asked: %s", why)
		return
	}
	clean, listed, silent := 0, 0, 0
	for _, l := range lists.Of(blocklist.Addresses) {
		if err := l.Healthy(c.ctx, c.names); err != nil {
			silent++
			continue
		}
		a, err := l.Ask(c.ctx, c.names, c.Addr.String())
		switch {
		case err != nil:
			silent++
		case a.Listed:
			listed++
			status := Failed
			if !l.Drains {
				status = Warning
			}
			advice := "find the cause: relay delivery sites has the last replies"
			if l.Lookup != "" {
				advice = "find the cause, then: " + l.Lookup
			}
			c.add(name, status, advice, "%s lists it: %s", l.Name, strings.TrimSpace(strings.Join(a.Codes, ", ")+" "+a.Text))
		default:
			clean++
		}
	}
	switch {
	case clean > 0 && silent > 0:
		c.add(name, OK, "", "not on %d lists; %d others did not answer as they should", clean, silent)
	case clean > 0:
		c.add(name, OK, "", "not on %d lists", clean)
	case listed == 0:
		c.add(name, Warning, "see resolver in [delivery]: lists may refuse it", "none of %d lists answered as it should", silent)
	}
}
