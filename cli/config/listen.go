package config

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"relay/store/netblock"
)

// Listen is a [[listen]] section: an address where mail comes in.
type Listen struct {
	Addr string `toml:"addr"` // port 0: any free one
	TLS  string `toml:"tls"`

	Optional bool `toml:"-"` // skipped when it cannot be bound
}

// SystemdPrefix marks an address that is the name of a socket which the service
// manager passes (systemd's FileDescriptorName=).
const SystemdPrefix = "systemd:"

var listenKeys = Section{Name: "listen", Many: true, aligned: true, Before: `Where mail comes in. Without any [[listen]] it is these three, and the first
two are skipped when they cannot be bound. "systemd:NAME" is a socket that the
service manager passes under that name.`, Keys: []Key{
	{"addr", ":587", isListenAddress, OnRestart, `host:port; without host: all addresses of the machine`},
	{"tls", "starttls", oneOf("starttls", "implicit", "none"), OnRestart, `starttls | implicit | none (known networks only); default implicit on port 465`},
}}

// DefaultListen is where relay listens without any [[listen]]: submission needs
// privileges, so its ports may be missing; 2525 never is.
func DefaultListen() []Listen {
	return []Listen{
		{Addr: ":587", TLS: "starttls", Optional: true},
		{Addr: ":465", TLS: "implicit", Optional: true},
		{Addr: ":2525", TLS: "starttls"},
	}
}

// isListenAddress is host:port, or a socket that the service manager passes.
func isListenAddress(v *validator, key string, value any) {
	name, passed := strings.CutPrefix(value.(string), SystemdPrefix)
	switch {
	case !passed:
		isListener(v, key, value)
	case name == "":
		v.bad(key, "%q: the socket's name is missing, systemd:NAME", value)
	}
}

// usualTLS is the TLS of a listener for which the file names none.
func usualTLS(addr string) string {
	if strings.HasSuffix(addr, ":465") { // RFC 8314 §7.3
		return "implicit"
	}
	return "starttls"
}

// Listeners are the configured addresses, or the default ones.
func (c *Config) Listeners() []Listen {
	if len(c.Listen) == 0 {
		return DefaultListen()
	}
	return c.Listen
}

// NeedsTLS reports whether a listener needs a certificate.
func (c *Config) NeedsTLS() bool {
	return c.TakesBack() || c.API.NeedsTLS() || slices.ContainsFunc(c.Listeners(), func(l Listen) bool { return l.TLS != "none" })
}

// Balancers are the networks of the balancers before the listeners. Validate has checked them.
func (c *Config) Balancers() []netip.Prefix { return networks(c.Proxies) }

// Balancers are the networks of the balancers before the listener for what comes back.
func (b *Bounce) Balancers() []netip.Prefix { return networks(b.Proxies) }

func networks(texts []string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		if p, err := netblock.Parse(text); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// API is the [api] section: where resellers reach relay over a network.
type API struct {
	Listen string `toml:"listen"` // "": nowhere
	TLS    string `toml:"tls"`
}

var apiKeys = Section{Name: "api", Before: `Where resellers reach this relay with their tokens: relay --api URL --token-file
FILE, or any program. What they change is in the log with the reseller's name.`, Keys: []Key{
	{"listen", "", unlessEmpty(isListener), OnRestart, `host:port, ":8443"; default nowhere but on this machine`},
	{"tls", "implicit", all(oneOf("implicit", "none"), noneOnLoopback), OnRestart, `with the certificate of [tls]; or none, on loopback only`},
}}

// Metrics is the [metrics] section: where Prometheus reads relay's figures.
type Metrics struct {
	Listen string `toml:"listen"` // "": nowhere
}

var metricsKeys = Section{Name: "metrics", Before: `Where Prometheus reads how relay does: http://HOST:PORT/metrics. relay asks for no login there:
listen on loopback, or on an address of a network of your own. No account, domain or address is named.`, Keys: []Key{
	{"listen", "", unlessEmpty(isListener), OnRestart, `host:port, "127.0.0.1:9587"; default nowhere`},
}}

// noneOnLoopback refuses tokens in clear text on a network.
func noneOnLoopback(v *validator, key string, value any) {
	host, _, err := net.SplitHostPort(v.c.API.Listen)
	if err == nil && value == "none" && !IsLoopback(host) {
		v.bad(key, "\"none\" only on loopback, such as listen = \"127.0.0.1:8080\": tokens would be read on the way")
	}
}

// NeedsTLS reports whether it needs the certificate.
func (a *API) NeedsTLS() bool { return a.Listen != "" && a.TLS != "none" }

// IsLoopback reports a host that only this machine reaches.
func IsLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// PortOf is the port of host:port; 0: there is none.
func PortOf(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return n
}

// SocketName is the name of the service manager's socket that an address stands for; "": it
// stands for none.
func SocketName(addr string) string {
	name, _ := strings.CutPrefix(addr, SystemdPrefix)
	if name == addr {
		return ""
	}
	return name
}
