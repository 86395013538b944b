package mailer

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/mailer/source"
	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
)

// Connections come from the addresses of the sources, on real sockets.
func TestSource_sockets(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only there all of 127.0.0.0/8 is this machine's")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type call struct{ from, ehlo string }
	calls := make(chan call, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			h := &mx{name: "mx", say: func(x *exchange) string {
				if x.verb == "EHLO" {
					calls <- call{host, strings.TrimSpace(x.arg)}
				}
				return ""
			}}
			go h.serve(c)
		}
	}()
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	cfg := settings.Config{Hostname: "relay.test", Sources: []source.Source{from("127.0.0.2", "two.test"), from("127.0.0.3", "three.test", pool("own"))}}
	addr := netip.MustParseAddrPort(l.Addr().String())
	cfg.Smarthost.Host, cfg.Smarthost.Port = addr.Addr().String(), int(addr.Port())
	m, err := New(st.Spool, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	for account, want := range map[string]call{"acme": {"127.0.0.2", "two.test"}, "own": {"127.0.0.3", "three.test"}} {
		a := books.Account{Name: account}
		if account == "own" {
			a.Pool = "own"
		}
		if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: a, Plan: quota.Plan{Name: "p", Term: quota.Year}}); err != nil {
			t.Fatal(err)
		}
		msg := message("you@example.test")
		msg.Account, msg.Size, msg.Expires = account, int64(len(content)), st.Now().Add(time.Hour)
		b := st.Bodies.New()
		_, _ = b.Write([]byte(content))
		if r, err := st.Accept(store.Intake{Message: msg, Body: b}); r != nil || err != nil {
			t.Fatal(r, err)
		}
		if got := <-calls; got != want {
			t.Errorf("%s: %+v, want %+v", account, got, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
