package mailer

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"relay/mailer/client"
	"relay/mailer/pace"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/bodies"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/spooled"
	"relay/store/trace"
)

// names is the DNS as maps.
type names struct {
	mu    sync.Mutex
	mx    map[string][]route.MX
	addrs map[string][]netip.Addr
	fail  map[string]error
	asked map[string]int
	proof proof
	slow  string // names that end so are answered after five seconds, or not
}

func (n *names) dawdle(ctx context.Context, name string) error {
	if n.slow == "" || !strings.HasSuffix(name, n.slow) {
		return nil
	}
	select {
	case <-time.After(5 * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *names) LookupMX(ctx context.Context, domain string) ([]route.MX, error) {
	if err := n.dawdle(ctx, domain); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked[domain]++
	if err := n.fail[domain]; err != nil {
		return nil, err
	}
	if mx, ok := n.mx[domain]; ok {
		return mx, nil
	}
	if _, ok := n.addrs[domain]; ok {
		return nil, nil
	}
	return nil, route.ErrNotFound
}

func (n *names) LookupAddrs(_ context.Context, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.fail[host]; err != nil {
		return nil, err
	}
	if a, ok := n.addrs[host]; ok {
		return a, nil
	}
	return nil, route.ErrNotFound
}

// world is a relay's sending half with an internet around it, in a bubble.
type world struct {
	t      *testing.T
	store  *store.Store
	path   string
	copied string // by killed
	dns    *names
	cfg    settings.Config
	mail   *Mailer

	mu    sync.Mutex
	hops  map[netip.Addr]*mx
	dials map[netip.Addr][]time.Time
	lost  map[netip.Addr]bool // addresses that the machine lacks
	next  byte
	log   strings.Builder

	stop  context.CancelFunc
	ended chan error
}

// inWorld runs fn in a bubble with a world, whose store is proved at the end.
func inWorld(t *testing.T, cfg settings.Config, fn func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cfg)
		fn(w)
		w.halt()
		_, err := w.store.Verify(context.Background(), func(p string) { t.Errorf("Verify: %s", p) })
		if err != nil {
			t.Errorf("Verify: %v", err)
		}
		if err := w.store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func newWorld(t *testing.T, cfg settings.Config) *world {
	w := &world{
		t: t,
		dns: &names{mx: map[string][]route.MX{}, addrs: map[string][]netip.Addr{},
			fail: map[string]error{}, asked: map[string]int{}},
		hops:  map[netip.Addr]*mx{},
		dials: map[netip.Addr][]time.Time{},
		lost:  map[netip.Addr]bool{},
	}
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.path = filepath.Join(t.TempDir(), "relay.db")
	st, err := store.Open(w.path, store.Options{Log: log, Now: clockOf(cfg)})
	if err != nil {
		t.Fatal(err)
	}
	w.store = st
	w.account("acme")
	cfg.Hostname = "relay.test"
	cfg.DNS, cfg.Dialer = w.dns, w
	if cfg.FirstCap == 0 { // tests of these set them
		cfg.FirstCap = -1
	}
	if cfg.NewProfile == "" {
		cfg.NewProfile = pace.Full
	}
	w.cfg = cfg
	w.host("src.test") // takes the DSNs
	w.mail, err = New(st.Spool, cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// clockOf is the store's clock, which runs Config.Speed times as fast as time.
func clockOf(cfg settings.Config) func() time.Time {
	start, speed := time.Now(), time.Duration(max(cfg.Speed, 1))
	return func() time.Time { return start.Add(speed * time.Since(start)) }
}

// Write takes the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) account(name string) {
	w.t.Helper()
	_, err := w.store.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name},
		Plan: quota.Plan{Name: "p", Term: quota.Year}, Credential: &people.Credential{Login: name, Account: name, Kind: people.Token, Hash: "x"}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// change changes an account.
func (w *world) change(name string, fn func(*books.Account)) {
	w.t.Helper()
	_, err := w.store.Orders.ChangeAccount(behalf.Order{}, name, func(a *books.Account) (orders.Change, error) { fn(a); return orders.Change{}, nil })
	if err != nil {
		w.t.Fatal(err)
	}
}

// Dial connects to the hop at an address through a pipe.
func (w *world) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost[from] {
		return nil, fmt.Errorf("dial %s: %w", to, syscall.EADDRNOTAVAIL)
	}
	w.dials[to.Addr()] = append(w.dials[to.Addr()], time.Now())
	h := w.hops[to.Addr()]
	if h == nil {
		return nil, fmt.Errorf("dial %s: %w", to, syscall.ECONNREFUSED)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	go h.serve(theirs)
	return ours, nil
}

// Bind implements Binder.
func (w *world) Bind(from netip.Addr) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost[from] {
		return syscall.EADDRNOTAVAIL
	}
	return nil
}

// lose takes an address of ours from the machine, or gives it back.
func (w *world) lose(from string, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost[netip.MustParseAddr(from)] = lost
}

func (w *world) dialled(a netip.Addr) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.dials[a])
}

// address is a public one that nobody has yet.
func (w *world) address(name string) netip.Addr {
	w.next++
	a := netip.AddrFrom4([4]byte{11, 0, 0, w.next})
	w.dns.mu.Lock()
	defer w.dns.mu.Unlock()
	w.dns.addrs[name] = []netip.Addr{a}
	return a
}

