package mailer

import (
	"log/slog"
	"time"

	"relay/mailer/accounts"
	"relay/mailer/pace"
	"relay/mailer/site"
	"relay/mailer/source"
	"relay/store/spooled"
)

// logSiteDown comes once an interval, since a site is tried once an interval.
func (m *Mailer) logSiteDown(t *site.Site) {
	m.log.Warn("next hop down", "next_hop", t.Label(), "failures", t.Failures, "next_attempt", t.Until, "err", t.Why)
}

// logPoolFull says so once a minute while looks find that accounts wait.
func (m *Mailer) logPoolFull(connections, waiting int) {
	m.quiet.Often(slog.LevelWarn, "", "all connections are in use", slog.Int("connections", connections), slog.Int("accounts", waiting))
}

// logSiteSlowed comes once a minute at most, since replies that follow are to mail that
// was under way.
func (m *Mailer) logSiteSlowed(t *site.Site, now time.Time, reply string) {
	m.log.Warn("next hop slowed", "next_hop", t.Label(), "provider", t.Row.Name, "connections", t.Gate.Connections(now),
		"messages_per_minute", t.Gate.Rate(now), "reply", reply)
}

func (m *Mailer) logSiteSuspended(t *site.Site, until time.Time, reply string) {
	m.log.Warn("next hop suspended", "next_hop", t.Label(), "provider", t.Row.Name, "next_attempt", until, "reply", reply)
}

// logAccountSlowed comes once a minute at most too.
func (m *Mailer) logAccountSlowed(key accounts.Key, c *pace.Account, now time.Time) {
	st := c.State(now)
	if c.Held(now) {
		m.log.Warn("account held at provider", "account", key.Account, "provider", key.Provider, "reason", string(st.Reason), "next_attempt", st.Held, "reply", st.Why)
		return
	}
	m.log.Warn("account slowed at provider", "account", key.Account, "provider", key.Provider, "reason", string(st.Reason), "percent", st.Share.At, "reply", st.Why)
}

// logSourceGone comes when the machine lost a source's address, and with nil when it has it
// again.
func (m *Mailer) logSourceGone(o *site.Origin, err error) {
	if err == nil {
		m.log.Info("source back", "egress", o.Name)
		return
	}
	m.log.Warn("source gone, the machine lacks its address; other sources take its mail", "egress", o.Name, "err", err,
		"advice", "give the address back to the machine, or take it out of the configuration")
}

func (m *Mailer) logWarmUpFull(t *site.Site, w *source.Warmth) {
	m.log.Info("warm-up of a source is full for today", "egress", t.Origin.Name, "provider", t.RowName(), "limit", w.Ceiling, "day", w.Days)
}

func (m *Mailer) logSiteUp(t *site.Site) {
	m.log.Info("next hop up again", "next_hop", t.Label(), "failures", t.Failures)
}

// logLanePaused comes once an interval too.
func (m *Mailer) logLanePaused(key spooled.Lane, p *site.Pause) {
	m.log.Warn("mail to a domain paused", "account", key.Account, "domain", key.Domain,
		"failures", p.Failures, "next_attempt", p.Until, "err", p.Why)
}

func (m *Mailer) logStoreError(op string, err error) { m.out.StoreFails(op, err) }

// stored says what became of an operation of the store.
func (m *Mailer) stored(op string, err error) {
	if err != nil {
		m.logStoreError(op, err)
	} else {
		m.storeWorks(op)
	}
}

func (m *Mailer) storeWorks(op string) { m.out.StoreWorks(op) }
