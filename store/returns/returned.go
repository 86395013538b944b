package returns

import (
	"errors"
	"fmt"
	"slices"

	"relay/store/delivered"
	"relay/store/mailreply"
	"relay/store/refusals"
	"relay/store/spooled"
)

// Return is what a mail that came back says of one e-mail.
type Return struct {
	Kind      Kind
	Token     string            // of VERP: the local part behind "b+"; "": none
	MessageID string            // of the original, with brackets; "": the report does not say
	Recipient string            // recipient that the report is about; "": it does not say
	Verdict   mailreply.Verdict // what Reply means; zero: nothing is known
	Reply     string            // what the receiving side said, as for the list of errors: "550 5.1.1 unknown"
	Hard      bool              // another attempt would fail too
	Suppress  *refusals.Rule    // what it means for further mail to the recipient; nil: nothing
	Reporter  string            // domain that reports
	RemoteMTA string            // host that refused, for the trace; "": the report does not say
}

// Kind is what came back.
type Kind string

const (
	Bounce    Kind = "bounce"    // the mail could not be delivered after all
	Complaint Kind = "complaint" // the recipient complains of it
)

// Effect is what a Return changed, and whose mail it was about.
type Effect struct {
	Found      bool       // it is about mail of Account
	Account    string     // whose mail it is about
	ID         spooled.ID // of the message
	MessageID  string     // with brackets; "": not known any more
	Recipient  string     // of the mail; "": not certain, or not known any more
	Sender     string     // reverse-path of the message; "": null, or not known any more
	Source     string     // name of the source that the mail went by; "": the only one
	Counted    bool
	Suppressed bool // further mail to Recipient is suppressed by it
	Why        Why  // it was not counted; "": it was
}

// Why says why nothing was counted.
type Why string

const (
	WhyUnknown     Why = "unknown"     // it matches no mail of the last 90 days
	WhyAgain       Why = "again"       // it was counted before
	WhyAmbiguous   Why = "ambiguous"   // several accounts sent mail with that Message-ID
	WhyUndelivered Why = "undelivered" // no next hop took the mail, as far as relay knows
	WhyGone        Why = "gone"        // the account was removed
)

// Record records reports that came back, in one transaction, and returns the effect of each:
//
//  1. a token, or else the Message-ID, is looked up in the index of what was sent, with the
//     recipient where that is known. An unknown one ends here: it costs a look-up, and
//     writes nothing;
//  2. the transaction marks each report, so that it counts once, and counts it: in the usage
//     of the e-mail's period, in its day, in the account's record and its signs, in the list
//     of errors; it suppresses the recipient as Suppress says, and writes an event into the
//     trace.
//
// The recipient is that of the token, also when the trace has the message no more (then its
// address is known only where the report names it, see delivered.Token), or the one that the
// report names, if the message went to it. A report that names another one (the mail was
// forwarded) is about the recipient of a message that had only one; of other messages it
// counts, and nobody is listed or suppressed. The same holds for a complaint that names nobody,
// which counts once for each domain that reports. A Message-ID that several accounts used is nobody's, unless the recipient tells.
//
// A crash leaves all of it or nothing. What the mailer is told of complaints (Complaints) is
// memory: a crash may lose that mail goes slower for them.
func (s *Returns) Record(list []Return) ([]Effect, error) {
	var all []*search
	err := s.view(func(t *tx) (err error) { all, err = t.searches(list); return err })
	if err == nil {
		err = errors.Join(s.lookUp(all), s.lookAgain(all))
	}
	if err != nil {
		return nil, fmt.Errorf("returned: %w", err)
	}
	found := make([]Effect, len(list))
	counts := 0
	for i, q := range all {
		if found[i] = q.effect(s); found[i].Why == "" {
			counts++
		}
	}
	effects := slices.Clone(found)
	if counts > 0 {
		err = s.update(counts*returnWeight, func(t *tx) error {
			copy(effects, found)
			return t.bringAll(all, effects)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("returned: %w", err)
	}
	for i := range effects {
		s.counts.Add(returnCount{list[i].Kind, effects[i].Why}, 1)
	}
	s.logReturned(list, effects)
	return effects, nil
}

// returnCount is a kind of report and why it did not count.
type returnCount struct {
	kind Kind
	why  Why
}

// Count calls fn with how many reports came to each end since Open.
func (s *Returns) Count(fn func(Kind, Why, int64)) {
	s.counts.Each(func(k returnCount, n int64) { fn(k.kind, k.why, n) })
}

// lookAgain looks up what has a token of ours and was not found: it may have come back before
// its delivery was on disk.
func (s *Returns) lookAgain(all []*search) error {
	early := slices.DeleteFunc(slices.Clone(all), func(q *search) bool { return !q.token || q.was == nil || q.hit != nil })
	if len(early) == 0 {
		return nil
	}
	return errors.Join(s.db.Pass(), s.lookUp(early))
}

// returnWeight is about how many octets a report writes.
const returnWeight = 3000

func (t *tx) bringAll(all []*search, effects []Effect) error {
	for i, q := range all {
		if effects[i].Why != "" {
			continue
		}
		if err := t.bring(q, &effects[i]); err != nil {
			return err
		}
	}
	return nil
}

// effect is what the look-up found; Why is "" if it is to be counted.
func (q *search) effect(s *Returns) Effect {
	h := q.hit
	switch {
	case h == nil && q.token && q.was != nil && q.was.Note == "":
		return Effect{Found: true, Account: q.was.Account, ID: q.id, MessageID: q.was.MessageID, Sender: q.was.Sender,
			Recipient: s.recipientOf(q.was, q.box, q.Recipient), Why: WhyUndelivered}
	case h == nil:
		return Effect{Why: WhyUnknown}
	case h.owner == delivered.Owner{}:
		return Effect{Why: WhyAmbiguous}
	}
	e := Effect{Found: true, Account: h.owner.Account, ID: h.entry.ID, Recipient: h.box, Source: h.way.Source}
	if h.was != nil {
		e.MessageID, e.Sender = h.was.MessageID, h.was.Sender
	}
	if h.marked {
		e.Why = WhyAgain
	}
	return e
}
