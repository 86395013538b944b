package check

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"relay/cli/config"
)

// greeter is a host that greets on its port with a line, and hears QUIT.
func greeter(t *testing.T, host, line string) (addr string) {
	return serveEach(t, host, func(conn net.Conn) {
		fmt.Fprint(conn, line+"\r\n")
		_, _ = conn.Read(make([]byte, 100))
	})
}

// nameserver answers with the records that match the question.
func nameserver(t *testing.T, records ...string) (addr string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started, ended := make(chan struct{}), make(chan struct{})
	s := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for _, r := range records {
			if rr, err := dns.NewRR(r); err == nil && rr.Header().Name == q.Question[0].Name && rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		_ = w.WriteMsg(m)
	})}
	go func() { defer close(ended); _ = s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = s.Shutdown(); <-ended })
	return conn.LocalAddr().String()
}

func TestEgress_greeting(t *testing.T) {
	for line, want := range map[string]string{"220 mx.test ESMTP": "220 mx.test ESMTP", "554 go away": "554 go away"} {
		e := egress{newLook(t, nil)}
		got, err := e.greeting(greeter(t, "127.0.0.1", line), false)
		if err != nil {
			got = err.Error()
		}
		if got != want || (err == nil) != strings.HasPrefix(line, "220") {
			t.Errorf("greeting %q: %q, %v", line, got, err)
		}
	}
}

func TestEgress_portOut(t *testing.T) {
	for _, c := range []struct {
		name, addr string
		records    []string
	}{
		{"the best host", "127.0.0.1", []string{"gmail.com. 60 IN MX 20 far.test.", "gmail.com. 60 IN MX 10 near.test.", "near.test. 60 IN A 127.0.0.1"}},
		// An address without a route says nothing about the port.
		{"an address with a route", "::1", []string{"gmail.com. 60 IN MX 10 near.test.", "near.test. 60 IN AAAA fe80::1", "near.test. 60 IN AAAA ::1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			hop := greeter(t, c.addr, "220 mx.gmail.test ESMTP")
			e := egress{newLook(t, func(cfg *config.Config) {
				cfg.Delivery.Resolver, cfg.Delivery.Port = nameserver(t, c.records...), config.PortOf(hop)
			})}
			e.outside()
			e.match(t, `^ok port \d+ out: open: near.test answers 220 mx.gmail.test ESMTP`)
		})
	}
}

// Without time left the port is not blamed.
func TestEgress_portOut_late(t *testing.T) {
	e := egress{newLook(t, func(c *config.Config) { c.Delivery.Resolver = "127.0.0.1:1" })}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.ctx = ctx
	e.portOut()
	e.match(t, `^warning port 25 out: cannot tell: `)
}
