package smtp

import (
	"errors"
	"io"
	"os"
	"time"

	"relay/quota"
	"relay/store"
)

// take receives the content and hands the message to the store. After it go-smtp
// reads the lone dot, or nothing any more.
func (s *session) take() (id string, err error) {
	c := s.c
	if c.srv.draining.Load() {
		c.deadline = time.Time{} // poke may have moved the socket's; this message may still finish
	}
	var p *content
	body := c.srv.st.NewBodyOf(store.Sender{Account: s.msg.Account, Staged: c.cfg.StagedPerAccount,
		Ask: func() error { return s.mayGrow(p.size) }})
	defer body.Discard()
	id = body.ID().String()
	p = newContent(body, !s.chunked, c.cfg.MaxMessage, header{
		host: c.cfg.Hostname, with: s.protocol(), id: id,
		now: c.srv.st.Now().In(c.cfg.Zone), limit: c.cfg.MaxHeader, sender: s.msg.Sender,
		claims: s.claimsOf(),
	})
	p.discard = body.Discard
	defer p.free()
	if s.chunked {
		err = c.chunks(p, s.chunk)
	} else {
		err = c.dots(p)
	}
	if err == nil {
		err = p.finish()
	}
	if err != nil {
		return "", s.spoilt(err)
	}
	return id, s.accept(body, p)
}

// mayGrow asks whether the account may send so much of the message that is coming
// in, as accept does at its end: what the allowance does not hold is not stored
// first.
func (s *session) mayGrow(size int64) error {
	charge, err := quota.ForMessage(size, len(s.msg.Recipients))
	if err != nil {
		return errTooLarge
	}
	no, err := s.c.srv.st.Permit(s.msg.Account, s.login.Login, charge)
	if err == nil && no != nil {
		err = refusal(no, &s.c.cfg.Config)
	}
	return err
}

// spoilt is the answer to content that is refused, or cannot be stored.
func (s *session) spoilt(err error) error {
	r := replyTo(err)
	if r == errLocal || r == errFull {
		s.c.srv.events.storeFailed(s.c, err)
		return errFull
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
	if s.c.secure {
		i |= 2
	}
	if s.mail.utf8 {
		i |= 4
	}
	if !s.esmtp {
		return "SMTP"
	}
	return [...]string{"ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA", "UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"}[i]
}

// accept is the moment from which the message is ours (RFC 5321 §6.1).
func (s *session) accept(body *store.Body, p *content) error {
	c, m := s.c, s.msg
	m.Size, m.EightBit = p.size, p.eight
	m.MessageID, m.NoTLSTerms = string(p.msgID), p.noTLS
	m.Expires = c.srv.st.Now().Add(c.cfg.Lifetime)
	if err := s.still(); err != nil {
		return s.spoilt(err)
	}
	claimed := s.claimed(p, body.ID())
	if err := s.believable(claimed); err != nil {
		return s.spoilt(err)
	}
	no, err := c.srv.st.Accept(store.Intake{Message: m, Body: body, Login: s.login.Login, Client: c.client})
	if err != nil {
		if c.srv.st.Err() != nil { // it may be stored or not: only silence says so
			c.srv.events.storeFailed(c, err)
			c.dead, c.lost = true, true
			return errCut
		}
		return s.spoilt(err)
	}
	if no != nil {
		return s.refuse(m.Account, "end", no)
	}
	if claimed != nil {
		c.srv.judge.Note(claimed)
	}
	c.srv.events.accepted(c, m)
	return nil
}

// dots reads the content of DATA up to its final dot. Nothing is read as a
// command that comes before it: without it the connection is over.
func (c *Conn) dots(p *content) error {
	for done := false; !done; {
		n, err := c.content(p.space(), c.patience(p))
		if n > 0 {
			done = p.filled(n)
		}
		if err != nil && !done {
			return c.cut(p, err)
		}
		if p.size > 2*c.cfg.MaxMessage+lingerOctets { // it will not stop
			c.dead = true
			return p.fault
		}
	}
	c.unread(p.rest())
	c.give = giveDot
	return nil
}

// patience is how long the next octets are waited for. A message that is refused
// anyway may never come to its end, if its end was what is wrong with it.
func (c *Conn) patience(p *content) time.Duration {
	if p.fault != nil {
		return min(faultTime, c.cfg.DataTimeout)
	}
	return c.cfg.DataTimeout
}

// cut ends the connection in the middle of content.
func (c *Conn) cut(p *content, err error) error {
	c.dead = true
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.lost = true
		return errCut
	case p.fault != nil:
		return p.fault
	}
	return errSlow
}

// chunks reads the content of a sequence of BDAT commands (RFC 3030).
func (c *Conn) chunks(p *content, ch chunk) error {
	for {
		if err := c.chunk(p, ch.size); err != nil {
			return c.cut(p, err)
		}
		if p.size > c.cfg.MaxMessage {
			p.refuse(errTooLarge)
		}
		if p.fault != nil && !ch.last {
			c.give = giveDot
			return p.fault
		}
		if ch.last {
			c.give = giveDot
			return nil
		}
		c.reply(okChunk)
		next, err := c.nextChunk()
		if err != nil {
			return err
		}
		ch = next
	}
}

// chunk reads exactly n octets: fewer are not a message (RFC 3030 §2).
func (c *Conn) chunk(p *content, n int64) error {
	if p.size+n > c.cfg.MaxMessage {
		p.refuse(errTooLarge)
		if n > c.cfg.MaxMessage+lingerOctets {
			return os.ErrDeadlineExceeded // as if it never came
		}
	}
	for n > 0 {
		b := p.space()
		if int64(len(b)) > n {
			b = b[:n]
		}
		m, err := c.content(b, c.patience(p))
		p.filled(m)
		if n -= int64(m); err != nil && n > 0 {
			return err
		}
	}
	return nil
}

// nextChunk waits for the BDAT that goes on. A command that ends the message
// instead is left for go-smtp to see.
func (c *Conn) nextChunk() (chunk, error) {
	for !c.dead {
		line, err := c.line(false)
		if err != nil {
			c.refuse(err)
			continue
		}
		verb, arg := splitCommand(line)
		ch, bad := parseChunk(arg)
		if verb == "BDAT" && ch.size > 0 { // content has a limit of its own
			return ch, nil
		}
		if !c.counts() {
			continue
		}
		switch verb {
		case "BDAT":
			if bad != nil {
				c.dead = true
				return ch, bad
			}
			return ch, nil
		case "NOOP":
			c.reply(okNoop)
		case "RSET", "QUIT", "EHLO", "HELO":
			c.putBack(line)
			c.mute, c.give = true, giveDot
			return chunk{}, errCut
		default:
			c.reply(errOrder.with("BDAT or RSET expected"))
		}
	}
	c.mute = true // the last word is said
	return chunk{}, errCut
}

// putBack makes line the next one to be read.
func (c *Conn) putBack(line []byte) {
	rest := append(append([]byte(nil), line...), '\r', '\n')
	c.unread(append(rest, c.in...))
}

// skip reads a chunk that nobody wants.
func (c *Conn) skip(n int64) error {
	if n > c.cfg.MaxMessage+lingerOctets {
		return io.ErrUnexpectedEOF
	}
	var waste [4 << 10]byte
	for n > 0 {
		m, err := c.content(waste[:min(n, int64(len(waste)))], c.cfg.DataTimeout)
		if n -= int64(m); err != nil && n > 0 {
			return err
		}
	}
	return nil
}
