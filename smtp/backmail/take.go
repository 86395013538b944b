package backmail

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"relay/smtp/returned"
	"relay/store/returns"
)

// parse reads a mail. One that the parser panics at is none of its kinds.
func (is *reading) parse(r io.Reader, panicked func(v any, stack []byte)) {
	defer func() {
		if v := recover(); v != nil {
			panicked(v, debug.Stack())
			is.mail, is.err = &returned.Mail{}, nil
		}
	}()
	is.mail, is.err = returned.Read(r)
}

// take does what a message asks for. When it returns nil, all of it is on disk.
func (s *Server) take(m *message) error {
	cfg := m.conn.cfg
	var mail *returned.Mail
	if m.reader != nil {
		var err error
		if mail, err = m.reader.end(nil); err != nil {
			return err
		}
	}
	s.events.taken(m, mail)
	switch m.kind {
	case Token:
		if _, err := s.report(m, mail); err != nil || m.body == nil {
			return err
		}
		return s.passOn(m, mail, &returns.Passing{Token: m.token, Loops: cfg.Names.Own})
	case Bounce, Complaint:
		_, err := s.report(m, mail)
		return err
	case Abuse:
		return s.abuse(m, mail)
	case Postmaster:
		return s.toOperator(m, mail)
	}
	return cfg.Answer(context.Background(), m.incoming())
}

// report tells the store what a mail says. Mail that is neither a bounce nor a complaint changes
// no count: a delay is no failure, and an automatic answer says that the mail arrived.
func (s *Server) report(m *message, mail *returned.Mail) ([]returns.Effect, error) {
	list := m.conn.cfg.returns(mail, s.tokenOf(m, mail))
	if len(list) == 0 {
		return nil, nil
	}
	return s.st.Returns.Record(list)
}

// tokenOf a report is that of the address it came to. A complaint may hide the recipient, and
// still show by the original's reverse-path whose copy it is about.
func (s *Server) tokenOf(m *message, mail *returned.Mail) string {
	if m.token != "" || mail.Complaint == nil {
		return m.token
	}
	_, token := s.names.Find(mail.Complaint.OriginalMailFrom)
	if !s.st.Delivered.KnowsToken(token) {
		return ""
	}
	return token
}

// passOn queues the message for somebody else, as it came.
func (s *Server) passOn(m *message, mail *returned.Mail, p *returns.Passing) error {
	p.Body, p.Size, p.EightBit, p.SMTPUTF8 = m.body, m.content.Size, m.content.Eight, m.conn.mail.SMTPUTF8
	p.Lifetime = m.conn.cfg.Lifetime
	if mail != nil {
		p.MessageID = mail.OwnMessageID
	}
	_, err := s.st.Returns.PassOn(p)
	return err
}

// toOperator passes a message to the operator, unless there was too much of it today.
func (s *Server) toOperator(m *message, mail *returned.Mail) error {
	c := m.conn
	to := c.cfg.Operator
	if to == "" || c.cfg.Names.Own(to) {
		return errNoOperator
	}
	if !s.floods.take(m.kind, c.site, m.content.Size, s.st.Now()) {
		return errFlood
	}
	err := s.passOn(m, mail, &returns.Passing{To: to})
	if err != nil {
		s.floods.giveBack(m.kind, c.site, m.content.Size)
	}
	return err
}

var errNoOperator = errors.New("back-mail: nobody is there to pass it on to: set [report] operator")

// abuse is mail to abuse@. A complaint in it counts like those of a feedback loop, and its
// desk is answered. All goes to the operator; of complaints that were counted only as many
// as a day has room for.
func (s *Server) abuse(m *message, mail *returned.Mail) error {
	effects, err := s.report(m, mail)
	if err != nil {
		return err
	}
	found := slices.ContainsFunc(effects, func(e returns.Effect) bool { return e.Found })
	if found {
		if err := s.desk(m, mail, effects); err != nil {
			return err
		}
	}
	if err = s.toOperator(m, mail); err == errFlood && found {
		return nil
	}
	return err
}

// desk tells the abuse desk's handler, once for each account that the complaint is about.
func (s *Server) desk(m *message, mail *returned.Mail, effects []returns.Effect) error {
	c := m.conn
	if c.cfg.Desk == nil || c.mail.From.Addr == "" || mail.Kind != returned.Complaint {
		return nil
	}
	var told []string
	for i := range effects {
		e := &effects[i]
		if !e.Found || slices.Contains(told, e.Account) {
			continue
		}
		told = append(told, e.Account)
		of := &Case{Desk: c.mail.From.Addr, Account: e.Account, Message: e.ID, Recipient: e.Recipient, Reporter: reporter(mail), Report: mail}
		if err := c.cfg.Desk(m.incoming(), of); err != nil {
			return err
		}
	}
	return nil
}

// returns are what the store is told of a mail.
func (c *Config) returns(mail *returned.Mail, token string) (list []returns.Return) {
	r := returns.Return{Token: token, MessageID: mail.MessageID, Reporter: reporter(mail)}
	switch mail.Kind {
	case returned.Bounce:
		r.Kind = returns.Bounce
	case returned.Complaint:
		r.Kind = returns.Complaint
	default:
		return nil
	}
	if token == "" && mail.MessageID == "" {
		return nil
	}
	for i := range mail.Reports {
		one := &mail.Reports[i]
		if mail.Kind == returned.Bounce && one.Action != "failed" {
			continue
		}
		is := r
		is.Recipient, is.RemoteMTA, is.Hard = one.Recipient, one.RemoteMTA, one.Hard
		if one.Original != "" {
			is.Recipient = one.Original
		}
		c.judge(&is, one)
		list = append(list, is)
		if token != "" { // it is of one recipient
			break
		}
	}
	if list == nil {
		c.judge(&r, &returned.Report{})
		list = append(list, r)
	}
	return list
}

// judge says what a report means, by the reply that it quotes.
func (c *Config) judge(r *returns.Return, one *returned.Report) {
	if r.Reply = one.Diagnostic; r.Reply == "" {
		r.Reply = one.Status
	}
	if c.Judge != nil {
		r.Verdict, r.Suppress = c.Judge(r.Kind, r.Reply)
	}
}

// reporter is the domain that a report is from.
func reporter(mail *returned.Mail) string {
	return strings.ToLower(mail.From[strings.LastIndexByte(mail.From, '@')+1:])
}
