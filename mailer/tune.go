package mailer

import (
	"fmt"

	"relay/mailer/accounts"
	"relay/mailer/notice"
	"relay/mailer/settings"
)

// config is the configuration in force. Who needs two fields that go together
// asks once.
func (m *Mailer) config() *settings.Config { return m.cfg.Load() }

// Reconfigure takes over what may change while mail is on its way: the waits
// between attempts, the lives of messages, the limits of connections, the sources, the rules on
// replies and what suppresses a recipient, and Drain. The other fields of cfg are not looked at. A connection that is one
// too many ends with the message it carries; what is already stored, such as the
// next try of a message, stays as it is. It fails, and changes nothing, when cfg
// cannot be.
func (m *Mailer) Reconfigure(cfg settings.Config) error {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("mailer: %w", err)
	}
	cfg.SetDefaults()
	cfg.Dialer = m.config().Dialer
	if err := cfg.BindAll(); err != nil {
		return fmt.Errorf("mailer: %w", err)
	}
	next := *m.config()
	next.Retry, next.Drain = cfg.Retry, cfg.Drain
	next.Expire, next.NoticeExpire, next.DelayAfter = cfg.Expire, cfg.NoticeExpire, cfg.DelayAfter
	next.Connections, next.SiteConnections = cfg.Connections, cfg.SiteConnections
	next.MessagesPerConnection, next.NoticesPerHour = cfg.MessagesPerConnection, cfg.NoticesPerHour
	next.Rules, next.Rows, next.Suppress = cfg.Rules, cfg.Rows, cfg.Suppress
	next.Sources = cfg.Sources
	next.Profile, next.NewProfile, next.FirstCap = cfg.Profile, cfg.NewProfile, cfg.FirstCap
	m.cfg.Store(&next)
	notice.WordLive(m.spool, &m.cfg)
	if err := accounts.LimitStrangers(m.spool, &next); err != nil {
		return fmt.Errorf("mailer: %w", err)
	}
	select {
	case m.tuned <- struct{}{}:
	default: // it will be looked at
	}
	return nil
}

// tune gives the sites that are known the limits that are in force now.
func (s *schedule) tune() {
	now := s.m.spool.Now()
	s.accounts.Reconfigured()
	s.setSources()
	for t := range s.atlas.Sites {
		if t.Path == nil {
			continue
		}
		s.setPace(t)
		t.Limit = min(t.Limit, t.Gate.Connections(now))
		s.touch(t)
	}
	s.rouse()
}
