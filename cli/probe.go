package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/serve"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/store"
	"relay/store/maildomain"
	"relay/store/secret"
)

// trial is relay test: a message sent as a customer's program does, and followed
// to its end. All of it runs in the relay itself, for as long as the client is there:
//
//  1. a login is made for it;
//  2. it connects to a listener, turns to TLS, logs in, and hands the message over;
//  3. the login is revoked, whatever came of it, also when the client went
//     away or was killed; what a relay that was killed itself left of a login is
//     removed by the next test of that account;
//  4. the trace is watched until the message has left the queue.
type trial struct {
	*call
	to, from string
	timeout  time.Duration

	cfg      *config.Config
	hostname string
	account  store.Account
	login    store.Credential
	secret   string

	steps term.Array          // with --json
	state tls.ConnectionState // once there is TLS
	id    store.ID            // once it was accepted
	bad   bool                // a step failed
}

// trialStep is one thing that was tried, as programs see it.
type trialStep struct {
	Step   string         `json:"step"`
	Status finding.Status `json:"status"`
	Detail string         `json:"detail"`
	Advice string         `json:"advice"`
	Time   time.Time      `json:"time"`
}

func (p *program) testCommand() *cli.Command {
	t := trial{}
	var account string
	timeout := shell.DurationFlag{D: 2 * time.Minute}
	return p.onTrial(&cli.Command{
		Name: "test", Usage: "send a message through the relay and follow it to the end",
		Description: `The message takes the way of a customer's mail: a listener of the running relay with TLS and a login, the charge to the account, the queue, and the next hop. Each step is shown as it happens. The login is made for the test and revoked afterwards.

Exit code 0 when the message was delivered, 1 when it was refused or bounced, 75 when it is still in the queue after --timeout: relay trace ID --follow then follows it.

  relay test --to you@example.net`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "`ADDRESS` to send the message to", Required: true, Destination: &t.to},
			&cli.StringFlag{Name: "account", Usage: "`NAME` of the account that sends; not needed if there is only one", Destination: &account},
			&cli.StringFlag{Name: "from", Usage: "`ADDRESS` of the sender (default the account's contact)", Destination: &t.from},
			&cli.GenericFlag{Name: "timeout", Usage: "`TIME` to follow it (default 2m)", Value: &timeout},
		},
	}, func(c *call) error {
		t.call, t.timeout = c, timeout.D
		return t.run(account)
	})
}

// askRelay has the running relay run the command, which has no sense without one.
func (p *program) askRelay(ctx context.Context) error {
	dir, err := p.whereRunning()
	if err != nil {
		return err
	}
	client := control.NewClient(dir.Socket())
	defer client.Close()
	code, err := client.Run(ctx, p.request(), nil, p.Stdout, p.Stderr)
	switch {
	case errors.Is(err, control.ErrAbsent):
		return absent(dir)
	case err == nil && code != exit.Done:
		err = exit.Code(code)
	}
	return err
}

// onTrial completes the command: it needs a relay that runs, and runs in it.
func (p *program) onTrial(c *cli.Command, run func(*call) error) *cli.Command {
	c.HideHelp = true
	c.Action = func(cc *cli.Context) error {
		if p.inner != nil {
			return run(&call{p, cc.Context, p.inner.Store})
		}
		return p.askRelay(cc.Context)
	}
	return c
}

func (t *trial) run(account string) (err error) {
	t.cfg, t.hostname = t.inner.Config(), t.inner.Hostname
	for _, a := range []string{t.to, t.from} {
		if a != "" && !maildomain.IsAddress(a) {
			return exit.Usage("", "%q is not a mail address", a)
		}
	}
	if err := t.choose(account); err != nil {
		return err
	}
	t.from = cmp.Or(t.from, t.sender())
	ctx, cancel := t.whileRunning()
	defer cancel()
	if t.json {
		t.steps.W = t.Stdout
		defer func() { err = errors.Join(err, t.steps.End()) }()
	}
	if err := t.handOver(ctx); err != nil {
		return err
	}
	return t.follow(ctx)
}

// namesShown of accounts in an error.
const namesShown = 5

