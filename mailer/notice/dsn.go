// Package notice words DSNs: what senders are told of recipients.
//
// The spool lists what is to be told, with the outcomes, and calls spool.DSNs.Build in the transaction
// that takes it off the list. So a DSN is neither lost nor sent twice.
package notice

import (
	"io"
	"sync/atomic"
	"time"

	"relay/mailer/dsn"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/store/spool"
	"relay/store/spooled"
)

// Word has the DSNs of a spool worded for a relay with that configuration. It is for commands that run
// while no relay does.
func Word(sp *spool.Spool, cfg settings.Config) {
	cfg.SetDefaults()
	var p atomic.Pointer[settings.Config]
	p.Store(&cfg)
	WordLive(sp, &p)
}

// WordLive has the DSNs of a spool worded by the configuration in force.
func WordLive(sp *spool.Spool, cfg *atomic.Pointer[settings.Config]) {
	zone := sp.Zone()
	sp.SetDSNs(spool.DSNs{PerHour: cfg.Load().NoticesPerHour, Build: func(msg *spooled.Message, own bool, original io.Reader) (spool.Notice, bool) {
		return buildDSN(cfg.Load(), zone, sp.Now(), msg, own, original)
	}})
}

// buildDSN words one DSN about all that a message's sender is to be told; false
// when there is nobody to send it to.
func buildDSN(cfg *settings.Config, zone *time.Location, now time.Time, msg *spooled.Message, own bool, original io.Reader) (spool.Notice, bool) {
	domain, ok := route.DomainOf(msg.Sender)
	if !ok {
		return spool.Notice{}, false
	}
	p := dsn.Params{
		Hostname:   cfg.Hostname,
		Date:       now.In(zone),
		To:         msg.Sender,
		EnvID:      msg.EnvID,
		Arrived:    msg.Accepted,
		OriginalID: msg.MessageID,
	}
	failed := false
	for i := range msg.Recipients {
		if r := &msg.Recipients[i]; r.DSN != nil {
			p.Recipients = append(p.Recipients, dsnRecipient(msg, r))
			failed = failed || r.DSN.Action == string(dsn.Failed)
		}
	}
	// The whole message goes only to an address that is certainly the customer's and
	// asked for it; of all but failures the header is enough (RFC 3461 §4.3). One with
	// 8-bit content cannot be encoded in it: not every host would take the DSN.
	p.Full = own && failed && msg.Ret == "FULL" && msg.Stored <= cfg.ReturnMax && !msg.EightBit
	p.Original = readOriginal(original, p.Full)
	n := dsn.Build(p)
	return spool.Notice{Body: n.Content, Message: spooled.Message{
		Expires:    now.Add(cfg.NoticeExpire),
		MessageID:  n.MessageID,
		EightBit:   n.EightBit,
		SMTPUTF8:   n.SMTPUTF8,
		RequireTLS: msg.RequireTLS, // RFC 8689 §5
		Recipients: []spooled.Recipient{{Address: msg.Sender, Domain: domain}},
	}}, true
}

func dsnRecipient(msg *spooled.Message, r *spooled.Recipient) dsn.Recipient {
	d := dsn.Recipient{
		Address:     r.Address,
		ORCPT:       r.ORCPT,
		Action:      dsn.Action(r.DSN.Action),
		Status:      r.DSN.Status,
		RemoteMTA:   r.DSN.Host,
		Reply:       r.DSN.Reply,
		Expired:     r.DSN.Expired,
		Dropped:     r.DSN.Dropped,
		LastAttempt: r.DSN.At,
		Suppressed:  r.DSN.Suppressed,
	}
	if d.Dropped && d.Reply == "" {
		d.Reply = "the operator of this mail system has removed the message"
	}
	if d.Action == dsn.Delayed {
		d.RetryUntil = msg.Expires
	}
	return d
}

// readOriginal is what a DSN returns of a message. What cannot be read is left out,
// and the store says so: the DSN is worth more without it than not at all.
func readOriginal(r io.Reader, full bool) (b []byte) {
	if full {
		b, _ = io.ReadAll(r)
	} else {
		b, _ = dsn.ReadHeader(r)
	}
	return b
}
