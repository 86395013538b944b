package mailer

import (
	"errors"
	"io"
	"strings"
	"time"

	"relay/maildomain"
	"relay/mailer/dsn"
	"relay/store"
)

// notices are the DSNs about an attempt: one for all recipients that are given
// up, one for all that went to a host that does not report itself (RFC 3461
// §5.2.2). The null reverse-path gets none (RFC 5321 §4.5.5).
func (m *Mailer) notices(a *attempt, states []store.RecipientState, now time.Time) []store.Notice {
	msg := a.job.message
	if msg.Sender == "" {
		return nil
	}
	var failed, relayed []dsn.Recipient
	for i := range a.targets {
		t := &a.targets[i]
		r := &msg.Recipients[t.rcpt]
		d := dsn.Recipient{
			Address:     r.Address,
			ORCPT:       r.ORCPT,
			RemoteMTA:   t.host,
			Reply:       t.out.Reply.String(),
			LastAttempt: now,
		}
		switch {
		case states[i] == store.Failed && wantsFailure(r):
			d.Action, d.Status = dsn.Failed, t.out.Reply.Status()
			failed = append(failed, d)
		case states[i] == store.Expired && wantsFailure(r):
			d.Action, d.Expired = dsn.Failed, true
			failed = append(failed, d)
		case states[i] == store.Delivered && t.relayed && r.Notify&store.NotifySuccess != 0:
			d.Action, d.Status = dsn.Relayed, t.out.Reply.Status()
			relayed = append(relayed, d)
		}
	}
	var list []store.Notice
	for _, about := range [][]dsn.Recipient{failed, relayed} {
		if n, ok := m.notice(msg, about, now); ok {
			list = append(list, n)
		}
	}
	return list
}

// wantsFailure reports whether the sender is to hear of a failure: unless it
// said otherwise.
func wantsFailure(r *store.Recipient) bool {
	return r.Notify == 0 || r.Notify&store.NotifyFailure != 0
}

// notice builds one DSN; false when there is none to build, or nobody to send it to.
func (m *Mailer) notice(msg *store.Message, about []dsn.Recipient, now time.Time) (store.Notice, bool) {
	if len(about) == 0 || msg.Sender == "" {
		return store.Notice{}, false
	}
	domain, ok := nextHopDomain(msg.Sender)
	if !ok {
		m.logNoNotice(msg)
		return store.Notice{}, false
	}
	// Of all but failures the header is enough (RFC 3461 §4.3). A message in it
	// cannot be encoded: with 8-bit content not every host would take the DSN.
	full := about[0].Action == dsn.Failed && msg.Ret != "HDRS" && msg.Stored <= m.config().ReturnMax && !msg.EightBit
	n := dsn.Build(dsn.Params{
		Hostname:   m.config().Hostname,
		Date:       now.In(m.store.Zone()),
		To:         msg.Sender,
		EnvID:      msg.EnvID,
		Arrived:    msg.Accepted,
		OriginalID: msg.MessageID,
		Original:   m.original(msg, full),
		Full:       full,
		Recipients: about,
	})
	return store.Notice{Body: n.Content, Message: store.Message{
		Account:    msg.Account,
		Expires:    now.Add(m.config().NoticeExpire),
		MessageID:  n.MessageID,
		EightBit:   n.EightBit,
		SMTPUTF8:   n.SMTPUTF8,
		RequireTLS: msg.RequireTLS, // RFC 8689 §5
		Recipients: []store.Recipient{{Address: msg.Sender, Domain: domain}},
	}}, true
}

// original is what a DSN returns of a message. What cannot be read is left out:
// the DSN is worth more without it than not at all.
func (m *Mailer) original(msg *store.Message, full bool) []byte {
	body := m.store.OpenBody(msg.ID)
	defer body.Close()
	var b []byte
	var err error
	if full {
		b, err = io.ReadAll(body)
	} else {
		b, err = dsn.ReadHeader(body)
	}
	if err != nil && !m.gone(msg.ID) {
		m.logNoOriginal(msg, err)
	}
	return b
}

// gone reports whether a message has left the spool, and nobody is to be told of it.
func (m *Mailer) gone(id store.ID) bool {
	_, err := m.store.QueueMessage(id)
	return errors.Is(err, store.ErrNotFound)
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
