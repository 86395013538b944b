package check

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/kernel"
	"relay/report/api/act"
)

func TestEntrance_taken(t *testing.T) {
	for _, c := range []struct {
		name     string
		users    []kernel.Process
		optional bool
		relay    process
		want     string
	}{
		{"by a program", []kernel.Process{{Name: "postfix", PID: 123}}, false, process{}, "failed port: starttls, :587 is in use by postfix (pid 123) → stop postfix, or choose another port"},
		{"a default port", []kernel.Process{{Name: "postfix", PID: 123}}, true, process{}, "warning port: "},
		{"by an unknown program", nil, false, process{}, "failed port: starttls, :587 is in use by another program, run relay check as root to see which → another program listens there"},
		{"by the service manager", []kernel.Process{{Name: "systemd", PID: 1}}, false, process{}, "ok port: starttls, the service manager has :587"},
		{"while a relay is silent", nil, false, process{silent: true}, "warning port: starttls, :587 is in use by another program, run relay check as root to see which: perhaps the relay, which could not be asked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := entrance{look: newLook(t, nil), relay: &c.relay}
			e.taken("port", config.Listen{Addr: ":587", TLS: "starttls", Optional: c.optional}, c.users)
			if got := e.text(); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// A listener behind balancers is asked as one of them. A renewed certificate that the relay
// has not taken up yet is a warning.
func TestEntrance_ports_served(t *testing.T) {
	e := entrance{look: newLook(t, func(c *config.Config) {
		c.Proxies = []string{"127.0.0.0/8"}
		c.Listen = []config.Listen{{Addr: "127.0.0.1:0", TLS: "implicit"}}
	})}
	now := time.Now()
	writePair(t, &e.cfg, string(e.dir), "relay.test", now.Add(-time.Hour), now.Add(1000*time.Hour), nil)
	addr := submissions(t, e.cfg.TLS)
	e.relay = &process{health: &act.Health{Listeners: []act.Listener{{Addr: addr, TLS: "implicit"}}}}
	e.ports()
	e.match(t, `^ok port 0: implicit, the relay answers on 127.0.0.1:\d+ → \n$`)
	e.results = nil
	writePair(t, &e.cfg, string(e.dir), "relay.test", now.Add(-time.Hour), now.Add(2000*time.Hour), nil)
	e.ports()
	e.match(t, `^warning port 0: implicit, the relay answers on 127.0.0.1:\d+, with another certificate than the file has → relay reload`)
}

// submissions is a listener with implicit TLS that expects a balancer's line first.
func submissions(t *testing.T, files config.TLS) (addr string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	return serveEach(t, "127.0.0.1", func(conn net.Conn) {
		line := make([]byte, len("PROXY UNKNOWN\r\n"))
		if _, err := conn.Read(line); err != nil || string(line) != "PROXY UNKNOWN\r\n" {
			return
		}
		secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}})
		fmt.Fprint(secure, "220 relay.test ESMTP\r\n")
		_, _ = bufio.NewReader(secure).ReadString('\n')
	})
}

// serveEach handles every connection to a port of host, and closes it. It skips the test
// on a machine without that address.
func serveEach(t *testing.T, host string, handle func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Skip(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handle(conn)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}
