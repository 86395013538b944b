package check

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"relay/cli/config"
	"relay/report/api/act"
)

func TestEntrance_api(t *testing.T) {
	e := entrance{look: newLook(t, nil), relay: &process{health: &act.Health{}}}
	e.api()
	e.match(t, `^$`) // not configured
	now := time.Now()
	writePair(t, &e.cfg, string(e.dir), "relay.test", now.Add(-time.Hour), now.Add(1000*time.Hour), nil)
	pair, err := tls.LoadX509KeyPair(e.cfg.TLS.Cert, e.cfg.TLS.Key)
	if err != nil {
		t.Fatal(err)
	}
	addr := serveEach(t, "127.0.0.1", func(conn net.Conn) {
		_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}}).Handshake()
	})
	for _, c := range []struct{ name, tls, addr, want string }{
		{"it answers", "implicit", addr, `^ok api: implicit, the relay answers on 127.0.0.1:\d+ → \n$`},
		{"a port that the kernel chose", "implicit", "127.0.0.1:0", `^ok api: implicit, on a port that the system chose`},
		{"nobody there", "implicit", "127.0.0.1:1", `^failed api: implicit, no answer: .*connection refused → start the relay again`},
		{"in clear", "none", addr, `^ok api: none, the relay answers`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e.results, e.cfg.API = nil, config.API{Listen: c.addr, TLS: c.tls}
			e.api()
			e.match(t, c.want)
		})
	}
	e.results, e.relay, e.cfg.API = nil, &process{}, config.API{Listen: "127.0.0.1:0", TLS: "implicit"}
	e.api()
	e.match(t, `^ok api: implicit, 127.0.0.1:0 can be bound`)
}
