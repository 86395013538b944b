package smtp

import (
	"context"

	"relay/smtp/align"
	"relay/smtp/content"
	"relay/store/books"
	"relay/store/spooled"
)

// claims is where a message's header says who sent it; nil: nobody judges.
func (s *session) claims() *align.Message {
	if s.c.srv.judge == nil {
		return nil
	}
	return &align.Message{}
}

// claimed is what the judge has to know of a message; nil: nobody judges.
func (s *session) claimed(p *content.Submission, id spooled.ID) *align.Message {
	m := p.Claims()
	if m == nil {
		return nil
	}
	m.Account, m.ID, m.Sender = s.msg.Account, id, s.msg.Sender
	if s.standing.Account.VERP && s.msg.Returnable() {
		m.Return = s.c.cfg.Returns
	}
	m.Recipients = make([]string, len(s.msg.Recipients))
	for i := range s.msg.Recipients {
		m.Recipients[i] = s.msg.Recipients[i].Domain
	}
	return m
}

// believable refuses a message of which nothing proves who it is from, where the account
// wants that.
func (s *session) believable(m *align.Message) error {
	if m == nil || s.standing.Account.Auth != books.AuthRefuse {
		return nil
	}
	if why := s.c.srv.judge.Refuse(context.Background(), m); why != "" {
		return errUnproved.With("%s", why)
	}
	return nil
}