// choose finds the account: the one that was named, or the only one.
func (t *trial) choose(name string) (err error) {
	if name != "" {
		if t.account, err = t.st.Account(name); errors.Is(err, store.ErrNotFound) {
			return exit.Fail(exit.NoAccount, "relay account list shows all", "no account %q", name)
		}
		return err
	}
	var list []string
	err = t.st.EachAccount(store.Wanted{}, func(a *store.Account) error {
		t.account = *a
		if list = append(list, a.Name); len(list) > namesShown {
			return term.ErrEnough
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, term.ErrEnough):
		return err
	case len(list) == 0:
		return exit.Fail(exit.NoAccount, "relay account add NAME --plan entry", "there is no account yet")
	case len(list) > namesShown:
		list[namesShown] = "…"
	}
	if len(list) > 1 {
		return exit.Usage("relay account list shows all", "there are several accounts (%s): name one with --account", strings.Join(list, ", "))
	}
	return nil
}

// sender is an address that the account may send from.
func (t *trial) sender() string {
	for _, a := range append([]string{t.account.Contact, "postmaster@" + t.hostname}, t.account.Senders...) {
		if strings.HasPrefix(a, "@") {
			a = "postmaster" + a
		}
		if a != "" && t.mayFrom(a) {
			return a
		}
	}
	return "postmaster@" + t.hostname // the relay says what is wrong with it
}

func (t *trial) mayFrom(address string) bool {
	at := strings.LastIndexByte(address, '@')
	return len(t.account.Senders) == 0 || slices.ContainsFunc(t.account.Senders, func(s string) bool {
		return strings.EqualFold(s, address) || strings.EqualFold(s, address[at:])
	})
}

// Logins made for a test are told by their name and their note. One that is older
// than any test is of a relay that was killed.
const (
	trialLogin = "relay-test-"
	trialNote  = "made by relay test, for one message"
	trialLife  = 10 * time.Minute
)

// lend makes the login; giveBack revokes it.
func (t *trial) lend() error {
	list, err := t.st.Credentials(t.account.Name)
	if err != nil {
		return err
	}
	for _, c := range list {
		if strings.HasPrefix(c.Login, trialLogin) && c.Note == trialNote && t.wall().Sub(c.Created) > trialLife {
			if err := t.st.RemoveCredential(store.Order{}, c.Account, c.Login); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
	}
	secret, hash := secret.NewToken()
	t.secret = secret
	t.login = store.Credential{Login: trialLogin + strings.ToLower(rand.Text()[:8]), Account: t.account.Name,
		Kind: store.Token, Hash: hash, Note: trialNote, Created: t.wall()}
	return t.st.AddCredential(store.Order{}, t.login)
}

func (t *trial) giveBack() error {
	err := t.st.RemoveCredential(store.Order{}, t.login.Account, t.login.Login)
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return exit.Fail(exit.Failed, fmt.Sprintf("relay account credential revoke %s %s", t.login.Account, t.login.Login),
		"cannot revoke the login made for the test: %w", err)
}

// step shows what was tried, at once.
func (t *trial) step(name string, s finding.Status, advice, format string, args ...any) error {
	detail := fmt.Sprintf(format, args...)
	t.bad = t.bad || s == finding.Failed
	if t.json {
		return t.flush(t.steps.Add(trialStep{name, s, detail, advice, t.wall()}))
	}
	const width = len("delivered")
	return t.flush((&finding.Finding{Check: name, Status: s, Detail: detail, Advice: advice}).Write(t.Stdout, width, t.colours()))
}

// ended shows the step that the test ends at.
func (t *trial) ended(code int, name, advice, format string, args ...any) error {
	return errors.Join(t.step(name, finding.Failed, advice, format, args...), exit.Code(code))
}

// content of the message.
func (t *trial) content(now time.Time) string {
	lines := []string{
		"From: relay test <" + t.from + ">",
		"To: <" + t.to + ">",
		"Subject: relay test",
		"Date: " + now.In(t.st.Zone()).Format(time.RFC1123Z),
		"Message-ID: <relay-test." + strings.ToLower(rand.Text()) + "@" + t.hostname + ">",
		"Auto-Submitted: auto-generated",
		"MIME-Version: 1.0",
		"Content-Type: text/plain; charset=utf-8",
		"",
		"This message was sent by the operator of " + t.hostname,
		"with \"relay test\", to see whether mail arrives. It needs no answer.",
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

// alive is the context's error, in the words of what ended it.
func alive(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	if cause := context.Cause(ctx); errors.Is(cause, serve.ErrStopping) {
		return exit.Fail(exit.Unreachable, "test again when the relay is back", "%w", cause)
	}
	return ctx.Err()
}
