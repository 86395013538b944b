package route

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// nameserver is a DNS server on loopback, over UDP and TCP on the same port.
type nameserver struct {
	addr  string
	asked atomic.Int64
	tcp   atomic.Int64
}

// serve starts a name server that answers with handle; a nil answer is silence.
func serve(t *testing.T, handle func(w dns.ResponseWriter, q, m *dns.Msg) *dns.Msg) *nameserver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	l, err := net.Listen("tcp", pc.LocalAddr().String())
	if err != nil {
		t.Skip(err)
	}
	ns := &nameserver{addr: pc.LocalAddr().String()}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		ns.asked.Add(1)
		if w.LocalAddr().Network() == "tcp" {
			ns.tcp.Add(1)
		}
		if m := handle(w, q, new(dns.Msg).SetReply(q)); m != nil {
			_ = w.WriteMsg(m)
		}
	})
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: handler}, {Listener: l, Handler: handler}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		ended := make(chan struct{})
		go func() { defer close(ended); _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown(); <-ended })
	}
	return ns
}

// zone answers from records in the usual notation; a name that has none does
// not exist. It says one step of an alias at a time where steps is set.
func zone(t *testing.T, steps bool, records ...string) func(w dns.ResponseWriter, q, m *dns.Msg) *dns.Msg {
	t.Helper()
	var rrs []dns.RR
	for _, s := range records {
		rr, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		rrs = append(rrs, rr)
	}
	return func(_ dns.ResponseWriter, q, m *dns.Msg) *dns.Msg {
		name := q.Question[0].Name
		exists := false
		for range 20 {
			next := ""
			exists = false
			for _, rr := range rrs {
				if !strings.EqualFold(rr.Header().Name, name) {
					continue
				}
				exists = true
				cname, ok := rr.(*dns.CNAME)
				if ok {
					next = cname.Target
				}
				if ok || rr.Header().Rrtype == q.Question[0].Qtype {
					m.Answer = append(m.Answer, rr)
				}
			}
			if name = next; next == "" || steps {
				break
			}
		}
		if !exists {
			m.Rcode = dns.RcodeNameError
		}
		return m
	}
}

