package mail

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/books"
	"relay/store/spooled"
	"relay/store/standing"
)

// Trial is the request to send a test message as a customer's program does.
type Trial struct {
	Body struct {
		To      string `json:"to" doc:"Address to send the message to."`
		Account string `json:"account,omitempty" doc:"That sends. Not needed if there is only one."`
		From    string `json:"from,omitempty" doc:"Address of the sender. Default the account's contact."`
		Timeout string `json:"timeout,omitempty" doc:"How long to follow it, such as 30s. Default 2m."`
	}
}

// Test sends a message and follows it until it has left the queue. A stream that ends
// without a problem means that it was delivered.
var Test = act.NewStream(act.Spec{Name: "test", Route: "POST /v1/test", Summary: "Send a message through the relay, and what becomes of it, step by step", May: act.Operator}, test)

// trial is a test that runs, for as long as the client is there:
//
//  1. a login is made for it;
//  2. the running relay connects to a listener of its own, turns to TLS, logs in, and hands
//     the message over;
//  3. the login is revoked, whether that succeeded, failed, or the client went away. If the
//     relay is killed in between, the next test of the account removes the login;
//  4. the trace is followed until the message has left the queue.
type trial struct {
	s        *act.Service
	to, from string
	timeout  time.Duration
	account  books.Account
	steps    act.Steps
	failure  error // the problem of the last failed step; nil: none failed

	id   spooled.ID    // of the message, once it was accepted
	last spooled.State // of its recipient, once it was tried
}

func test(ctx context.Context, s *act.Service, in *Trial, give func(*act.TrialStep) error) error {
	if s.Running == nil || s.Running.Submission == nil {
		return act.NotRunning()
	}
	t := &trial{s: s, to: in.Body.To, from: in.Body.From}
	if err := t.choose(ctx, in); err != nil {
		return err
	}
	ctx, cancel := s.Running.While(ctx)
	defer cancel()
	t.steps = func(step *act.TrialStep) error { return t.step(ctx, step, give) }
	return t.run(ctx)
}

// choose checks what the request names, and finds what it leaves out.
func (t *trial) choose(ctx context.Context, in *Trial) (err error) {
	if t.timeout, err = duration("timeout", cmp.Or(in.Body.Timeout, "2m")); err != nil {
		return err
	}
	if t.to == "" {
		return act.Invalid("to", "", ": an address to send the message to")
	}
	if err := cmp.Or(field.Mail("to", t.to), field.Mail("from", t.from)); err != nil {
		return err
	}
	if in.Body.Account == "" {
		err = t.onlyAccount()
	} else {
		t.account, err = t.s.Account(ctx, in.Body.Account)
	}
	t.from = cmp.Or(t.from, t.sender())
	return err
}

// onlyAccount chooses the account if there is only one.
func (t *trial) onlyAccount() error {
	var list []string
	err := t.s.Store.Books.EachAccount(books.Wanted{}, func(a *books.Account) error {
		t.account = *a
		if list = append(list, a.Name); len(list) > words.Shown {
			return act.ErrFull
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, act.ErrFull):
		return err
	case len(list) == 0:
		return act.Fail(act.Missing, "{account add NAME --plan entry}", "there is no account yet")
	case len(list) > 1:
		return act.Fail(act.Wrong, "{account list} shows all", "there are several accounts (%s): name one with --account", words.Some(list))
	}
	return nil
}

// sender returns an address that the account may send from.
func (t *trial) sender() string {
	own := "postmaster@" + t.s.Hostname
	for _, a := range append([]string{t.account.Contact, own}, t.account.Senders...) {
		if strings.HasPrefix(a, "@") {
			a = "postmaster" + a
		}
		if a != "" && t.mayFrom(a) {
			return a
		}
	}
	return own // the relay's refusal will say why
}

func (t *trial) mayFrom(address string) bool {
	at := strings.LastIndexByte(address, '@')
	return len(t.account.Senders) == 0 || slices.ContainsFunc(t.account.Senders, func(s string) bool {
		return strings.EqualFold(s, address) || strings.EqualFold(s, address[at:])
	})
}

// step gives a step to the client, unless the test is over.
func (t *trial) step(ctx context.Context, step *act.TrialStep, give func(*act.TrialStep) error) error {
	if err := over(ctx); err != nil {
		return err
	}
	if step.Time = t.s.Store.Now(); step.Status != act.StepFailed {
		return give(step)
	}
	as := act.Refused
	if step.Temporary {
		as = act.Busy
	}
	t.failure = act.Fail(as, step.Advice, "%s", step.Detail)
	return cmp.Or(give(step), t.failure)
}

// over says why a test ends early: the relay stops, or the client went away; nil: neither.
func over(ctx context.Context) error { return act.Stopped(ctx, "test again when the relay is back") }

func (t *trial) run(ctx context.Context) error {
	before, err := t.s.Store.Standings.Standing(t.account.Name)
	if err != nil {
		return err
	}
	if t.id, err = t.handOver(ctx); err != nil {
		return err
	}
	if err := t.charged(&before); err != nil {
		return err
	}
	return t.follow(ctx)
}

// charged shows the account's usage before and after.
func (t *trial) charged(before *standing.Standing) error {
	after, err := t.s.Store.Standings.Use(t.account.Name)
	if err != nil {
		return err
	}
	was, is := before.Used.Charged, after.Used.Charged
	v := UsageOf(after.Usage, after.Plan(), after.Period)
	if is == was {
		return t.goesOn(t.steps.Tell("charged", act.StepFailed, "relay check --store verifies the counters",
			"nothing: still %s, %s", words.Plural(is.Messages, "e-mail"), words.Size(is.Bytes)))
	}
	return t.steps.Tell("charged", act.StepOK, "", "e-mails %s → %s; bandwidth %s → %s",
		words.Number(was.Messages), words.Used(is.Messages, v.AllowMessages, words.Number),
		words.Size(was.Bytes), words.Used(is.Bytes, v.AllowBytes, words.Size))
}

// goesOn drops the problem of a failed step that does not stop the message.
func (t *trial) goesOn(err error) error {
	if err == t.failure {
		return nil
	}
	return err
}

// content returns header and body of the message.
func (t *trial) content(now time.Time) string {
	host := t.s.Hostname
	lines := []string{
		"From: relay test <" + t.from + ">",
		"To: <" + t.to + ">",
		"Subject: relay test",
		"Date: " + now.In(t.s.Store.Zone()).Format(time.RFC1123Z),
		"Message-ID: <relay-test." + strings.ToLower(rand.Text()) + "@" + host + ">",
		"Auto-Submitted: auto-generated",
		"MIME-Version: 1.0",
		"Content-Type: text/plain; charset=utf-8",
		"",
		"This message was sent by the operator of " + host,
		"with \"relay test\", to see whether mail arrives. It needs no answer.",
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}
