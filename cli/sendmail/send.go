package sendmail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/reach"
	"relay/mailer/client"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/smtp"
)

// door is where a message can be handed over.
type door struct {
	addr string
	mode client.TLSMode
}

// dialTime is for one connection. knockFor is how long doors without an answer are tried
// again: a relay that restarts is back by then, and a web page that waits for its PHP does
// not time out.
const (
	dialTime     = 10 * time.Second
	knockFor     = 5 * time.Second
	knockAgain   = 200 * time.Millisecond
	tellTime     = 2 * time.Second // for the relay to tell where it listens
	greetingTime = 30 * time.Second
)

// doors in the order to try them. The relay of this machine tells where it
// listens, if this user may ask and it answers; else the configuration does.
func (s *sending) doors(ctx context.Context) []door {
	if server := s.cfg.Sendmail.Server; server != "" {
		mode := client.TLSOpportunistic
		if config.PortOf(server) == 465 {
			mode = client.TLSImplicit
		}
		return []door{{server, mode}}
	}
	var sure, unsure []config.Listen // the latter may have been skipped at the start
	running := reach.Service{Socket: s.dir.Socket()}
	defer running.Close()
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	if h, err := host.Health.Call(ctx, &running, &act.None{}); err == nil {
		for _, l := range h.Listeners {
			sure = append(sure, config.Listen{Addr: l.Addr, TLS: l.TLS})
		}
	} else {
		for _, l := range s.cfg.Listeners() {
			switch {
			case config.SocketName(l.Addr) != "": // only the relay knows
				unsure = append(unsure, usual(l.TLS)...)
			case l.Optional:
				unsure = append(unsure, l)
			case config.PortOf(l.Addr) != 0:
				sure = append(sure, l)
			}
		}
	}
	return append(s.doorsOf(sure), s.doorsOf(unsure)...)
}

// usual are the listeners of a kind that are there by default.
func usual(tls string) (list []config.Listen) {
	for _, l := range config.DefaultListen() {
		if l.TLS == tls && l.Optional {
			list = append(list, l)
		}
	}
	return list
}

// doorsOf listeners: those for known networks first, unless there is a login.
func (s *sending) doorsOf(listeners []config.Listen) (doors []door) {
	order := []smtp.Mode{smtp.None, smtp.StartTLS, smtp.Implicit}
	if s.cfg.Sendmail.User != "" {
		order = order[1:]
	}
	modes := map[smtp.Mode]client.TLSMode{smtp.None: client.TLSNone, smtp.StartTLS: client.TLSOpportunistic, smtp.Implicit: client.TLSImplicit}
	for _, mode := range order {
		for _, l := range listeners {
			if l.TLS == string(mode) {
				for _, addr := range near(l.Addr) {
					doors = append(doors, door{addr, modes[mode]})
				}
			}
		}
	}
	return doors
}

// near is where to reach a listener of this machine. One on all addresses is
// asked by the one that an account most likely knows.
func near(addr string) []string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || (host != "" && (ip == nil || !ip.IsUnspecified())) {
		return []string{addr}
	}
	return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}
}

// send hands the message over.
func (s *sending) send(ctx context.Context) error {
	login, err := s.login()
	if err != nil {
		return err
	}
	conn, at, err := s.knock(ctx)
	if err != nil {
		return err
	}
	c, err := client.New(conn, client.Options{
		Hostname: s.host, TLS: at.mode, TLSConfig: at.config(conn), Auth: login,
		Timeouts: client.Timeouts{Greeting: greetingTime, Hello: greetingTime},
	})
	if err != nil {
		return s.lost(at, err)
	}
	content, err := s.text.reader()
	if err != nil {
		return exit.Fail(exit.TryAgain, "check the disk that TMPDIR is on", "keep the message: %w", err)
	}
	res := c.Deliver(s.envelope(c.Extensions().EightBitMIME), content)
	_ = c.Quit() // what counts was said before
	return s.judge(at, &res)
}

func (s *sending) login() (*client.Auth, error) {
	sm := &s.cfg.Sendmail
	if sm.User == "" {
		return nil, nil
	}
	password, err := config.Secret(sm.Secret)
	if err != nil {
		return nil, exit.Fail(exit.Config, "this user must be able to read it", "sendmail.password_file: %w", err)
	}
	return &client.Auth{Username: sm.User, Password: password}, nil
}

func (s *sending) envelope(eightBit bool) *client.Envelope {
	e := &client.Envelope{
		Sender: s.sender, Size: s.text.size, EightBit: s.text.eight && eightBit,
		Ret: s.args.ret, EnvID: s.args.envID, Whole: true,
	}
	for _, r := range s.rcpts {
		e.Rcpts = append(e.Rcpts, client.Rcpt{Address: r, Notify: s.args.notify})
	}
	return e
}

