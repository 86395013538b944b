package check

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/hostkey"
	"relay/cli/hostname"
	"relay/cli/kernel"
	"relay/cli/knock"
	"relay/mailer/route"
	"relay/mailer/spf"
	"relay/store/signing"
)

// resolver returns the mailer's resolver with a shorter timeout, because a person waits.
func (l *look) resolver() (*route.DNS, error) {
	return route.NewDNS(l.cfg.Delivery.DNS(2 * time.Second))
}

// records is the look at the DNS records of this host, which receivers ask for.
type records struct {
	*look
	dns   *route.DNS
	name  string           // ours, lower case
	own   kernel.Addresses // this machine's
	addrs []netip.Addr     // the name's; only public ones from address on
}

// resolverAdvice is for findings about a name server that does not answer.
const resolverAdvice = "see resolver in [delivery], or /etc/resolv.conf: without the DNS no mail leaves either"

// all ends at the first thing without which the other records mean nothing. Behind a
// smarthost receivers see the smarthost's records instead of these.
func (r *records) all() {
	r.name = strings.ToLower(r.cfg.Host())
	if !hostname.Full(r.name) {
		r.add("A, AAAA", finding.Warning, "", "cannot tell: %s is not a full name", r.name)
		return
	}
	if err := r.lookUp(); err != nil {
		r.add("A, AAAA", finding.Warning, resolverAdvice, "cannot tell: %s", knock.Why(err))
		return
	}
	defer r.back()
	if r.cfg.Delivery.Smarthost != "" {
		r.named()
		r.add("PTR, SPF", finding.OK, "", "are those of the smarthost, which the world sees")
		return
	}
	found := r.addrs
	r.addrs = slices.DeleteFunc(slices.Clone(found), notPublic)
	if len(found) > 0 && len(r.addrs) == 0 {
		r.add("A, AAAA", finding.Warning, "ask again with a resolver in [delivery] that is not of your own network",
			"%s is %s, which is private: what the world sees is something else, or nothing", r.name, kernel.AddrList(found))
		return
	}
	r.address()
	for _, a := range r.senders() {
		r.pointer(a)
	}
	for _, a := range r.senders() {
		r.permitted(a)
	}
	r.signature()
	r.dmarc()
}

func notPublic(a netip.Addr) bool { return !route.Public(a) }

// senders are the addresses that receivers see: the machine's public ones. Behind NAT
// nobody here knows them, so the addresses of the name stand for them.
func (r *records) senders() []netip.Addr {
	if len(r.own.Outgoing) == 0 {
		return r.addrs
	}
	list := slices.Clone(r.own.Outgoing)
	for _, a := range r.addrs {
		if r.own.NAT && a.Is4() {
			list = append(list, a)
		}
	}
	return list
}

// recordFor returns the record that gives the name that address.
func recordFor(name string, a netip.Addr) string {
	if a.Is4() {
		return fmt.Sprintf("%s. A %s", name, a)
	}
	return fmt.Sprintf("%s. AAAA %s", name, a)
}

// lookUp finds the addresses of machine and name. It fails for a name server that knows no
// public domain either, because its "not found" says nothing about this host.
func (r *records) lookUp() (err error) {
	if r.dns, err = r.resolver(); err != nil {
		return err
	}
	if r.own, err = r.Addresses(); err != nil {
		return err
	}
	r.addrs, err = r.dns.LookupAddrs(r.ctx, r.name)
	if !errors.Is(err, route.ErrNotFound) {
		return err
	}
	_, err = r.dns.LookupMX(r.ctx, wellKnown[0])
	if errors.Is(err, route.ErrNotFound) {
		return fmt.Errorf("the name server knows neither %s nor %s", r.name, wellKnown[0])
	}
	return err
}

// named judges the name behind a smarthost, where only mail programs look for it.
func (r *records) named() {
	if len(r.addrs) == 0 {
		r.add("A, AAAA", finding.Warning, fmt.Sprintf("publish %s. with this machine's address (A, AAAA)", r.name), "%s has no address: mail programs cannot find it by its name", r.name)
		return
	}
	r.add("A, AAAA", finding.OK, "", "%s is %s", r.name, kernel.AddrList(r.addrs))
}