func newDNS(t *testing.T, servers ...*nameserver) *DNS {
	t.Helper()
	cfg := DNSConfig{Timeout: 200 * time.Millisecond}
	for _, s := range servers {
		cfg.Servers = append(cfg.Servers, s.addr)
	}
	d, err := NewDNS(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mxNames(mxs []MX) string {
	var s []string
	for _, m := range mxs {
		s = append(s, strconv.Itoa(int(m.Preference))+" "+m.Host)
	}
	slices.Sort(s)
	return strings.Join(s, ", ")
}

func addrNames(addrs []netip.Addr) string {
	var s []string
	for _, a := range addrs {
		s = append(s, a.String())
	}
	slices.Sort(s)
	return strings.Join(s, ", ")
}

func TestDNS_LookupMX(t *testing.T) {
	records := []string{
		"a.example. 300 IN MX 10 MX1.a.example.",
		"a.example. 300 IN MX 20 mx2.a.example.",
		"null.example. 300 IN MX 0 .",
		"none.example. 300 IN A 192.0.2.1",
		"alias.example. 300 IN CNAME alias2.example.",
		"alias2.example. 300 IN CNAME a.example.",
		"dangling.example. 300 IN CNAME gone.example.",
		"round.example. 300 IN CNAME round2.example.",
		"round2.example. 300 IN CNAME round.example.",
	}
	for _, steps := range []bool{false, true} {
		d := newDNS(t, serve(t, zone(t, steps, records...)))
		for _, tt := range []struct {
			name, want string
			found      bool
		}{
			{"a.example", "10 mx1.a.example, 20 mx2.a.example", true},
			{"null.example", "0 ", true},
			{"none.example", "", true},
			{"alias.example", "10 mx1.a.example, 20 mx2.a.example", true},
			{"gone.example", "", false},
			{"dangling.example", "", false},
		} {
			mxs, err := d.LookupMX(t.Context(), tt.name)
			if got := mxNames(mxs); got != tt.want || tt.found != (err == nil) || err != nil && !errors.Is(err, ErrNotFound) {
				t.Errorf("steps %v: LookupMX(%s) = %q, %v, want %q", steps, tt.name, got, err, tt.want)
			}
		}
		if mxs, err := d.LookupMX(t.Context(), "round.example"); len(mxs) > 0 || errors.Is(err, ErrNotFound) || err == nil {
			t.Errorf("steps %v: LookupMX(round.example) = %v, %v", steps, mxs, err)
		}
	}
}

func TestDNS_LookupAddrs(t *testing.T) {
	d := newDNS(t, serve(t, zone(t, false,
		"both.example. 300 IN A 192.0.2.1", "both.example. 300 IN A 192.0.2.2", "both.example. 300 IN AAAA 2001:db8::1",
		"six.example. 300 IN AAAA 2001:db8::2", "none.example. 300 IN MX 10 x.example.", "alias.example. 300 IN CNAME both.example.")))
	for name, want := range map[string]string{
		"both.example": "192.0.2.1, 192.0.2.2, 2001:db8::1", "alias.example": "192.0.2.1, 192.0.2.2, 2001:db8::1",
		"six.example": "2001:db8::2", "none.example": "",
	} {
		if addrs, err := d.LookupAddrs(t.Context(), name); addrNames(addrs) != want || err != nil {
			t.Errorf("LookupAddrs(%s) = %v, %v, want %s", name, addrs, err, want)
		}
	}
	if _, err := d.LookupAddrs(t.Context(), "gone.example"); !errors.Is(err, ErrNotFound) {
		t.Errorf("LookupAddrs(gone.example) = %v", err)
	}
}

func TestDNS_oneFamilyFails(t *testing.T) {
	good := zone(t, false, "a.example. 300 IN A 192.0.2.1")
	d := newDNS(t, serve(t, func(w dns.ResponseWriter, q, m *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeAAAA {
			m.Rcode = dns.RcodeServerFailure
			return m
		}
		return good(w, q, m)
	}))
	if addrs, err := d.LookupAddrs(t.Context(), "a.example"); addrNames(addrs) != "192.0.2.1" || err != nil {
		t.Errorf("LookupAddrs = %v, %v", addrs, err)
	}
}

func TestDNS_truncated(t *testing.T) {
	var records []string
	for i := range 100 {
		records = append(records, "big.example. 300 IN MX 10 a-long-name-of-a-mail-host-"+strconv.Itoa(i)+".big.example.")
	}
	z := zone(t, false, records...)
	ns := serve(t, func(w dns.ResponseWriter, q, m *dns.Msg) *dns.Msg {
		m = z(w, q, m)
		if w.LocalAddr().Network() == "udp" {
			m.Truncate(int(q.IsEdns0().UDPSize()))
		}
		return m
	})
	mxs, err := newDNS(t, ns).LookupMX(t.Context(), "big.example")
	if len(mxs) != 100 || err != nil || ns.tcp.Load() != 1 {
		t.Errorf("LookupMX = %d, %v; %d over TCP", len(mxs), err, ns.tcp.Load())
	}
}

func TestDNS_withoutEDNS(t *testing.T) {
	z := zone(t, false, "a.example. 300 IN MX 10 mx.example.")
	d := newDNS(t, serve(t, func(w dns.ResponseWriter, q, m *dns.Msg) *dns.Msg {
		if q.IsEdns0() != nil {
			m.Rcode = dns.RcodeFormatError
			return m
		}
		return z(w, q, m)
	}))
	if mxs, err := d.LookupMX(t.Context(), "a.example"); mxNames(mxs) != "10 mx.example" {
		t.Errorf("LookupMX = %v, %v", mxs, err)
	}
}

func TestDNS_servers(t *testing.T) {
	good := serve(t, zone(t, false, "a.example. 300 IN MX 10 mx.example."))
	rcode := func(code int) *nameserver {
		return serve(t, func(_ dns.ResponseWriter, _, m *dns.Msg) *dns.Msg { m.Rcode = code; return m })
	}
	silent := serve(t, func(dns.ResponseWriter, *dns.Msg, *dns.Msg) *dns.Msg { return nil })
	foreign := serve(t, func(_ dns.ResponseWriter, _, m *dns.Msg) *dns.Msg {
		m.Question[0].Name = "other.example."
		return m
	})
	for name, first := range map[string]*nameserver{"SERVFAIL": rcode(dns.RcodeServerFailure), "REFUSED": rcode(dns.RcodeRefused), "silent": silent, "answers another question": foreign} {
		t.Run(name+", then good", func(t *testing.T) {
			if mxs, err := newDNS(t, first, good).LookupMX(t.Context(), "a.example"); mxNames(mxs) != "10 mx.example" {
				t.Errorf("LookupMX = %v, %v", mxs, err)
			}
		})
		t.Run(name+" alone", func(t *testing.T) {
			if mxs, err := newDNS(t, first).LookupMX(t.Context(), "a.example"); err == nil || errors.Is(err, ErrNotFound) {
				t.Errorf("LookupMX = %v, %v", mxs, err)
			}
		})
	}
}

func TestDNS_cache(t *testing.T) {
	ns := serve(t, zone(t, false, "a.example. 300 IN MX 10 mx.example."))
	d := newDNS(t, ns)
	for range 3 {
		_, _ = d.LookupMX(t.Context(), "a.example")
		_, _ = d.LookupMX(t.Context(), "gone.example")
	}
	if n := ns.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

func TestDNS_sharesAQuestion(t *testing.T) {
	release := make(chan struct{})
	z := zone(t, false, "a.example. 300 IN MX 10 mx.example.")
	ns := serve(t, func(w dns.ResponseWriter, q, m *dns.Msg) *dns.Msg {
		<-release
		return z(w, q, m)
	})
	d := newDNS(t, ns)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.LookupMX(ctx, "a.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("LookupMX = %v", err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if mxs, err := d.LookupMX(t.Context(), "a.example"); len(mxs) != 1 {
				t.Errorf("LookupMX = %v, %v", mxs, err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := ns.asked.Load(); n != 1 {
		t.Errorf("asked %d times, want 1", n)
	}
}

func TestCache_isBounded(t *testing.T) {
	var c cache
	c.init(100)
	now := time.Now()
	for i := range 1000 {
		expires := now.Add(time.Hour)
		if i%2 == 0 {
			expires = now
		}
		c.put(key{strconv.Itoa(i), dns.TypeMX}, answer{expires: expires})
		if len(c.kept) > 100 {
			t.Fatalf("%d kept", len(c.kept))
		}
	}
	a, err := c.get(t.Context(), key{"998", dns.TypeMX}, func() answer { return answer{err: ErrNotFound} })
	if err != nil || a.err != ErrNotFound {
		t.Errorf("expired answer was used")
	}
}

func TestNegativeTTL(t *testing.T) {
	for _, tt := range []struct {
		soa  string
		want time.Duration
	}{
		{"", minTTL},
		{"example. 20 IN SOA ns. host. 1 2 3 4 3600", 20 * time.Second},
		{"example. 86400 IN SOA ns. host. 1 2 3 4 30", 30 * time.Second},
		{"example. 86400 IN SOA ns. host. 1 2 3 4 86400", maxNegative},
	} {
		m := new(dns.Msg)
		if tt.soa != "" {
			rr, err := dns.NewRR(tt.soa)
			if err != nil {
				t.Fatal(err)
			}
			m.Ns = append(m.Ns, rr)
		}
		if got := negativeTTL(m); got != tt.want {
			t.Errorf("negativeTTL(%q) = %v, want %v", tt.soa, got, tt.want)
		}
	}
}

func TestNewDNS_servers(t *testing.T) {
	d, err := NewDNS(DNSConfig{Servers: []string{"192.0.2.1", "192.0.2.2:5353", "2001:db8::1", "[2001:db8::2]:53"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(d.cfg.Servers, " "), "192.0.2.1:53 192.0.2.2:5353 [2001:db8::1]:53 [2001:db8::2]:53"; got != want {
		t.Errorf("servers = %s, want %s", got, want)
	}
	if _, err := NewDNS(DNSConfig{Servers: []string{""}}); err == nil {
		t.Error("an empty server was taken")
	}
}

func TestSystemServers(t *testing.T) {
	if got := systemServers("testdata/resolv.conf"); strings.Join(got, " ") != "192.0.2.53:53 [2001:db8::53]:53" {
		t.Errorf("systemServers = %v", got)
	}
	if got := systemServers("testdata/none"); strings.Join(got, " ") != "127.0.0.1:53" {
		t.Errorf("without a file: %v", got)
	}
}

// An answer as long as an attacker likes costs a bounded amount of memory.
func TestDNS_longAnswer(t *testing.T) {
	var records []string
	for i := range 400 {
		records = append(records, "many.example. 60 IN MX "+strconv.Itoa(500-i)+" mx"+strconv.Itoa(i)+".example.",
			"many.example. 60 IN A 192.0.2."+strconv.Itoa(i%250))
	}
	answer := zone(t, false, records...)
	d := newDNS(t, serve(t, func(w dns.ResponseWriter, q, m *dns.Msg) *dns.Msg {
		if w.LocalAddr().Network() == "udp" {
			m.Truncated = true
			return m
		}
		return answer(w, q, m)
	}))
	mxs, err := d.LookupMX(t.Context(), "many.example")
	if err != nil || len(mxs) != maxRecords || mxs[0] != (MX{101, "mx399.example"}) {
		t.Errorf("LookupMX = %d, %v", len(mxs), err)
	}
	addrs, err := d.LookupAddrs(t.Context(), "many.example")
	if err != nil || len(addrs) != maxRecords {
		t.Errorf("LookupAddrs = %d, %v", len(addrs), err)
	}
}
