package route

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	maxAliases = 8    // CNAMEs in a row
	maxRecords = 100  // of an answer are kept
	udpSize    = 1232 // what passes everywhere unfragmented (RFC 9715)
)

// Bounds of how long an answer is kept.
const (
	minTTL      = 5 * time.Second
	maxTTL      = time.Hour
	maxNegative = time.Minute     // shorter than the first retry, so that a second NXDOMAIN is a second opinion
	failureTTL  = 5 * time.Second // of an error
)

// answer is what is kept of a question.
type answer struct {
	rrs     []dns.RR
	err     error
	end     string // where the aliases end; "": they do not, or there was an error
	secure  bool   // DNSSEC proved all of it, or that there is nothing (RFC 4035 §4.9.3)
	expires time.Time
}

// lookup asks the cache, or the servers. Whoever asks the same at the same time
// shares the answer; ctx ends the waiting, not the question.
func (d *DNS) lookup(ctx context.Context, name string, qtype uint16) ([]dns.RR, error) {
	a, err := d.answer(ctx, name, qtype)
	if err != nil {
		return nil, err
	}
	return a.rrs, a.err
}

// answer is lookup with all that is known of the answer.
func (d *DNS) answer(ctx context.Context, name string, qtype uint16) (answer, error) {
	return d.cache.get(ctx, key{name, qtype}, func() answer {
		a, ttl := d.resolve(name, qtype)
		a.expires = time.Now().Add(ttl)
		return a
	})
}

// resolve follows aliases until there are records, or none.
func (d *DNS) resolve(name string, qtype uint16) (a answer, ttl time.Duration) {
	ttl, a.secure = maxTTL, true
	name = dns.Fqdn(name)
	for range maxAliases {
		m, secure, err := d.ask(name, qtype)
		if err != nil {
			return answer{err: err}, failureTTL
		}
		end, rrs, t := follow(m.Answer, name, qtype)
		ttl = min(ttl, t)
		a.end, a.secure = canonical(end), a.secure && secure
		switch {
		case len(rrs) > 0:
			a.rrs = first(rrs)
			return a, max(ttl, minTTL)
		case end == "":
			return answer{err: errAliases(name)}, failureTTL
		case m.Rcode == dns.RcodeNameError:
			a.err = ErrNotFound
			return a, min(ttl, negativeTTL(m))
		case strings.EqualFold(end, name):
			return a, min(ttl, negativeTTL(m))
		}
		name = end
	}
	return answer{err: errAliases(name)}, failureTTL
}

// first cuts an answer that is far too long, MX by preference.
func first(rrs []dns.RR) []dns.RR {
	if len(rrs) <= maxRecords {
		return rrs
	}
	preference := func(rr dns.RR) uint16 {
		if mx, ok := rr.(*dns.MX); ok {
			return mx.Preference
		}
		return 0
	}
	slices.SortStableFunc(rrs, func(a, b dns.RR) int { return cmp.Compare(preference(a), preference(b)) })
	return slices.Clone(rrs[:maxRecords])
}

func errAliases(name string) error { return fmt.Errorf("%s: too many aliases", name) }

// follow walks from name over the CNAMEs in an answer: where they end, what is
// there, and how long all that holds. end is "" where they do not end.
func follow(rrs []dns.RR, name string, qtype uint16) (end string, found []dns.RR, ttl time.Duration) {
	ttl = maxTTL
	hold := func(rr dns.RR) { ttl = min(ttl, time.Duration(rr.Header().Ttl)*time.Second) }
	for range maxAliases {
		next := ""
		for _, rr := range rrs {
			if !strings.EqualFold(rr.Header().Name, name) {
				continue
			}
			if rr.Header().Rrtype == qtype {
				found = append(found, rr)
				hold(rr)
			} else if cname, ok := rr.(*dns.CNAME); ok && next == "" {
				next = cname.Target
				hold(rr)
			}
		}
		if len(found) > 0 || next == "" {
			return name, found, ttl
		}
		name = next
	}
	return "", nil, ttl
}

// negativeTTL is how long "none" holds (RFC 2308 §5).
func negativeTTL(m *dns.Msg) time.Duration {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			ttl := time.Duration(min(soa.Hdr.Ttl, soa.Minttl)) * time.Second
			return min(max(ttl, minTTL), maxNegative)
		}
	}
	return minTTL
}

// ask puts one question to the servers in turn until one has an answer: records,
// none, or no such name. secure: the server says that it proved it, and is trusted.
func (d *DNS) ask(name string, qtype uint16) (m *dns.Msg, secure bool, err error) {
	var last error
	for range d.cfg.Rounds {
		for _, server := range d.cfg.Servers {
			m, err := d.exchange(server, name, qtype)
			if err == nil && m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
				err = fmt.Errorf("%s %s: %s from %s", dns.TypeToString[qtype], name, dns.RcodeToString[m.Rcode], server)
			}
			if err == nil {
				return m, m.AuthenticatedData && d.trusts(server), nil
			}
			last = err
		}
	}
	return nil, false, last
}

var errForeign = errors.New("answers another question")

// exchange asks one server: with EDNS0 (RFC 6891), without it where the server
// does not know that, and over TCP where the answer was cut.
func (d *DNS) exchange(server, name string, qtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	q.SetEdns0(udpSize, false)
	q.AuthenticatedData = true // we understand AD in the answer (RFC 6840 §5.7)
	m, err := d.send("udp", server, q)
	if err == nil && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented || m.Rcode == dns.RcodeBadVers) {
		q.Extra = nil
		m, err = d.send("udp", server, q)
	}
	if err == nil && m.Truncated {
		m, err = d.send("tcp", server, q)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", dns.TypeToString[qtype], name, err)
	}
	return m, nil
}

func (d *DNS) send(network, server string, q *dns.Msg) (*dns.Msg, error) {
	q.Id = dns.Id()
	ctx, cancel := context.WithTimeout(context.Background(), d.cfg.Timeout)
	defer cancel()
	c := dns.Client{Net: network, Timeout: d.cfg.Timeout, UDPSize: udpSize}
	m, _, err := c.ExchangeContext(ctx, q, server)
	if err != nil {
		return nil, err
	}
	if len(m.Question) != 1 || m.Question[0].Qtype != q.Question[0].Qtype || !strings.EqualFold(m.Question[0].Name, q.Question[0].Name) {
		return nil, fmt.Errorf("%s: %w", server, errForeign)
	}
	return m, nil
}