// address judges the addresses of the name: all that mail leaves from must be among
// them, and each must be this machine's. Of IPv4 behind NAT the machine cannot tell.
func (r *records) address() {
	const check = "A, AAAA"
	own, named := &r.own, kernel.AddrList(r.addrs)
	missing := slices.IndexFunc(own.Outgoing, func(a netip.Addr) bool { return !slices.Contains(r.addrs, a) })
	foreign := slices.IndexFunc(r.addrs, r.foreign)
	switch {
	case len(r.addrs) == 0:
		advice := fmt.Sprintf("publish %s. with this machine's public address (A, AAAA)", r.name)
		if len(own.Outgoing) > 0 {
			advice = "publish " + recordFor(r.name, own.Outgoing[0])
		}
		r.add(check, finding.Failed, advice, "%s has no address: mail programs cannot find it, and receivers refuse its mail", r.name)
	case len(own.Outgoing) == 0:
		r.add(check, finding.OK, "", "%s is %s; this machine is behind NAT (%s), so whether that leads here cannot be told", r.name, named, cmp.Or(kernel.AddrList(own.All), "no address"))
	case missing >= 0:
		a := own.Outgoing[missing]
		r.add(check, finding.Failed, "publish "+recordFor(r.name, a), "mail leaves from %s, which is not among the addresses of %s (%s)", a, r.name, named)
	case foreign >= 0:
		r.add(check, finding.Warning, "take the record away, unless a balancer is there", "%s is also %s, which is not this machine", r.name, r.addrs[foreign])
	case !own.NAT:
		r.add(check, finding.OK, "", "%s is %s", r.name, named)
	case slices.ContainsFunc(r.addrs, netip.Addr.Is4):
		r.add(check, finding.OK, "", "%s is %s; IPv4 is behind NAT, so whether that leads here cannot be told", r.name, named)
	default:
		r.add(check, finding.Failed, fmt.Sprintf("publish %s. A with the public address", r.name), "%s has no IPv4 address, but mail leaves by IPv4 too", r.name)
	}
}

// foreign reports whether an address is not this machine's. Behind NAT, any IPv4 address
// may be the machine's public one.
func (r *records) foreign(a netip.Addr) bool {
	return !slices.Contains(r.own.All, a) && !slices.Contains(r.own.Outgoing, a) && !(r.own.NAT && a.Is4())
}

// pointer judges the PTR record of an address: many receivers refuse mail from an
// address whose name does not lead back to it.
func (r *records) pointer(a netip.Addr) {
	advice := fmt.Sprintf("have the provider of the address set its PTR to %s.", r.name)
	names, err := r.dns.LookupPTR(r.ctx, a)
	switch {
	case err != nil && !errors.Is(err, route.ErrNotFound):
		r.add("PTR", finding.Warning, "", "%s: cannot tell: %s", a, knock.Why(err))
	case len(names) == 0:
		r.add("PTR", finding.Failed, advice, "%s has no name: many receivers refuse its mail", a)
	case slices.Contains(names, r.name):
		r.add("PTR", finding.OK, "", "%s is %s", a, r.name)
	case r.confirmed(names, a):
		r.add("PTR", finding.Warning, advice+" Or make that the hostname in relay.toml.", "%s is %s, which is not the hostname", a, strings.Join(names, ", "))
	default:
		r.add("PTR", finding.Failed, advice, "%s is %s, which does not lead back to it: many receivers refuse its mail", a, strings.Join(names, ", "))
	}
}

// confirmed reports whether a name leads back to the address, as receivers ask. The
// first three are enough, which bounds the look-ups.
func (r *records) confirmed(names []string, a netip.Addr) bool {
	return slices.ContainsFunc(names[:min(len(names), 3)], func(name string) bool {
		addrs, err := r.dns.LookupAddrs(r.ctx, name)
		return err == nil && slices.Contains(addrs, a)
	})
}

