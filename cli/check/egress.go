package check

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/kernel"
	"relay/cli/knock"
	"relay/mailer/dialer"
	"relay/mailer/route"
)

// egress is the look at the way out: the smarthost, or port 25 of the world's mail hosts.
type egress struct{ *look }

// here looks at what needs no network: the operator's files, and the sources. relay does not
// start while one of them is wrong.
func (e *egress) here() {
	e.rules()
	e.providers()
	e.suppress()
	e.blocklists()
	e.sources()
}

// outside greets the next host of mail that leaves.
func (e *egress) outside() {
	if e.cfg.Delivery.Smarthost != "" {
		e.smarthost()
		return
	}
	e.portOut()
}

// rules reads the operator's own file of rules on replies, if there is one.
func (e *egress) rules() {
	file := e.cfg.Delivery.Rules
	if file == "" {
		return
	}
	if _, err := e.cfg.Delivery.Verdicts(); err != nil {
		e.add("rules", finding.Failed, exit.Hint(err), "%v", err)
	} else {
		e.add("rules", finding.OK, "", "%s is in order", file)
	}
}

// providers reads the operator's own file of providers' limits, if there is one.
func (e *egress) providers() {
	file := e.cfg.Delivery.Providers
	if file == "" {
		return
	}
	if _, err := e.cfg.Delivery.Rows(); err != nil {
		e.add("providers", finding.Failed, exit.Hint(err), "%v", err)
	} else {
		e.add("providers", finding.OK, "", "%s is in order", file)
	}
}

// suppress reads the operator's own file of which refusals suppress a recipient, if there is one.
func (e *egress) suppress() {
	file := e.cfg.Delivery.Suppress
	if file == "" {
		return
	}
	if _, err := e.cfg.Delivery.Suppressing(); err != nil {
		e.add("suppress", finding.Failed, exit.Hint(err), "%v", err)
	} else {
		e.add("suppress", finding.OK, "", "%s is in order", file)
	}
}

// blocklists reads the operator's own file of blocklists, if there is one.
func (e *egress) blocklists() {
	file := e.cfg.Delivery.Blocklists
	if file == "" {
		return
	}
	if _, err := e.cfg.Delivery.Lists(); err != nil {
		e.add("blocklists", finding.Failed, exit.Hint(err), "%v", err)
	} else {
		e.add("blocklists", finding.OK, "", "%s is in order", file)
	}
}

// sources tries whether this machine has the addresses that mail is to leave from. What
// receivers see of each is for relay source check, which asks the DNS.
func (e *egress) sources() {
	for i := range e.cfg.Source {
		s := &e.cfg.Source[i]
		a, err := netip.ParseAddr(s.Address)
		if err != nil {
			continue // a way through another server
		}
		if err := dialer.Bind(a); err != nil {
			e.add("source", finding.Failed, "give the address to the machine, or take its [[source]] out", "%s: %v", s.Name(), err)
		} else {
			e.add("source", finding.OK, "", "this machine can send from %s; relay source check %s looks at its standing", s.Name(), s.Name())
		}
	}
}

// smarthost greets the configured smarthost, without a login. The password of a smarthost
// may be a credential that only the service is given, so its absence is no failure.
func (e *egress) smarthost() {
	d := &e.cfg.Delivery
	if _, err := d.NextHop(); err != nil && !errors.Is(err, config.ErrNoCredential) {
		e.add("smarthost", finding.Failed, "see [delivery] in relay.toml", "%v", err)
		return
	}
	if greeting, err := e.greeting(d.Smarthost, d.SmarthostTLS == "implicit"); err != nil {
		e.add("smarthost", finding.Warning, "mail waits in the queue until it is there again", "%s", knock.Why(err))
	} else {
		e.add("smarthost", finding.OK, "", "%s answers: %s", d.Smarthost, greeting)
	}
}

// wellKnown are domains whose mail hosts are hardly ever down.
var wellKnown = []string{"gmail.com", "outlook.com"}

// portOut tries whether the world's mail hosts can be reached, because many providers
// block port 25. It ends at the first that answers, and blames the port only if it asked.
func (e *egress) portOut() {
	name := "port " + strconv.Itoa(e.cfg.Delivery.Port) + " out"
	dns, err := e.resolver()
	var tried []string
	for _, domain := range wellKnown {
		if err = errors.Join(err, e.ctx.Err()); err != nil {
			break
		}
		var addr netip.Addr
		var host string
		if host, addr, err = mailHost(e.ctx, dns, domain); err != nil {
			break // the other names would not be found either
		}
		hop := netip.AddrPortFrom(addr, uint16(e.cfg.Delivery.Port)).String()
		greeting, failure := e.greeting(hop, false)
		if failure == nil {
			e.add(name, finding.OK, "", "open: %s answers %s", host, greeting)
			return
		}
		tried = append(tried, host+": "+knock.Why(failure))
	}
	if tried == nil {
		e.add(name, finding.Warning, resolverAdvice, "cannot tell: %s", knock.Why(err))
		return
	}
	e.add(name, finding.Failed, "many providers block it: ask yours to open it, or send through a smarthost ([delivery] smarthost)", "%s", strings.Join(tried, "; "))
}

// mailHost returns the best mail host of a domain. Its address is IPv4 if this machine has
// a route to it, because the mailer prefers IPv4 too.
func mailHost(ctx context.Context, dns *route.DNS, domain string) (string, netip.Addr, error) {
	mxs, err := dns.LookupMX(ctx, domain)
	if errors.Is(err, route.ErrNotFound) {
		err = fmt.Errorf("the name server does not even know %s", domain)
	}
	if err != nil {
		return "", netip.Addr{}, err
	}
	slices.SortFunc(mxs, func(a, b route.MX) int { return int(a.Preference) - int(b.Preference) })
	for _, mx := range mxs {
		addrs, err := dns.LookupAddrs(ctx, mx.Host)
		if err != nil {
			return "", netip.Addr{}, err
		}
		slices.SortFunc(addrs, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
		if len(addrs) > 0 {
			return mx.Host, addrs[max(slices.IndexFunc(addrs, reached), 0)], nil
		}
	}
	return "", netip.Addr{}, fmt.Errorf("%s has no mail host", domain)
}

// reached reports whether the kernel has a route to the address. A machine with IPv6 only
// must not blame the port for an IPv4 address.
func reached(a netip.Addr) bool {
	_, err := kernel.SourceFor(netip.AddrPortFrom(a, 25).String())
	return err == nil
}

// greetTime is how long one host may take, for connection and greeting together.
const greetTime = 3 * time.Second

// greeting connects, reads the first line and says QUIT. With implicit TLS the connection
// is enough: the handshake is the mailer's, with its own rules.
func (e *egress) greeting(addr string, implicit bool) (string, error) {
	ctx, cancel := context.WithTimeout(e.ctx, greetTime)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if implicit {
		return "(TLS)", nil
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline) // an error shows at the read
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("no greeting: %w", err)
	}
	if !strings.HasPrefix(line, "220") {
		return "", errors.New(strings.TrimSpace(line))
	}
	_, _ = fmt.Fprint(conn, "QUIT\r\n") // a courtesy
	return strings.TrimSpace(line), nil
}
