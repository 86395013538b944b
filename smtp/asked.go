package smtp

import (
	"context"
	"net"
	"net/netip"

	"relay/smtp/backmail"
	"relay/smtp/content"
	"relay/smtp/wire"
	"relay/store/bodies"
)

// asks reports whether a recipient is an address that relay itself answers: test@ or errors@.
func (s *session) asks(to string) bool {
	if s.c.cfg.Answer == nil {
		return false
	}
	kind, _ := s.c.cfg.Addresses.Find(to)
	return kind == backmail.Test || kind == backmail.Errors
}

// ask hands the message to the handler that answers it. It is not charged and not queued: it ends here,
// so a relay without a listener for what comes back answers it too.
func (s *session) ask(body *bodies.Body, p *content.Submission) error {
	c := s.c
	if err := s.still(); err != nil {
		return s.spoilt(err)
	}
	in := s.incoming(p)
	in.Body = body
	if err := c.cfg.Answer(context.Background(), in); err != nil {
		c.srv.events.unanswered(c, in, err)
		return wire.ErrLocal
	}
	c.srv.events.asked(c, in)
	return nil
}

// incoming is the message as the handler gets it.
func (s *session) incoming(p *content.Submission) *backmail.Incoming {
	c := s.c
	in := &backmail.Incoming{Remote: netip.AddrPortFrom(c.addr, 0), TLS: c.TLSName(), Sender: s.msg.Sender, Recipient: s.msg.Recipients[0].Address,
		Login: s.login.Login, Account: s.msg.Account, Received: c.srv.st.Now(), Size: p.Size}
	if a, ok := c.Raw.LocalAddr().(*net.TCPAddr); ok {
		in.Port = uint16(a.Port)
	}
	return in
}
