package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/knock"
	"relay/cli/mail"
	"relay/mailer/client"
	mailapi "relay/report/api/mail"
	"relay/report/words"
	"relay/smtp"
	"relay/store"
)

// handOver does what a mail program does, with a login of its own.
func (t *trial) handOver(ctx context.Context) (err error) {
	addr, mode, err := t.door()
	if err != nil {
		return err
	}
	before, err := t.st.Standing(t.account.Name)
	if err != nil {
		return err
	}
	if err := t.lend(); err != nil {
		return err
	}
	defer func() {
		if left := t.giveBack(); left != nil {
			err = left // who may log in is more than how the test went
		}
	}()
	conn, err := knock.Dial(ctx, addr, t.cfg.Balancers())
	if err != nil {
		return t.ended(exit.Failed, "connect", "relay check looks at all ports", "%s", knock.Why(err))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	word := map[client.TLSMode]string{client.TLSImplicit: "implicit TLS", client.TLSRequired: "STARTTLS"}[mode]
	if err := t.step("connect", finding.OK, "", "%s, %s", conn.RemoteAddr(), word); err != nil {
		return errors.Join(err, conn.Close())
	}
	c, err := client.New(conn, client.Options{
		Hostname: "relay-test." + t.hostname, TLS: mode, TLSConfig: t.watchTLS(),
		Auth:     &client.Auth{Username: t.login.Login, Password: t.secret},
		Timeouts: trialTimes,
	})
	if err != nil {
		if gone := alive(ctx); gone != nil {
			return gone
		}
		return t.notLetIn(err)
	}
	defer c.Quit()
	if err := errors.Join(t.showTLS(c.TLSName()), t.step("login", finding.OK, "", "account %s, as %s, a login made for this test", t.account.Name, t.login.Login)); err != nil {
		return err
	}
	return t.deliver(ctx, c, &before)
}

// trialTimes: what answers later is out of order.
var trialTimes = client.Timeouts{Greeting: 30 * time.Second, Hello: 30 * time.Second, Handshake: 30 * time.Second,
	Auth: 30 * time.Second, Mail: 30 * time.Second, Rcpt: 30 * time.Second, Data: 30 * time.Second, End: time.Minute}

// door is the first listener that takes logins.
func (t *trial) door() (addr string, mode client.TLSMode, err error) {
	for _, l := range t.inner.Listeners {
		switch l.Mode {
		case smtp.StartTLS:
			return knock.Address(l.Addr().String()), client.TLSRequired, nil
		case smtp.Implicit:
			return knock.Address(l.Addr().String()), client.TLSImplicit, nil
		}
	}
	return "", 0, exit.Fail(exit.Failed, `add a [[listen]] with tls = "starttls" or "implicit"`, "no listener accepts logins, because none has TLS")
}

// watchTLS takes every certificate, and keeps what it saw.
func (t *trial) watchTLS() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.hostname,
		InsecureSkipVerify: true, // showTLS says what a mail program would
		VerifyConnection:   func(s tls.ConnectionState) error { t.state = s; return nil },
	}
}

// showTLS judges the certificate as a mail program on this machine would.
func (t *trial) showTLS(name string) error {
	list := t.state.PeerCertificates
	if len(list) == 0 {
		return nil
	}
	switch err := knock.Verify(list, t.hostname, time.Now()); {
	case err == nil:
		return t.step("TLS", finding.OK, "", "%s, the certificate of %s is trusted", name, t.hostname)
	case t.cfg.TLS.Cert == "":
		return t.step("TLS", finding.Warning, "set cert and key in [tls]: mail programs warn about this", "%s, with a self-signed certificate", name)
	default:
		return t.step("TLS", finding.Warning, "relay check says more about the certificate", "%s; mail programs will warn: %v", name, err)
	}
}

// notLetIn is a connection that ended before the message.
func (t *trial) notLetIn(err error) error {
	ce, known := errors.AsType[*client.ConnError](err)
	if !known {
		return err
	}
	code := exit.Failed
	if ce.Reply.Temporary() && ce.Reply.Code != 0 {
		code = exit.TryAgain
	}
	switch ce.Stage {
	case client.StageStartTLS, client.StageHandshake:
		return t.ended(code, "TLS", "see [tls] in relay.toml, and relay check", "%v", ce)
	case client.StageAuth:
		return errors.Join(t.showTLS("TLS"), t.ended(code, "login", "see the relay's log", "%v", ce))
	}
	return t.ended(code, "greeting", "see the relay's log, and relay check", "%v", ce)
}

func (t *trial) deliver(ctx context.Context, c *client.Client, before *store.Standing) error {
	text := t.content(t.wall())
	if err := t.step("message", finding.OK, "", "from %s to %s, %s", t.from, t.to, words.Size(int64(len(text)))); err != nil {
		return err
	}
	res := c.Deliver(&client.Envelope{
		Sender: t.from, Size: int64(len(text)),
		Rcpts: []client.Rcpt{{Address: t.to, Notify: client.NotifyNever}}, // what becomes of it is shown here
	}, strings.NewReader(text))
	if gone := alive(ctx); gone != nil {
		return gone
	}
	out := res.Rcpts[0]
	if !out.Reply.Delivered() {
		code := exit.Failed
		if out.Reply.Temporary() {
			code = exit.TryAgain
		}
		return t.ended(code, "refused", t.refusalAdvice(&out), "at %s: %s", out.Stage, out.Reply)
	}
	words := strings.Fields(out.Reply.Text)
	id, err := store.ParseID(words[max(len(words)-1, 0)])
	if err != nil {
		return fmt.Errorf("the relay's reply %q names no ID: %w", out.Reply, err)
	}
	t.id = id
	return errors.Join(t.step("accepted", finding.OK, "", "%s", out.Reply), t.charged(before))
}

// charged shows the usage before and after.
func (t *trial) charged(before *store.Standing) error {
	after, err := t.st.Standing(t.account.Name)
	if err != nil {
		return err
	}
	was, is := before.Usage.Charged, after.Usage.Charged
	v := mailapi.UsageOf(after.Usage, after.InPeriod())
	if is == was {
		return t.step("charged", finding.Failed, "relay check --store verifies the counters", "nothing: still %s, %s", words.Plural(is.Messages, "e-mail"), words.Size(is.Bytes))
	}
	return t.step("charged", finding.OK, "", "e-mails %s → %s; bandwidth %s → %s", words.Number(was.Messages),
		mail.Used(words.Number(is.Messages), is.Messages, v.AllowMessages, words.Number), words.Size(was.Bytes), mail.Used(words.Size(is.Bytes), is.Bytes, v.AllowBytes, words.Size))
}

// refusalAdvice is the operator's part in a refusal of ours.
func (t *trial) refusalAdvice(o *client.Outcome) string {
	name := t.account.Name
	switch r := o.Reply; {
	case r.Code == 550 && o.Stage == client.StageMail:
		return "relay account show " + name + " shows its state; relay account resume " + name + " ends a suspension"
	case r.Code == 552 && r.Enhanced == [3]int{5, 7, 1}:
		return "relay usage " + name + " shows the allowance; relay account set " + name + " --plan PLAN changes it"
	case r.Code == 553 && o.Stage == client.StageMail:
		return "choose an address with --from that the account may send from; relay account show " + name + " lists them"
	case r.Code == 452 && r.Enhanced == [3]int{4, 3, 1}:
		return "free disk space"
	case r.Temporary():
		return "try again in a minute; the relay's log says more"
	}
	return "the reply says what to do; the relay's log may say more"
}
