package smtp

import (
	"errors"
	"os"

	"relay/quota"
	"relay/smtp/content"
	"relay/smtp/wire"
	"relay/store"
	"relay/store/bodies"
)

// take receives the content and hands the message to the store. After it go-smtp
// reads the lone dot, or nothing any more.
func (s *session) take() (id string, err error) {
	c := s.c
	if c.srv.draining.Load() {
		c.Rearm() // Poke may have moved the socket's; this message may still finish
	}
	var p *content.Submission
	body := c.srv.st.Bodies.NewOf(bodies.Sender{Account: s.msg.Account, Service: s.standing.Account.ServiceSignature, Staged: c.cfg.StagedPerAccount,
		Ask: func() error { return s.mayGrow(p.Size) }})
	defer body.Discard()
	id = body.ID().String()
	p = content.Submit(body, content.Options{Dots: !s.chunked, Max: c.cfg.MaxMessage, MaxHeader: c.cfg.MaxHeader,
		Host: c.cfg.Hostname, With: s.protocol(), ID: id, Now: c.srv.st.Now().In(c.cfg.Zone), Sender: s.msg.Sender, Claims: s.claims()})
	p.Discard = body.Discard
	defer p.Free()
	if s.chunked {
		err = c.chunks(p, s.chunk)
	} else {
		err = c.dots(p)
	}
	if err == nil {
		err = p.Finish()
	}
	if err != nil {
		return "", s.spoilt(err)
	}
	if s.asked {
		return id, s.ask(body, p)
	}
	return id, s.accept(body, p)
}

// mayGrow asks whether the account may send so much of the message that is coming
// in, as accept does at its end: what the allowance does not hold is not stored
// first.
func (s *session) mayGrow(size int64) error {
	charge, err := quota.ForMessage(size, len(s.msg.Recipients))
	if err != nil {
		return wire.ErrTooLarge
	}
	no, err := s.c.srv.st.Standings.Permit(s.msg.Account, s.login.Login, charge)
	if err == nil && no != nil {
		err = refusal(no, &s.c.cfg.Config)
	}
	return err
}

// spoilt is the answer to content that is refused, or cannot be stored.
func (s *session) spoilt(err error) error {
	r := replyTo(err)
	if r == wire.ErrLocal || r == wire.ErrFull {
		s.c.srv.events.storeFailed(s.c, err)
		return wire.ErrFull
	}
	s.c.srv.events.refused(s.c, s.msg.Account, "end", r)
	return r
}

// protocol for the Received field (RFC 3848, RFC 6531 §4.3).
func (s *session) protocol() string {
	i := 0
	if s.login.Login != "" {
		i |= 1
	}
	if s.c.Secure {
		i |= 2
	}
	if s.mail.SMTPUTF8 {
		i |= 4
	}
	if !s.esmtp {
		return "SMTP"
	}
	return [...]string{"ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA", "UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"}[i]
}

// accept is the moment from which the message is ours (RFC 5321 §6.1).
func (s *session) accept(body *bodies.Body, p *content.Submission) error {
	c, m := s.c, s.msg
	m.Size, m.EightBit = p.Size, p.Eight
	m.MessageID, m.NoTLSTerms = p.MessageID(), p.NoTLS()
	m.Expires = c.srv.st.Now().Add(c.cfg.Lifetime)
	if err := s.still(); err != nil {
		return s.spoilt(err)
	}
	claimed := s.claimed(p, body.ID())
	if err := s.believable(claimed); err != nil {
		return s.spoilt(err)
	}
	no, err := c.srv.st.Accept(store.Intake{Message: m, Body: body, Login: s.login.Login, Client: c.client, Watched: s.watched})
	if err != nil {
		if c.srv.st.Err() != nil { // it may be stored or not: only silence says so
			c.srv.events.storeFailed(c, err)
			c.Dead, c.Lost = true, true
			return wire.ErrCut
		}
		return s.spoilt(err)
	}
	if no != nil {
		return s.refuse(m.Account, "end", no)
	}
	if claimed != nil {
		c.srv.judge.Note(claimed)
	}
	c.srv.meters.took(m)
	if name := ofProgram(p.Program()); name != "" && s.login.Login != "" {
		c.srv.guard.Says(s.login.Login, wire.Site(c.addr), name)
	}
	c.srv.events.accepted(c, m)
	return nil
}

// dots reads the content of DATA up to its final dot. Nothing is read as a
// command that comes before it: without it the connection is over.
func (c *Conn) dots(p *content.Submission) error {
	if err := p.ReadDots(&c.Stream, c.cfg.DataTimeout); err != nil {
		if c.Dead && !c.Lost { // it will not stop
			return err
		}
		return c.cut(p, err)
	}
	c.give = giveDot
	return nil
}

// cut ends the connection in the middle of content.
func (c *Conn) cut(p *content.Submission, err error) error {
	c.Dead = true
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.Lost = true
		return wire.ErrCut
	case p.Fault != nil:
		return p.Fault
	}
	return wire.ErrSlow
}

// chunks reads the content of a sequence of BDAT commands (RFC 3030).
func (c *Conn) chunks(p *content.Submission, ch wire.Chunk) error {
	for {
		if err := p.ReadChunk(&c.Stream, ch.Size, c.cfg.DataTimeout); err != nil {
			return c.cut(p, err)
		}
		if p.Size > c.cfg.MaxMessage {
			p.Refuse(wire.ErrTooLarge)
		}
		if p.Fault != nil && !ch.Last {
			c.give = giveDot
			return p.Fault
		}
		if ch.Last {
			c.give = giveDot
			return nil
		}
		c.reply(wire.OkChunk)
		next, err := c.nextChunk()
		if err != nil {
			return err
		}
		ch = next
	}
}

// nextChunk waits for the BDAT that goes on. A command that ends the message
// instead is left for go-smtp to see.
func (c *Conn) nextChunk() (wire.Chunk, error) {
	for !c.Dead {
		line, err := c.line(false)
		if err != nil {
			c.refuse(err)
			continue
		}
		verb, arg := wire.SplitCommand(line)
		ch, bad := wire.ParseChunk(arg)
		if verb == "BDAT" && ch.Size > 0 { // content has a limit of its own
			return ch, nil
		}
		if !c.counts() {
			continue
		}
		switch verb {
		case "BDAT":
			if bad != nil {
				c.Dead = true
				return ch, bad
			}
			return ch, nil
		case "NOOP":
			c.reply(wire.OkNoop)
		case "RSET", "QUIT", "EHLO", "HELO":
			c.PutBack(line)
			c.mute, c.give = true, giveDot
			return wire.Chunk{}, wire.ErrCut
		default:
			c.reply(wire.ErrOrder.With("BDAT or RSET expected"))
		}
	}
	c.mute = true // the last word is said
	return wire.Chunk{}, wire.ErrCut
}
