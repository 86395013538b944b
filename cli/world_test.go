package cli

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/rogpeppe/go-internal/testscript"

	"relay/cli/kernel"
	"relay/cli/proof"
	"relay/cli/sandbox/sink"
	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/mailreply"
	"relay/store/orders"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// addressesOf are a machine's that a script names: public ones in ADDRESSES,
// those of its interfaces otherwise in PRIVATE.
func addressesOf(getenv func(string) string) func() (kernel.Addresses, error) {
	return func() (a kernel.Addresses, err error) {
		for word := range strings.FieldsSeq(getenv("ADDRESSES")) {
			a.Outgoing = append(a.Outgoing, netip.MustParseAddr(word))
		}
		for word := range strings.FieldsSeq(getenv("PRIVATE")) {
			a.All = append(a.All, netip.MustParseAddr(word))
		}
		a.NAT = slices.ContainsFunc(a.All, netip.Addr.Is4) && !slices.ContainsFunc(a.Outgoing, netip.Addr.Is4)
		a.All = append(a.All, a.Outgoing...)
		return a, nil
	}
}

// set changes a key of a configuration file.
func set(path, key, value string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	re := regexp.MustCompile(`(?m)^` + key + ` = .*$`)
	return os.WriteFile(path, re.ReplaceAll(text, []byte(key+" = "+value)), 0o600)
}

// dns FILE: a name server of the records in the file, which the configuration
// names from then on. A name that has none does not exist.
func cmdDNS(ts *testscript.TestScript, _ bool, args []string) {
	addr, stop, err := serveDNS(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Defer(stop)
	ts.Check(set(ts.Getenv("RELAY_CONFIG"), "resolver", `"`+addr+`"`))
}

func serveDNS(zone string) (addr string, stop func(), err error) {
	var records []dns.RR
	z := dns.NewZoneParser(strings.NewReader(zone), ".", "")
	for rr, ok := z.Next(); ok; rr, ok = z.Next() {
		records = append(records, rr)
	}
	if err := z.Err(); err != nil {
		return "", nil, err
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	started, ended := make(chan struct{}), make(chan struct{})
	srv := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) },
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(reply(records, q)) })}
	go func() { defer close(ended); _ = srv.ActivateAndServe() }()
	<-started
	return conn.LocalAddr().String(), func() { _ = srv.Shutdown(); <-ended }, nil
}

func reply(records []dns.RR, q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Rcode = dns.RcodeNameError
	for _, rr := range records {
		if strings.EqualFold(rr.Header().Name, q.Question[0].Name) {
			m.Rcode = dns.RcodeSuccess
			if rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
	}
	return m
}

// hop: a next hop, which the configuration names as the smarthost from then on. It
// takes what does not begin with bounce, defer or later.
func cmdHop(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = sink.New(sink.Config{}).Run(ctx, l) }()
	ts.Defer(func() { cancel(); <-ended })
	ts.Check(set(ts.Getenv("RELAY_CONFIG"), "smarthost", `"`+l.Addr().String()+`"`))
}

// ending NAME [CONTACT]: an account on a plan for 30 days, of which 20 are over.
func cmdEnding(ts *testscript.TestScript, _ bool, args []string) {
	ago := func() time.Time { return time.Now().AddDate(0, 0, -20) }
	st, err := proof.OpenStore(filepath.Join(ts.Getenv("RELAY_DATA"), "relay.db"), store.Options{Now: ago})
	ts.Check(err)
	a := books.Account{Name: args[0]}
	if len(args) > 1 {
		a.Contact = args[1]
	}
	_, err = st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: a, Plan: quota.Plan{Name: "pack", Term: quota.Month, Emails: 9000}})
	ts.Check(errors.Join(err, st.Close()))
}

// refused NAME ADDRESS CATEGORY REPLY: mail of an account was refused for good, an hour ago.
func cmdRefused(ts *testscript.TestScript, _ bool, args []string) {
	ago := func() time.Time { return time.Now().Add(-time.Hour) }
	st, err := proof.OpenStore(filepath.Join(ts.Getenv("RELAY_DATA"), "relay.db"), store.Options{Now: ago})
	ts.Check(err)
	b := st.Bodies.New()
	_, err = b.Write([]byte("Subject: x\r\n\r\nx\r\n"))
	ts.Check(err)
	_, domain, _ := strings.Cut(args[1], "@")
	m := &spooled.Message{Account: args[0], Sender: "", MessageID: "<1@acme.example>", Recipients: []spooled.Recipient{{Address: args[1], Domain: domain}}}
	no, err := st.Accept(store.Intake{Message: m, Body: b})
	if no != nil {
		ts.Fatalf("%+v", no)
	}
	ts.Check(err)
	list, err := st.Spool.Claim([]spool.Want{{Lane: spooled.Lane{Domain: domain, Account: args[0]}, Max: 1}}, func(*spooled.Message, int) time.Time { return time.Now() })
	ts.Check(err)
	ts.Check(st.Spool.Settle(spool.Result{ID: list[0].Message.ID, Domain: domain, Event: trace.Event{Kind: trace.EventAttempt},
		Outcomes: []spool.Outcome{{State: spooled.Failed, Reply: args[3], Verdict: mailreply.Verdict{Category: args[2]}}}}))
	ts.Check(st.Close())
}