// knock opens a connection to the first door that answers.
func (s *sending) knock(ctx context.Context) (net.Conn, door, error) {
	d := net.Dialer{Timeout: dialTime}
	for end := time.Now().Add(knockFor); ; {
		var failed []error
		for _, at := range s.doors(ctx) {
			conn, err := d.DialContext(ctx, "tcp", at.addr)
			if err == nil {
				return conn, at, nil
			}
			failed = append(failed, err)
		}
		if failed == nil {
			failed = append(failed, errors.New("it does not run, and its configuration names no port"))
		}
		if again := errors.Is(errors.Join(failed...), syscall.ECONNREFUSED); !again || time.Now().After(end) {
			return nil, door{}, exit.Fail(exit.TryAgain, s.whereHint(), "no relay can be reached: %w", failed[0])
		}
		select {
		case <-ctx.Done():
			return nil, door{}, ctx.Err()
		case <-time.After(knockAgain):
		}
	}
}

// whereHint says how the place to send to is found.
func (s *sending) whereHint() string {
	if s.blind != nil {
		return fmt.Sprintf("start the relay; if it listens elsewhere, let this user read %s", config.SystemFile)
	}
	if s.cfg.Sendmail.Server != "" {
		return "see [sendmail] server in the configuration"
	}
	return "start it with: relay serve; or name another one with [sendmail] server"
}

// config verifies the certificate of other machines; that of this one is often
// its own. On a port below 1024 nobody but root can listen in the relay's place.
func (d door) config(conn net.Conn) *tls.Config {
	host, _, _ := net.SplitHostPort(d.addr)
	remote, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	here := err == nil && remote.Addr().Unmap().IsLoopback()
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: here}
}

// lost is a connection that ended before an answer.
func (s *sending) lost(at door, err error) error {
	ce, ok := errors.AsType[*client.ConnError](err)
	switch {
	case ok && ce.Reply.Code != 0:
		return s.refused(at, &client.Outcome{Stage: ce.Stage, Reply: ce.Reply}, nil)
	case errors.Is(err, client.ErrNoAuth), errors.Is(err, client.ErrInsecure):
		return exit.Fail(exit.Config, "it needs TLS to log in: name a port with TLS in [sendmail] server", "%s: %w", at.addr, err)
	case ok && ce.Stage == client.StageHandshake:
		return exit.Fail(exit.TryAgain, "its certificate must be valid for the name in [sendmail] server", "%s: %w", at.addr, err)
	}
	return exit.Fail(exit.TryAgain, "try again; the relay's log may say more", "%s: %w", at.addr, err)
}

// judge tells whether the relay has the message.
func (s *sending) judge(at door, res *client.Result) error {
	if res.Uncertain {
		return exit.Fail(exit.TryAgain, "look before sending again: relay trace shows what came in", "%s: %w: the message may have been taken", at.addr, res.Err)
	}
	if res.Err != nil && res.Err.Reply.Code == 0 {
		return s.lost(at, res.Err)
	}
	var worst *client.Outcome
	var who []string
	for i := range res.Rcpts {
		o := &res.Rcpts[i]
		if o.Reply.Delivered() || o.Reply.Code == 0 {
			continue
		}
		if worst == nil || worst.Reply.Temporary() && o.Reply.Permanent() {
			worst = o
		}
		who = append(who, s.rcpts[i])
	}
	if worst != nil {
		return s.refused(at, worst, who)
	}
	s.answer = res.Rcpts[0].Reply
	return nil
}

// refused puts a reply into an exit code and the next step.
func (s *sending) refused(at door, o *client.Outcome, who []string) error {
	what := "nothing was sent"
	if o.Stage == client.StageRcpt && len(who) > 0 {
		what += " because of " + who[0]
		if len(who) > 1 {
			what += fmt.Sprintf(" and %d more", len(who)-1)
		}
	}
	s.answer = o.Reply
	said := at.addr + " said: " + o.Reply.String()
	if o.Local {
		said = o.Reply.Text
	}
	code, hint := meaning(o.Stage, o.Reply)
	return exit.Fail(code, hint, "%s: %s", what, said)
}

// meaning of a refusal, for the caller and for a person.
func meaning(stage client.Stage, r client.Reply) (code int, hint string) {
	switch {
	case r.Code == 535:
		return exit.NotAllowed, "see user and password_file in [sendmail]; relay account credential list NAME shows the logins"
	case r.Code == 530:
		return exit.NotAllowed, "let an account know this machine: relay account network add NAME 127.0.0.1; or set user and password_file in [sendmail]"
	case r.Code == 452 && r.Enhanced == [3]int{4, 5, 3}:
		return exit.WrongData, "send the message in several parts, or on a plan with more recipients"
	case r.Temporary():
		return exit.TryAgain, "try again later"
	case r.Enhanced[1] == 6:
		return exit.WrongData, "the program that made the message must write it in another way"
	case stage == client.StageMail && r.Enhanced[1] == 1:
		return exit.WrongData, "correct the sender's address: -f, or the name of this user"
	case stage == client.StageRcpt && r.Enhanced[1] == 1:
		return exit.NoUser, "correct the address, and send the message again"
	}
	return exit.Refused, "the relay's words tell why; relay account list and relay usage show how the account stands"
}