// permitted judges the SPF record of relay's name in EHLO. It counts for DSNs, whose
// reverse-path is empty (RFC 7208 §2.4). A missing record is published as a whole; a term
// goes into the one that is there, because a second record makes both invalid (§4.5).
func (r *records) permitted(a netip.Addr) {
	var terms []string
	for _, s := range r.senders() {
		terms = append(terms, spf.Term(s))
	}
	whole := fmt.Sprintf(`%s. TXT "%s"`, r.name, spf.Record(terms))
	advice := fmt.Sprintf("put %s into the SPF record that is there, as its first term", spf.Term(a))
	switch v := spf.Check(r.ctx, r.dns, r.name, a); v.Result {
	case spf.Pass:
		r.add("SPF", finding.OK, "", "%s lets %s send (%s)", r.name, a, v.Term)
	case spf.None:
		r.add("SPF", finding.Warning, "publish "+whole, "%s has no SPF record", r.name)
	case spf.Fail:
		r.add("SPF", finding.Failed, advice, "%s does not let %s send (%s)", r.name, a, v.Term)
	case spf.PermError:
		r.add("SPF", finding.Failed, "mend it, or have this one only: "+whole, "the record of %s is wrong: %v", r.name, v.Err)
	case spf.TempError:
		r.add("SPF", finding.Warning, resolverAdvice, "%s: cannot tell: %s", r.name, knock.Why(v.Err))
	default: // softfail, neutral
		r.add("SPF", finding.Warning, advice, "%s says %s of %s", r.name, v.Result, a)
	}
}

// signature judges the record of the host's own key. With another one, or none, receivers
// count relay's own mail as unsigned.
func (r *records) signature() {
	const check, advice = "DKIM", "relay init prints the record again"
	path, err := hostkey.Newest(r.dir.DKIM())
	switch {
	case err == nil && path == "":
		r.add(check, finding.Warning, "relay init makes one", "there is no key of the host: relay's own mail is not signed")
		return
	case err != nil:
		r.add(check, finding.Warning, "", "cannot tell: %v", err)
		return
	}
	key, err := hostkey.Read(path)
	if err != nil {
		r.add(check, finding.Warning, exit.Hint(err), "cannot tell: %v", err)
		return
	}
	public, err := key.Public()
	if err != nil {
		r.add(check, finding.Failed, "", "%s: %v", path, err)
		return
	}
	name := key.Selector + "._domainkey." + r.name
	switch texts, err := r.dns.LookupTXT(r.ctx, name); {
	case err != nil && !errors.Is(err, route.ErrNotFound):
		r.add(check, finding.Warning, "", "cannot tell: %s", knock.Why(err))
	case len(texts) == 0:
		r.add(check, finding.Warning, advice, "%s is not published: relay's own mail counts as unsigned", name)
	case !slices.ContainsFunc(texts, (&signing.Key{Public: public}).Publishes):
		r.add(check, finding.Failed, advice+"; put it in place of the old one", "%s is published with another key: receivers reject the signatures", name)
	default:
		r.add(check, finding.OK, "", "%s is published", name)
	}
}

// dmarc shows the DMARC record of the name, or of the domain above it. A missing record
// is no error: customers send from their own domains.
func (r *records) dmarc() {
	for _, domain := range slices.Compact([]string{r.name, hostname.Organization(r.name)}) {
		texts, err := r.dns.LookupTXT(r.ctx, "_dmarc."+domain)
		if err != nil && !errors.Is(err, route.ErrNotFound) {
			r.add("DMARC", finding.Warning, "", "cannot tell: %s", knock.Why(err))
			return
		}
		for _, t := range texts {
			if strings.HasPrefix(t, "v=DMARC1") {
				r.add("DMARC", finding.OK, "", "%s: %s", domain, t)
				return
			}
		}
	}
	r.add("DMARC", finding.OK, fmt.Sprintf(`_dmarc.%s. TXT "v=DMARC1; p=none" says that you care`, r.name), "none for %s", r.name)
}