// dead is a domain whose only host does not answer.
func (w *world) dead(domain string) netip.Addr {
	a := w.address("mx." + domain)
	w.point(domain, "mx."+domain)
	return a
}

// host is a domain with a hop of its own.
func (w *world) host(domain string) *mx {
	a := w.dead(domain)
	h := &mx{name: "mx." + domain}
	w.set(a, h)
	return h
}

func (w *world) set(a netip.Addr, h *mx) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hops[a] = h
}

// point makes hosts the MX of a domain, by preference.
func (w *world) point(domain string, hosts ...string) {
	w.dns.mu.Lock()
	defer w.dns.mu.Unlock()
	var mx []route.MX
	for i, h := range hosts {
		mx = append(mx, route.MX{Preference: uint16(10 * (i + 1)), Host: h})
	}
	w.dns.mx[domain] = mx
}

func (w *world) hopOf(domain string) *mx {
	w.dns.mu.Lock()
	a := w.dns.addrs["mx."+domain][0]
	w.dns.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hops[a]
}

const content = "From: a@src.test\r\nTo: you\r\nSubject: test\r\nMessage-ID: <1@src.test>\r\n\r\nHello\r\n.dot\r\n"

// message is one of acme's from a@src.test.
func message(to ...string) *spooled.Message {
	m := &spooled.Message{Account: "acme", Sender: "a@src.test", MessageID: "<1@src.test>"}
	for _, a := range to {
		m.Recipients = append(m.Recipients, spooled.Recipient{Address: a, Domain: a[strings.LastIndexByte(a, '@')+1:]})
	}
	return m
}

func (w *world) accept(m *spooled.Message) spooled.ID { return w.acceptBody(m, content) }

func (w *world) acceptBody(m *spooled.Message, content string) spooled.ID {
	w.t.Helper()
	is, err := w.store.Books.Account(m.Account)
	if err != nil {
		w.t.Fatal(err)
	}
	b := w.store.Bodies.NewOf(bodies.Sender{Account: m.Account, Service: is.ServiceSignature})
	if _, err := b.Write([]byte(content)); err != nil {
		w.t.Fatal(err)
	}
	m.Size = int64(len(content))
	if m.Expires.IsZero() {
		m.Expires = w.store.Now().Add(4 * 24 * time.Hour)
	}
	refusal, err := w.store.Accept(store.Intake{Message: m, Body: b, Login: m.Account, Client: "192.0.2.1"})
	if refusal != nil || err != nil {
		w.t.Fatalf("Accept = %+v, %v", refusal, err)
	}
	return b.ID()
}

func (w *world) send(to ...string) spooled.ID { w.t.Helper(); return w.accept(message(to...)) }

// start runs the mailer.
func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.stop, w.ended = cancel, make(chan error, 1)
	go func() { w.ended <- w.mail.Run(ctx) }()
}

// halt stops it and waits.
func (w *world) halt() {
	w.t.Helper()
	if w.stop == nil {
		return
	}
	w.stop()
	if err := <-w.ended; err != nil {
		w.t.Errorf("Run: %v", err)
	}
	w.stop = nil
}

// run starts the mailer and lets the time pass.
func (w *world) run(d time.Duration) {
	w.start()
	w.pass(d)
}

// pass lets the bubble's time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// rcpt is a recipient of a message in the queue.
func (w *world) rcpt(id spooled.ID, i int) spooled.Recipient {
	w.t.Helper()
	m, err := w.store.Spool.QueueMessage(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return m.Recipients[i]
}

// gone reports whether the message has left the queue.
func (w *world) gone(id spooled.ID) bool {
	_, err := w.store.Spool.QueueMessage(id)
	return err != nil
}

// final is the last outcome of a recipient, from the trace.
func (w *world) final(id spooled.ID, address string) trace.EventOutcome {
	w.t.Helper()
	events, err := w.store.Trace.Of(id)
	if err != nil {
		w.t.Fatal(err)
	}
	var last trace.EventOutcome
	for _, e := range events {
		if e.Kind != trace.EventAttempt && e.Kind != trace.EventExpired && e.Kind != trace.EventSuppressed {
			continue
		}
		for _, o := range e.Recipients {
			if o.Address == address {
				last = o
			}
		}
	}
	return last
}

// attempts are those of a message, from the trace.
func (w *world) attempts(id spooled.ID) []trace.Event {
	w.t.Helper()
	events, err := w.store.Trace.Of(id)
	if err != nil {
		w.t.Fatal(err)
	}
	var list []trace.Event
	for _, e := range events {
		if e.Kind == trace.EventAttempt {
			list = append(list, e)
		}
	}
	return list
}

// notices are the DSNs that the sender got.
func (w *world) notices() []received { return w.hopOf("src.test").messages() }

// wantFinal checks a recipient's last outcome; reply may be part of it.
func (w *world) wantFinal(id spooled.ID, address string, state spooled.State, reply string) {
	w.t.Helper()
	o := w.final(id, address)
	if o.State != state || !strings.Contains(o.Reply, reply) {
		w.t.Errorf("%s: %s %q, want %s %q", address, o.State, o.Reply, state, reply)
	}
}

// quick are timeouts that cost little even in tests.
var quick = client.Timeouts{Greeting: time.Minute, Hello: time.Minute, Mail: time.Minute, Rcpt: time.Minute,
	Data: time.Minute, Block: time.Minute, End: time.Minute, Quit: time.Second}
