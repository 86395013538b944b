package mail

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/report/api/act"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/spool"
	"relay/store/spooled"
)

// submission is a relay's way in whose steps a test gives.
type submission func(ctx context.Context, m *act.TrialMessage, done act.Steps) (spooled.ID, error)

func (s submission) Submit(ctx context.Context, m *act.TrialMessage, done act.Steps) (spooled.ID, error) {
	return s(ctx, m, done)
}

// bench is where tests are run: a store with the account acme, and a way in.
type bench struct {
	t        *testing.T
	s        *act.Service
	stopping chan struct{}
}

func newBench(t *testing.T, way submission) *bench {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme", Contact: "boss@acme.example"},
		Plan: quota.Plan{Name: "p", Term: quota.Year}, Activate: true}); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, stopping: make(chan struct{})}
	b.s = &act.Service{Store: st, Hostname: "relay.test", Log: slog.New(slog.DiscardHandler), Rules: func() *act.Rules { return &act.Rules{} },
		Running: &act.Running{Submission: way, Stopping: b.stopping}}
	return b
}

// run a test, and return its steps and its end. Afterwards its login is gone.
func (b *bench) run(ctx context.Context, in *Trial) (steps []string, err error) {
	b.t.Helper()
	c := &act.Local{Handler: act.NewAPI(b.s, Test), Actor: act.Actor{Kind: act.Operator, UID: -1}}
	in.Body.To = "you@example.net"
	err = Test.Each(ctx, c, in, func(s *act.TrialStep) error {
		steps = append(steps, s.Step+" "+string(s.Status))
		return nil
	})
	c.Wait()
	if left := b.logins(); len(left) > 0 {
		b.t.Errorf("logins %q are left", left)
	}
	return steps, err
}

func (b *bench) logins() (names []string) {
	b.t.Helper()
	list, err := b.s.Store.People.Credentials("acme")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range list {
		names = append(names, c.Login)
	}
	slices.Sort(names)
	return names
}

// accept puts the message into the queue, and nobody delivers it.
func (b *bench) accept(m *act.TrialMessage) spooled.ID {
	b.t.Helper()
	body := b.s.Store.Bodies.New()
	if _, err := body.Write([]byte(m.Content)); err != nil {
		b.t.Fatal(err)
	}
	refusal, err := b.s.Store.Accept(store.Intake{Body: body, Login: m.Login, Client: "127.0.0.1",
		Message: &spooled.Message{Account: m.Account, Sender: m.From, Recipients: []spooled.Recipient{{Address: m.To, Domain: "example.net"}}}})
	if err != nil || refusal != nil {
		b.t.Fatal(refusal, err)
	}
	return body.ID()
}

func isType(err error, want act.Type) bool {
	p, ok := errors.AsType[*act.Problem](err)
	return ok && p.Type == want
}

// The login is there while the message is handed over, and no longer.
func TestTest_follows(t *testing.T) {
	var b *bench
	b = newBench(t, func(_ context.Context, m *act.TrialMessage, done act.Steps) (spooled.ID, error) {
		if got := b.logins(); !slices.Equal(got, []string{m.Login}) {
			t.Errorf("logins %q while it is handed over, want %s", got, m.Login)
		}
		if m.From != "boss@acme.example" || !strings.Contains(m.Content, "To: <you@example.net>\r\n") {
			t.Errorf("from %s:\n%s", m.From, m.Content)
		}
		return b.accept(m), done.Tell("accepted", act.StepOK, "", "250")
	})
	in := &Trial{}
	in.Body.Timeout = "10ms"
	steps, err := b.run(t.Context(), in)
	if want := []string{"accepted ok", "charged ok"}; !isType(err, act.Busy) || !slices.Equal(steps, want) {
		t.Errorf("%q, %v, want %q and that it waits", steps, err, want)
	}
}

