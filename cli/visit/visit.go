package visit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"relay/cli/exit"
	"relay/cli/finding"
)

// Options say what is tried.
type Options struct {
	Server string // name or address
	Ports  []Port // in the order in which they are preferred

	Login     string // "": none is tried
	Password  string
	To        string // of the message; "": none is sent
	From      string // "": To
	Untrusted bool   // log in whatever the certificate

	Look func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Port that mail programs use.
type Port struct {
	Number   uint16
	Implicit bool // TLS from the first octet; else STARTTLS
}

// Ports are those for submission: 587 and 2525 with STARTTLS, 465 with TLS at once (RFC 8314).
var Ports = []Port{{587, false}, {465, true}, {2525, false}}

// ParsePorts reads "587,465": 465 has TLS from the first octet, and so has one with /tls
// behind it.
func ParsePorts(text string) (list []Port, err error) {
	for part := range strings.SplitSeq(text, ",") {
		number, mode, said := strings.Cut(strings.TrimSpace(part), "/")
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil || n == 0 || said && mode != "tls" && mode != "starttls" {
			return nil, fmt.Errorf("%q: ports such as 587,465, or 2465/tls", part)
		}
		p := Port{uint16(n), mode == "tls" || !said && n == 465}
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	if len(list) > mostPorts {
		return nil, fmt.Errorf("%d ports: at most %d", len(list), mostPorts)
	}
	return list, nil
}

const (
	mostPorts     = 8
	mostAddresses = 2 // of each family
)

func (p Port) String() string { return strconv.Itoa(int(p.Number)) }

// way is how a port turns to TLS.
func (p Port) way() string {
	if p.Implicit {
		return "TLS at once"
	}
	return "STARTTLS"
}

// patience bounds the look-up of names, and all doors together.
const patience = 12 * time.Second

// visit is a run of the test.
type visit struct {
	Options
	found []finding.Finding
	code  int
}

// Run tries everything, and returns the exit code beside what it found.
func (o Options) Run(ctx context.Context) ([]finding.Finding, int) {
	v := &visit{Options: o}
	v.From = cmp.Or(v.From, v.To)
	addresses, ok := v.names(ctx)
	if !ok {
		return v.found, v.code
	}
	doors := v.doors(ctx, addresses)
	v.certificates(doors)
	i := slices.IndexFunc(doors, func(d door) bool { return d.open() && (d.verified == nil || v.Untrusted) })
	switch {
	case v.Login == "":
	case i >= 0:
		v.submit(ctx, &doors[i])
	case slices.ContainsFunc(doors, door.open):
		v.add("login", finding.Warning, "mend the certificate first; --untrusted logs in all the same", "not tried: the password is not shown to a server that is not certain")
	}
	return v.found, v.code
}

// add notes what was found.
func (v *visit) add(check string, s finding.Status, advice, format string, args ...any) {
	v.found = append(v.found, finding.Finding{Check: check, Status: s, Detail: fmt.Sprintf(format, args...), Advice: advice})
}

// fail notes what went wrong, and the first exit code.
func (v *visit) fail(code int, check, advice, format string, args ...any) {
	v.add(check, finding.Failed, advice, format, args...)
	v.code = cmp.Or(v.code, code)
}

// names looks the server up.
func (v *visit) names(ctx context.Context) (list []netip.Addr, ok bool) {
	if a, err := netip.ParseAddr(v.Server); err == nil {
		v.add("name", finding.Warning, "mail programs need the server's name: its certificate is for that", "%s is an address", a)
		return []netip.Addr{a}, true
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	all, err := v.Look(ctx, v.Server)
	if dns, is := errors.AsType[*net.DNSError](err); is && dns.IsNotFound {
		v.fail(exit.Unreachable, "name", "see whether it is spelt as your provider wrote it", "%s does not exist, or has no address", v.Server)
		return nil, false
	}
	if err != nil || len(all) == 0 {
		v.fail(exit.Unreachable, "name", "see whether this machine is online, and which name server it asks", "the name server of this machine did not answer for %s", v.Server)
		return nil, false
	}
	for _, a := range all {
		a = a.Unmap()
		n := 0
		for _, is := range list {
			if is.Is4() == a.Is4() {
				n++
			}
		}
		if n < mostAddresses && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	v.add("name", finding.OK, "", "%s: %s", v.Server, joined(list))
	return list, true
}

func joined(list []netip.Addr) string {
	var b []string
	for _, a := range list {
		b = append(b, a.String())
	}
	return strings.Join(b, ", ")
}
