package cli

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/cli/proof"
	"relay/quota"
	"relay/store"
)

// deaf is a listener that lets clients connect and takes none.
type deaf struct {
	net.Listener
	closed chan struct{}
	once   sync.Once
}

func (d *deaf) Accept() (net.Conn, error) {
	<-d.closed
	return nil, net.ErrClosed
}

func (d *deaf) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Listener.Close()
}

func logins(t *testing.T, e env, account string) string {
	t.Helper()
	return e.must(t, "account", "credential", "list", account)
}

// Whoever asked is killed in the middle of the session: nobody is left who could
// revoke the login but the relay.
func TestTrial_revokesForWhoIsGone(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	s := serveTest(t, e, func(a *App) {
		a.Listen = func(network, addr string) (net.Listener, error) {
			l, err := net.Listen(network, addr)
			return &deaf{Listener: l, closed: make(chan struct{})}, err
		}
	})
	defer s.stop()
	ctx, kill := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		app := &App{Stdout: io.Discard, Stderr: io.Discard, Getenv: e.get}
		app.Run(ctx, []string{"test", "--to", "you@example.net"})
	}()
	wait(t, "the login is not there", func() bool { return strings.Contains(logins(t, e, "acme"), trialLogin) })
	kill()
	<-ended
	wait(t, "the login is still there", func() bool { return !strings.Contains(logins(t, e, "acme"), trialLogin) })
}

// wait until it is so.
func wait(t *testing.T, otherwise string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(otherwise)
		}
	}
}

// What a killed relay left of a login is removed by the next test; a login of
// another test that runs now is not, nor one of a customer's.
func TestTrial_removesLeftovers(t *testing.T) {
	dir := t.TempDir()
	st, err := proof.OpenStore(dir+"/relay.db", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.AddAccount(store.Order{}, store.NewAccount{Account: store.Account{Name: "acme"}, Plan: quota.Plan{Name: "p", Term: quota.Year}}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for login, c := range map[string]store.Credential{
		"relay-test-old": {Note: trialNote, Created: now.Add(-time.Hour)},
		"relay-test-new": {Note: trialNote, Created: now.Add(-time.Minute)},
		"relay-test-own": {Note: "printer", Created: now.Add(-time.Hour)},
		"acme":           {Created: now.Add(-time.Hour)},
	} {
		c.Login, c.Account, c.Kind = login, "acme", store.Token
		if err := st.AddCredential(store.Order{}, c); err != nil {
			t.Fatal(err)
		}
	}
	tr := trial{call: &call{ctx: t.Context(), st: st}, account: store.Account{Name: "acme"}}
	if err := tr.lend(); err != nil {
		t.Fatal(err)
	}
	if got, want := loginsIn(t, st), "acme "+tr.login.Login+" relay-test-new relay-test-own"; !sameWords(got, want) {
		t.Errorf("logins %s, want %s", got, want)
	}
	for range 2 { // the second time it is gone already
		if err := tr.giveBack(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := loginsIn(t, st), "acme relay-test-new relay-test-own"; !sameWords(got, want) {
		t.Errorf("logins %s, want %s", got, want)
	}
}

func loginsIn(t *testing.T, st *store.Store) string {
	t.Helper()
	list, err := st.Credentials("acme")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range list {
		names = append(names, c.Login)
	}
	return strings.Join(names, " ")
}

func sameWords(a, b string) bool {
	count := map[string]int{}
	for w := range strings.FieldsSeq(a) {
		count[w]++
	}
	for w := range strings.FieldsSeq(b) {
		count[w]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestTrial_sender(t *testing.T) {
	for _, c := range []struct {
		contact string
		senders []string
		want    string
	}{
		{"boss@acme.example", nil, "boss@acme.example"},
		{"", nil, "postmaster@relay.test"},
		{"boss@acme.example", []string{"@acme.example"}, "boss@acme.example"},
		{"boss@gmx.example", []string{"@acme.example"}, "postmaster@acme.example"},
		{"", []string{"shop@acme.example", "@other.example"}, "shop@acme.example"},
	} {
		tr := trial{hostname: "relay.test", account: store.Account{Contact: c.contact, Senders: c.senders}}
		if got := tr.sender(); got != c.want {
			t.Errorf("contact %q, senders %v: from %s, want %s", c.contact, c.senders, got, c.want)
		}
	}
}

func TestBounceAdvice(t *testing.T) {
	for _, c := range []struct {
		reply     string
		smarthost bool
		want      string
	}{
		{"550 5.1.1 no such user", false, "address is wrong"},
		{"550 5.7.1 blocked", false, "relay check"},
		{"550 5.7.1 blocked", true, "smarthost"},
		{"5.4.4 no mail host", false, "domain cannot be reached"},
		{"550 5.4.4 no mail host", false, "domain cannot be reached"},
		{"554 no", false, "reply says why"},
		{"", false, "reply says why"},
	} {
		if got := bounceAdvice(c.reply, c.smarthost); !strings.Contains(got, c.want) {
			t.Errorf("bounceAdvice(%q) = %q, want %q in it", c.reply, got, c.want)
		}
	}
}