// A test whose message is dropped meanwhile ends with that step's problem.
func TestTest_ends(t *testing.T) {
	var b *bench
	b = newBench(t, func(_ context.Context, m *act.TrialMessage, done act.Steps) (spooled.ID, error) {
		id := b.accept(m)
		if _, _, err := b.s.Store.Spool.Change(spool.OpDrop, []spooled.ID{id}); err != nil {
			t.Fatal(err)
		}
		return id, done.Tell("accepted", act.StepOK, "", "250")
	})
	steps, err := b.run(t.Context(), &Trial{})
	if want := []string{"accepted ok", "charged ok", "dropped failed"}; !isType(err, act.Refused) || !slices.Equal(steps, want) {
		t.Errorf("%q, %v, want %q", steps, err, want)
	}
}

// A step that fails is the problem that the test ends with.
func TestTest_fails(t *testing.T) {
	for temporary, want := range map[bool]act.Type{true: act.Busy, false: act.Refused} {
		b := newBench(t, func(_ context.Context, _ *act.TrialMessage, done act.Steps) (id spooled.ID, err error) {
			return id, done(&act.TrialStep{Step: "refused", Status: act.StepFailed, Detail: "at MAIL", Temporary: temporary})
		})
		steps, err := b.run(t.Context(), &Trial{})
		if !isType(err, want) || err.Error() != "at MAIL" || !slices.Equal(steps, []string{"refused failed"}) {
			t.Errorf("%q, %v, want %s", steps, err, want)
		}
	}
}

// The login is revoked when the client goes away, and when the relay stops. A connection that
// breaks then is no failed step.
func TestTest_ended(t *testing.T) {
	begun := make(chan struct{})
	b := newBench(t, func(ctx context.Context, _ *act.TrialMessage, done act.Steps) (id spooled.ID, err error) {
		begun <- struct{}{}
		<-ctx.Done()
		return id, done.Tell("connect", act.StepFailed, "", "closed")
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	if steps, err := b.run(ctx, &Trial{}); err == nil || steps != nil {
		t.Errorf("%q, %v when the client goes away", steps, err)
	}
	go func() { <-begun; close(b.stopping) }()
	if steps, err := b.run(t.Context(), &Trial{}); !isType(err, act.Unreachable) || steps != nil {
		t.Errorf("%q, %v when the relay stops", steps, err)
	}
}

// A login that a killed relay left is removed by the next test; one of another test that runs
// now is not, nor one of a customer's.
func TestTrial_removesLeftovers(t *testing.T) {
	b := newBench(t, nil)
	now := time.Now()
	for login, c := range map[string]people.Credential{
		"relay-test-old": {Note: trialNote, Created: now.Add(-time.Hour)},
		"relay-test-new": {Note: trialNote, Created: now.Add(-time.Minute)},
		"relay-test-own": {Note: "printer", Created: now.Add(-time.Hour)},
		"acme":           {Created: now.Add(-time.Hour)},
	} {
		c.Login, c.Account, c.Kind = login, "acme", people.Token
		if err := b.s.Store.People.AddCredential(behalf.Order{}, c); err != nil {
			t.Fatal(err)
		}
	}
	tr := trial{s: b.s, account: books.Account{Name: "acme"}}
	login, _, err := tr.lend()
	if err != nil {
		t.Fatal(err)
	}
	kept := []string{"acme", "relay-test-new", "relay-test-own"}
	if got, want := b.logins(), slices.Sorted(slices.Values(append(kept, login.Login))); !slices.Equal(got, want) {
		t.Errorf("logins %q, want %q", got, want)
	}
	for range 2 { // the second time it is gone already
		if err := tr.giveBack(login); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.logins(); !slices.Equal(got, kept) {
		t.Errorf("logins %q, want %q", got, kept)
	}
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
		s := &act.Service{Hostname: "relay.test"}
		tr := trial{s: s, account: books.Account{Contact: c.contact, Senders: c.senders}}
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
