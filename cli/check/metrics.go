package check

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"relay/cli/config"
	"relay/cli/finding"
	"relay/cli/knock"
	"relay/report/metrics"
)

// metrics judges the listener of [metrics]: a running relay must answer a scrape there, a
// stopped one must be able to bind it, and the world should not read it.
func (e *entrance) metrics() {
	const check = "metrics"
	addr := e.cfg.Metrics.Listen
	switch {
	case addr == "":
		return
	case e.relay.health == nil:
		e.bind(check, "http", config.Listen{Addr: addr, TLS: "none"})
	case config.PortOf(addr) == 0: // the kernel chose the port
		e.add(check, finding.OK, "", "on a port that the system chose")
	default:
		if err := e.scrapes(knock.Address(addr)); err != nil {
			e.add(check, finding.Failed, "start the relay again after a change of [metrics]; the reason is in its log", "no answer: %s", knock.Why(err))
			return
		}
		e.add(check, finding.OK, "", "the relay answers on http://%s%s", addr, metrics.Path)
	}
	if host, _, err := net.SplitHostPort(addr); err == nil && !reserved(host) {
		e.add(check, finding.Warning, "listen on 127.0.0.1, or on an address of a network of your own", "%s asks for no login, and may be reached from outside", addr)
	}
}

// reserved reports a host that is loopback or a private address.
func reserved(host string) bool {
	a, err := netip.ParseAddr(host)
	return config.IsLoopback(host) || err == nil && a.IsPrivate()
}

// scrapes asks for the metrics once.
func (e *entrance) scrapes(addr string) error {
	req, err := http.NewRequestWithContext(e.ctx, http.MethodGet, "http://"+addr+metrics.Path, nil)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: knock.Patience, Transport: &http.Transport{DisableKeepAlives: true}} // no proxy
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && (res.StatusCode != http.StatusOK || !strings.Contains(string(text), metrics.UpName)) {
		err = fmt.Errorf("it answers %s, and no metrics of relay", res.Status)
	}
	return err
}
