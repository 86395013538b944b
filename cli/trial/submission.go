package trial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"relay/cli/config"
	"relay/cli/knock"
	"relay/mailer/client"
	"relay/report/api/act"
	"relay/report/words"
	"relay/smtp"
	"relay/store/spooled"
)

// Submission hands test messages to the listeners of the running relay.
type Submission struct {
	Config    func() *config.Config // in force
	Hostname  string
	Listeners []smtp.Listener
}

// handover is a message on its way in.
type handover struct {
	*act.TrialMessage
	cfg  *config.Config
	host string
	done act.Steps
	seen tls.ConnectionState // once there is TLS
}

// Submit implements act.Submission.
func (s *Submission) Submit(ctx context.Context, m *act.TrialMessage, done act.Steps) (id spooled.ID, err error) {
	addr, mode, err := s.door()
	if err != nil {
		return id, err
	}
	h := &handover{TrialMessage: m, cfg: s.Config(), host: s.Hostname, done: done}
	conn, err := knock.Dial(ctx, addr, h.cfg.Balancers())
	if err != nil {
		return id, done.Tell("connect", act.StepFailed, "relay check looks at all ports", "%s", knock.Why(err))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	word := map[client.TLSMode]string{client.TLSImplicit: "implicit TLS", client.TLSRequired: "STARTTLS"}[mode]
	if err := done.Tell("connect", act.StepOK, "", "%s, %s", conn.RemoteAddr(), word); err != nil {
		return id, errors.Join(err, conn.Close())
	}
	c, err := client.New(conn, client.Options{
		Hostname: "relay-test." + h.host, TLS: mode, TLSConfig: h.watchTLS(),
		Auth:     &client.Auth{Username: m.Login, Password: m.Secret},
		Timeouts: timeouts,
	})
	if err != nil {
		return id, h.notLetIn(err)
	}
	defer c.Quit()
	if err := h.showTLS(c.TLSName()); err != nil {
		return id, err
	}
	if err := done.Tell("login", act.StepOK, "", "account %s, as %s, a login made for this test", m.Account, m.Login); err != nil {
		return id, err
	}
	return h.deliver(c)
}

// timeouts are short: a relay that takes longer to answer itself is out of order.
var timeouts = client.Timeouts{Greeting: 30 * time.Second, Hello: 30 * time.Second, Handshake: 30 * time.Second,
	Auth: 30 * time.Second, Mail: 30 * time.Second, Rcpt: 30 * time.Second, Data: 30 * time.Second, End: time.Minute}

// door finds the first listener that accepts logins.
func (s *Submission) door() (addr string, mode client.TLSMode, err error) {
	for _, l := range s.Listeners {
		switch l.Mode {
		case smtp.StartTLS:
			return knock.Address(l.Addr().String()), client.TLSRequired, nil
		case smtp.Implicit:
			return knock.Address(l.Addr().String()), client.TLSImplicit, nil
		}
	}
	return "", 0, act.Fail(act.Refused, `add a [[listen]] with tls = "starttls" or "implicit"`, "no listener accepts logins, because none has TLS")
}

// watchTLS accepts every certificate, and keeps the chain for showTLS.
func (h *handover) watchTLS() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         h.host,
		InsecureSkipVerify: true, // showTLS says what a mail program would
		VerifyConnection:   func(s tls.ConnectionState) error { h.seen = s; return nil },
	}
}

// showTLS judges the certificate as a mail program on this machine would.
func (h *handover) showTLS(name string) error {
	list := h.seen.PeerCertificates
	if len(list) == 0 {
		return nil
	}
	switch err := knock.Verify(list, h.host, time.Now()); {
	case err == nil:
		return h.done.Tell("TLS", act.StepOK, "", "%s, the certificate of %s is trusted", name, h.host)
	case h.cfg.TLS.Cert == "" && h.cfg.TLS.Contact == "":
		return h.done.Tell("TLS", act.StepWarning, "set acme, or cert and key, in [tls]: mail programs warn about this", "%s, with a self-signed certificate", name)
	default:
		return h.done.Tell("TLS", act.StepWarning, "relay check says more about the certificate", "%s; mail programs will warn: %v", name, err)
	}
}

// notLetIn shows at which step a connection failed before the message.
func (h *handover) notLetIn(err error) error {
	ce, known := errors.AsType[*client.ConnError](err)
	if !known {
		return err
	}
	step := act.TrialStep{Step: "greeting", Status: act.StepFailed, Detail: ce.Error(), Advice: "see the relay's log, and relay check",
		Temporary: ce.Reply.Temporary() && ce.Reply.Code != 0}
	switch ce.Stage {
	case client.StageStartTLS, client.StageHandshake:
		step.Step, step.Advice = "TLS", "see [tls] in relay.toml, and relay check"
	case client.StageAuth:
		step.Step, step.Advice = "login", "see the relay's log"
		if err := h.showTLS("TLS"); err != nil {
			return err
		}
	}
	return h.done(&step)
}

func (h *handover) deliver(c *client.Client) (id spooled.ID, err error) {
	size := int64(len(h.Content))
	if err := h.done.Tell("message", act.StepOK, "", "from %s to %s, %s", h.From, h.To, words.Size(size)); err != nil {
		return id, err
	}
	res := c.Deliver(&client.Envelope{
		Sender: h.From, Size: size,
		Rcpts: []client.Rcpt{{Address: h.To, Notify: client.NotifyNever}}, // its outcome is shown here
	}, strings.NewReader(h.Content))
	out := res.Rcpts[0]
	if !out.Reply.Delivered() {
		return id, h.done(&act.TrialStep{Step: "refused", Status: act.StepFailed, Temporary: out.Reply.Temporary(),
			Detail: fmt.Sprintf("at %s: %s", out.Stage, out.Reply), Advice: refusalAdvice(h.Account, &out)})
	}
	if id, err = queuedID(out.Reply.Text); err != nil {
		return id, fmt.Errorf("the relay's reply %q names no ID: %w", out.Reply, err)
	}
	return id, h.done.Tell("accepted", act.StepOK, "", "%s", out.Reply)
}

// queuedID reads the ID at the end of "queued as ID". The reply comes over the network,
// so it may be anything.
func queuedID(text string) (spooled.ID, error) {
	words := strings.Fields(text)
	return spooled.ParseID(strings.Join(words[max(len(words)-1, 0):], ""))
}

// refusalAdvice says what the operator can do about a refusal of this relay.
func refusalAdvice(account string, o *client.Outcome) string {
	switch r := o.Reply; {
	case r.Code == 550 && o.Stage == client.StageMail:
		return "relay account show " + account + " shows its state; relay account resume " + account + " ends a suspension"
	case r.Code == 552 && r.Enhanced == [3]int{5, 7, 1}:
		return "relay usage " + account + " shows the allowance; relay account set " + account + " --plan PLAN changes it"
	case r.Code == 553 && o.Stage == client.StageMail:
		return "choose an address with --from that the account may send from; relay account show " + account + " lists them"
	case r.Code == 452 && r.Enhanced == [3]int{4, 3, 1}:
		return "free disk space"
	case r.Temporary():
		return "try again in a minute; the relay's log says more"
	}
	return "the reply says what to do; the relay's log may say more"
}
