package returns

import (
	"errors"
	"strings"
	"time"

	"relay/store/abuse"
	"relay/store/bucket"
	"relay/store/maildomain"
	"relay/store/mailreply"
	"relay/store/outcomes"
	"relay/store/refusals"
	"relay/store/room"
	"relay/store/sent"
	"relay/store/signs"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// bring records a report and its effects, unless it was counted meanwhile.
func (t *tx) bring(q *search, e *Effect) error {
	h := q.hit
	o, there := t.s.Delivered.Owner(&t.Tx, h.entry.Owner)
	if !there || o != h.owner || t.Get(bucket.Accounts, []byte(o.Account)) == nil {
		*e = Effect{Why: WhyGone}
		return nil
	}
	again, err := t.returnedBefore(q.Kind, h)
	if err != nil || again {
		e.Why = WhyAgain
		return err
	}
	if err := errors.Join(t.markReturned(q.Kind, h), t.noteReturn(q), t.listReturn(q)); err != nil {
		return err
	}
	t.countReturn(q)
	if e.Suppressed, err = t.suppressReturned(q); err != nil {
		return err
	}
	e.Counted, e.Why = true, ""
	return t.traceReturn(q)
}

// countReturn counts it in the usage of the period that the e-mail was charged to, and in the
// day on which it was accepted.
func (t *tx) countReturn(q *search) {
	o := q.hit.owner
	mail := outcomes.Mail{Account: o.Account, Period: o.Period, Accepted: q.hit.accepted()}
	if q.Kind == Complaint {
		t.s.Outcomes.Complained(&t.Tx, mail)
	} else {
		t.s.Outcomes.Bounced(&t.Tx, mail)
	}
}

// accepted is when the message was accepted.
func (h *hit) accepted() time.Time {
	if h.was != nil {
		return h.was.Time
	}
	return spooled.ID(h.entry.ID).Timestamp()
}

// noteReturn counts it in the account's record, on the present day, and notes what it says against
// the account.
func (t *tx) noteReturn(q *search) error {
	h := q.hit
	if doubted, err := t.doubted(q); err != nil || doubted {
		return err
	}
	o := abuse.Observation{Account: h.owner.Account, Sign: signs.Complaint, N: 1, Accepted: h.accepted(),
		Sent: time.Unix(int64(h.entry.At), 0).UTC(), Provider: h.way.Provider}
	switch {
	case q.Kind == Complaint:
		t.tellComplaint(h)
		return t.s.Abuse.Observe(&t.Tx, o)
	case q.Hard && ofRecipient(&q.Verdict):
		o.Sign, o.Late = signs.Bounce, true
		if err := t.s.Abuse.Observe(&t.Tx, o); err != nil {
			return err
		}
	}
	if !nobodyThere(q.Verdict.Category) {
		return nil
	}
	a, err := t.s.Books.AccountIn(&t.Tx, q.hit.owner.Account)
	if err != nil {
		return err
	}
	rec, err := t.s.Strangers.In(&t.Tx, a.Name)
	if err != nil {
		return err
	}
	rec.Today.Unknown++
	return nil
}

// doubted reports whether too many reports about mail with the same Message-ID came before for this
// one to speak against the account. A recipient of a mail to many can write reports
// about each of them, in one message or in many with the same Message-ID. So without a token,
// which only its recipient knows, they speak against the account up to half of the share only
// at which it is suspended, but once in any case: they warn, and suspend nobody by themselves.
// Each report that counts is looked at once, so that this costs little in all.
//
// Of a mail to one recipient only that recipient knows the Message-ID, unless the sending
// program counts them up: then a stranger can guess them, and each guess counts once. Nothing
// in a report tells it from a true one. Bounces of an account with VERP come to a token, so
// those that have none say nothing against it, whichever sender the mail had. Complaints have to count without a token, as
// feedback loops often leave it out.
//
// Several complaints of one person, about several mails, count each, as with the mailbox
// providers, whose share of complaints is one of mails. They can only be about mail that went
// out before the first of them, which suppresses the recipient.
func (t *tx) doubted(q *search) (bool, error) {
	h, rules := q.hit, t.s.Abuse.Rules()
	if q.token {
		return false, nil
	}
	if q.Kind == Bounce {
		if a, err := t.s.Books.AccountIn(&t.Tx, h.owner.Account); err != nil || a.VERP {
			return true, err
		}
	}
	if len(h.same) <= 1 || rules == nil {
		return false, nil
	}
	share := rules.ComplaintSuspend.Share
	if q.Kind == Bounce {
		share = rules.BounceSuspend.Share
	}
	most := max(1, int(share*int64(len(h.same))/2_000_000))
	return t.returnsOfAll(q.Kind, h.same, most+1) > most, nil
}

// returnsOfAll counts the reports of a kind about e-mails that have been marked, up to a number.
func (t *tx) returnsOfAll(kind Kind, list []sent.Entry, most int) (n int) {
	seen := make(map[spooled.ID]bool, len(list))
	c := t.Cursor(bucket.ReturnsOf)
	for i := range list {
		id := spooled.ID(list[i].ID)
		if seen[id] {
			continue
		}
		seen[id] = true
		prefix := returnPrefix(kind, id)
		for k, _ := c.Seek(prefix); room.HasPrefix(k, prefix); k, _ = c.Next() {
			if n++; n >= most {
				return n
			}
		}
	}
	return n
}

// ofRecipient reports whether what came back is the list's fault, as far as that is known.
func ofRecipient(v *mailreply.Verdict) bool {
	return (v.Blame == "recipient" || v.Category == "") && v.Category != "QuotaIssues"
}

// nobodyThere reports whether a category says that there is no such recipient.
func nobodyThere(category string) bool {
	return category == "InvalidRecipient" || category == "InactiveMailbox"
}

// listReturn enters the recipient in the list of errors, if it is certain who that is.
func (t *tx) listReturn(q *search) error {
	h := q.hit
	mailbox, ok := maildomain.Mailbox(h.box)
	if !ok {
		return nil
	}
	is := refusals.Refusal{Address: h.box, Category: q.Verdict.Category, Class: refusals.ClassBounced, Source: refusals.SourceBounce, Reply: q.Reply}
	if is.Category == "" {
		is.Category = spool.Uncategorized
	}
	if q.Kind == Complaint {
		is.Class, is.Source, is.Category = refusals.ClassComplained, refusals.SourceComplaint, spool.Complained
	}
	is.MessageID = q.messageID(t.s)
	return t.s.Refusals.Enter(&t.Tx, h.owner.Account, mailbox, &is)
}

// suppressReturned suppresses the recipient, as a reply that says the same would.
func (t *tx) suppressReturned(q *search) (bool, error) {
	mailbox, ok := maildomain.Mailbox(q.hit.box)
	if !ok || q.Suppress == nil {
		return false, nil
	}
	return t.s.Refusals.Strike(&t.Tx, q.hit.owner.Account, mailbox,
		&refusals.Strike{Message: q.hit.entry.ID, Back: true, Address: q.hit.box, Reply: q.Reply, Rule: q.Suppress})
}

// traceReturn appends the report to the trace, as long as that has the message, and tells those
// who watch.
func (t *tx) traceReturn(q *search) error {
	h := q.hit
	e := &trace.Event{ID: h.entry.ID, Time: t.Wall, Kind: trace.EventBounced, Account: h.owner.Account, Reporter: q.Reporter, NextHop: q.RemoteMTA}
	if q.Kind == Complaint {
		e.Kind = trace.EventComplained
	}
	if address := h.box; address != "" || h.named != "" {
		e.Recipients = []trace.EventOutcome{{Address: address, Reply: q.Reply, Verdict: q.Verdict, Named: h.named}}
	}
	if h.was == nil {
		t.s.Trace.Tell(&t.Tx, e, nil)
		return nil
	}
	m, err := t.Message(e.ID)
	if err != nil {
		return err
	}
	if m != nil && !m.Traced {
		return errors.New("a message that was delivered to somebody has no trace") // Settle wrote one
	}
	return t.s.Trace.Happened(&t.Tx, e, m)
}

// tellComplaint tells the mailer.
func (t *tx) tellComplaint(h *hit) {
	c := spool.Complaint{Account: h.owner.Account, Provider: h.way.Provider}
	if mailbox, ok := maildomain.Mailbox(h.box); ok {
		c.Domain = mailbox[strings.LastIndexByte(mailbox, '@')+1:]
	}
	t.Complain(c)
}
