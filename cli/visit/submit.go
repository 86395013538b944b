package visit

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"relay/cli/exit"
	"relay/cli/finding"
	"relay/mailer/client"
)

// submit logs in at an open door, and hands a message over.
func (v *visit) submit(ctx context.Context, d *door) {
	c, _, err := v.greet(ctx, d.port, d.best.at, v.trusted(), &client.Auth{Username: v.Login, Password: v.Password})
	if err != nil {
		v.notLetIn(d, err)
		return
	}
	defer c.Quit()
	v.add("login", finding.OK, "", "%s, by port %s", v.Login, d.port)
	if v.To == "" {
		v.add("message", finding.Warning, "--to ADDRESS sends one there", "none is sent")
		return
	}
	v.deliver(d, c)
}

// notLetIn says why the login failed.
func (v *visit) notLetIn(d *door, err error) {
	e, ok := errors.AsType[*client.ConnError](err)
	switch {
	case !ok:
		v.fail(exit.Failed, "login", "", "%v", err)
	case errors.Is(e.Err, client.ErrNoAuth):
		v.fail(exit.Failed, "login", adviceOther, "port %s offers no login", d.port)
	case e.Stage != client.StageAuth:
		t := try{at: d.best.at, err: e}
		detail, advice := t.why(d.port)
		v.fail(exit.Unreachable, "login", advice, "the second connection: %s", detail)
	case e.Reply.Temporary() && e.Reply.Code != 0:
		v.fail(exit.TryAgain, "login", "try again in some minutes: after wrong passwords a server takes none for a while", "%s", e.Reply)
	case e.Reply.Code == 535:
		v.fail(exit.NotAllowed, "login", "the login or the password is wrong: copy both anew, without blanks; the login may be another name than your address", "%s", e.Reply)
	default:
		v.fail(exit.NotAllowed, "login", "the reply says why; ask your provider", "%s", e.Error())
	}
}

func (v *visit) deliver(d *door, c *client.Client) {
	text := v.message()
	res := c.Deliver(&client.Envelope{Sender: v.From, Size: int64(len(text)), Rcpts: []client.Rcpt{{Address: v.To}}}, strings.NewReader(text))
	out := res.Rcpts[0]
	if !out.Reply.Delivered() {
		code, advice := refusal(&out)
		v.fail(code, "message", advice, "at %s: %s", out.Stage, out.Reply)
		return
	}
	v.add("message", finding.OK, "", "from %s to %s: %s", v.From, v.To, out.Reply)
	v.add("way", finding.OK, "", "handed over by port %s, %s, %s, as %s; what follows shows in the mailbox of %s, or comes back to %s",
		d.port, d.port.way(), tls.VersionName(c.TLS().Version), v.Login, v.To, v.From)
}

// refusal is what to do about a message that was not taken.
func refusal(o *client.Outcome) (code int, advice string) {
	switch r := o.Reply; {
	case r.Temporary():
		return exit.TryAgain, "it is no refusal: try again in some minutes; mail programs do so by themselves"
	case r.Code == 553 && o.Stage == client.StageMail:
		return exit.NotAllowed, "choose an address with --from that the account may send from"
	case r.Code == 552 && r.Enhanced == [3]int{5, 7, 1}:
		return exit.NotAllowed, "the allowance is used up: a larger plan, or the next period, goes on"
	case o.Stage == client.StageMail:
		return exit.NotAllowed, "the account may not send: the reply says why; ask your provider"
	case o.Stage == client.StageRcpt:
		return exit.NotAllowed, "the recipient is refused: choose another one with --to"
	}
	return exit.Failed, "the reply says what to do; else ask your provider"
}

// message that says what it is.
func (v *visit) message() string {
	now := time.Now()
	return fmt.Sprintf("From: <%s>\r\nTo: <%s>\r\nSubject: Test of %s\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"+
		"This message tests the way through %s.\r\nIt was sent by \"relay test\" on %s.\r\nNothing needs to be done about it.\r\n",
		v.From, v.To, v.Server, now.Format(time.RFC1123Z), strings.ToLower(rand.Text()), domainOf(v.From), v.Server, now.Format("2 January 2006, 15:04:05 MST"))
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
