package mailer

import (
	"io"
	"strings"
	"sync/atomic"
	"time"

	"relay/mailer/dsn"
	"relay/store"
	"relay/store/maildomain"
)

// dsnOf is what the sender is to be told of a target's outcome; nil: nothing. It
// hears of recipients that are given up, and of those that went to a host that does
// not report itself, where it asked for that (RFC 3461 §5.2.2). The null
// reverse-path hears nothing (RFC 5321 §4.5.5).
func dsnOf(msg *store.Message, t *target, state store.RecipientState, now time.Time) *store.DSN {
	r := &msg.Recipients[t.rcpt]
	d := &store.DSN{Action: string(dsn.Failed), Reply: t.out.Reply.String(), Host: t.host, At: now}
	switch {
	case msg.Sender == "":
	case state == store.Failed && r.WantsFailure():
		d.Status = t.out.Reply.Status()
		return d
	case state == store.Expired && r.WantsFailure():
		d.Expired = true
		return d
	case state == store.Delivered && t.relayed && r.Notify&store.NotifySuccess != 0:
		d.Action, d.Status = string(dsn.Relayed), t.out.Reply.Status()
		return d
	}
	return nil
}

// sendDSNs sends those that are due, and reports whether there may be more.
func (m *Mailer) sendDSNs() bool {
	sent, more, err := m.store.SendDSNs()
	if err != nil {
		m.logStoreError("DSNs", err)
		return false
	}
	m.storeWorks("DSNs")
	m.store.LogDSNs(sent...)
	return more
}

// WordDSNs has the DSNs of a store worded for a relay of that configuration. New
// does it too: this is for commands that run while no relay does.
func WordDSNs(st *store.Store, cfg Config) {
	cfg.setDefaults()
	var p atomic.Pointer[Config]
	p.Store(&cfg)
	wordDSNs(st, &p)
}

func wordDSNs(st *store.Store, cfg *atomic.Pointer[Config]) {
	zone := st.Zone()
	st.SetDSNs(store.DSNs{PerHour: cfg.Load().NoticesPerHour, Build: func(msg *store.Message, own bool, original io.Reader) (store.Notice, bool) {
		return buildDSN(cfg.Load(), zone, st.Now(), msg, own, original)
	}})
}

// buildDSN words one DSN about all that a message's sender is to be told; false
// when there is nobody to send it to.
func buildDSN(cfg *Config, zone *time.Location, now time.Time, msg *store.Message, own bool, original io.Reader) (store.Notice, bool) {
	domain, ok := nextHopDomain(msg.Sender)
	if !ok {
		return store.Notice{}, false
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
	return store.Notice{Body: n.Content, Message: store.Message{
		Expires:    now.Add(cfg.NoticeExpire),
		MessageID:  n.MessageID,
		EightBit:   n.EightBit,
		SMTPUTF8:   n.SMTPUTF8,
		RequireTLS: msg.RequireTLS, // RFC 8689 §5
		Recipients: []store.Recipient{{Address: msg.Sender, Domain: domain}},
	}}, true
}

func dsnRecipient(msg *store.Message, r *store.Recipient) dsn.Recipient {
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

// nextHopDomain is the domain of a reverse-path as the queue has it: lower case
// A-labels, or an address literal.
func nextHopDomain(address string) (string, bool) {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return "", false
	}
	_, ascii, ok := maildomain.Parse(strings.TrimSuffix(address[i+1:], "."))
	return ascii, ok
}
