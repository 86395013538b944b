package returns

import (
	"slices"
	"strings"
	"time"

	"relay/store/delivered"
	"relay/store/maildomain"
	"relay/store/sent"
	"relay/store/spooled"
	"relay/store/trace"
)

// mostSame is how many e-mails with one Message-ID a look-up reads. More have it only where a
// program gives all its mail the same one.
const mostSame = 4096

// mostBoxed is how many of these it reads to one mailbox, where there are more.
const mostBoxed = 64

// search is one report on its way through the index.
type search struct {
	*Return
	token  bool         // the token is ours: the message comes from it
	sure   bool         // the recipient too, which is that of box
	id     spooled.ID   // of a token: the message
	was    *trace.Event // likewise: its acceptance; nil: the trace has it no more
	box    sent.Box
	boxed  bool // box is that of the recipient that the report, or the token, names
	hash   sent.Hash
	hashed bool

	hit *hit // nil: the report is about no mail that is known
}

// hit is the e-mail that a report is about.
type hit struct {
	owner  delivered.Owner // zero: it could be anybody's
	way    delivered.Way
	entry  sent.Entry   // of it, or of the message's last e-mail
	exact  bool         // entry is of the e-mail that came back
	of     int          // e-mails of the message
	same   []sent.Entry // all e-mails with its Message-ID
	mark   sent.Box     // what tells this report from others about the message
	was    *trace.Event // the message's acceptance; nil: the trace has it no more
	named  string       // recipient that the report names, where that is not the one of entry
	box    string       // address of the recipient; "": it is not known, or not certain
	marked bool         // it was counted before
}

// searches reads the tokens, which tell the Message-ID and the recipient.
func (t *tx) searches(list []Return) ([]*search, error) {
	all := make([]*search, len(list))
	known := acceptances{}
	for i := range list {
		q := &search{Return: &list[i]}
		all[i] = q
		if is, ok := t.s.Delivered.ParseToken(q.Token); ok {
			was, err := known.of(t, is.ID)
			if err != nil {
				return nil, err
			}
			if q.named(t.s, is, was); q.sure {
				continue
			}
		}
		q.about(t.s, q.Recipient)
		q.hash, q.hashed = t.s.Delivered.HashOf(q.MessageID)
	}
	return all, nil
}

// named says what a token names. An older one says who the recipient is while the trace has
// the message.
func (q *search) named(s *Returns, is delivered.Token, was *trace.Event) {
	q.token, q.id, q.was = true, is.ID, was
	switch {
	case !is.Old:
		q.box, q.hash = is.Box, is.Hash
	case was == nil || is.Rcpt >= len(was.Recipients):
		return
	default:
		q.about(s, was.Recipients[is.Rcpt].Address)
		q.hash = s.Delivered.Hash(was.MessageID, is.ID)
	}
	q.sure, q.boxed, q.hashed = true, true, true
}

// about says which recipient the report is about.
func (q *search) about(s *Returns, address string) {
	if mailbox, ok := maildomain.Mailbox(address); ok {
		q.box, q.boxed = s.Delivered.Box(mailbox), true
	}
}

// acceptances are those that were read for a batch: a mailing to a thousand recipients brings
// many reports.
type acceptances map[spooled.ID]*trace.Event

func (known acceptances) of(t *tx, id spooled.ID) (*trace.Event, error) {
	if e, ok := known[id]; ok {
		return e, nil
	}
	e, err := trace.Acceptance(&t.Tx, id)
	known[id] = e
	return e, err
}

// found are the e-mails with a Message-ID, for all reports of a batch that have it.
type found struct {
	list   []sent.Entry
	more   bool // there are others
	owners map[uint32]delivered.Owner
	of     map[spooled.ID]int // recipients of each message
}

// lookUp finds the e-mails of reports: first in memory, then in the runs. What moves from one
// to the other meanwhile is in both.
func (s *Returns) lookUp(all []*search) error {
	oldest := uint32(max(0, s.db.Wall().Add(-sent.Kept*24*time.Hour).Unix()))
	by := map[sent.Hash]*found{}
	for _, q := range all {
		if !q.hashed || by[q.hash] != nil {
			continue
		}
		f := &found{owners: map[uint32]delivered.Owner{}, of: map[spooled.ID]int{}}
		by[q.hash] = f
		s.Delivered.Recent(q.hash, f.take(oldest, mostSame))
	}
	return s.view(func(t *tx) error { return t.lookUp(all, by, oldest) })
}

// lookUp adds what the runs have, and decides each report.
func (t *tx) lookUp(all []*search, by map[sent.Hash]*found, oldest uint32) error {
	runs, err := t.s.Delivered.Runs(&t.Tx)
	if err != nil {
		return err
	}
	known := acceptances{}
	for h, f := range by {
		runs.Find(h[:], f.take(oldest, mostSame))
		f.tidy(t)
	}
	for _, q := range all {
		f := by[q.hash]
		if f == nil {
			continue
		}
		if f.more && q.boxed {
			f = f.clone()
			key := (&sent.Entry{Message: q.hash, Mailbox: q.box, ID: q.id}).AppendKey(nil)
			runs.Find(key, f.takeBoxed(q, oldest))
			f.tidy(t)
		}
		if err := t.decide(q, f, known); err != nil {
			return err
		}
	}
	return nil
}

// take collects young entries, up to a number.
func (f *found) take(oldest uint32, most int) func(sent.Entry) bool {
	return func(e sent.Entry) bool {
		switch {
		case e.At < oldest:
			return true
		case len(f.list) >= most:
			f.more = true
			return false
		}
		f.list = append(f.list, e)
		return true
	}
}

// takeBoxed collects those to the mailbox of a search, and of a token's the one message.
func (f *found) takeBoxed(q *search, oldest uint32) func(sent.Entry) bool {
	take := f.take(oldest, mostSame+mostBoxed)
	return func(e sent.Entry) bool {
		return e.Mailbox == q.box && (!q.token || e.ID == q.id) && take(e)
	}
}

func (f *found) clone() *found {
	return &found{list: slices.Clone(f.list), more: f.more, owners: f.owners, of: map[spooled.ID]int{}}
}

// tidy leaves each e-mail once, and those of accounts that are gone out.
func (f *found) tidy(t *tx) {
	seen := make(map[sent.Entry]bool, len(f.list))
	clear(f.of)
	f.list = slices.DeleteFunc(f.list, func(e sent.Entry) bool {
		if _, ok := f.owners[e.Owner]; !ok {
			if o, ok := t.s.Delivered.Owner(&t.Tx, e.Owner); ok {
				f.owners[e.Owner] = o
			}
		}
		if _, ok := f.owners[e.Owner]; !ok || seen[e] {
			return true
		}
		seen[e] = true
		f.of[e.ID]++
		return false
	})
}

// decide says which of the e-mails that have its Message-ID a report is about.
func (t *tx) decide(q *search, f *found, known acceptances) error {
	var last *sent.Entry // of those that it may be about
	exact, anybody, only := false, false, !f.more
	for i := range f.list {
		e := &f.list[i]
		mine := q.boxed && e.Mailbox == q.box
		if q.token && e.ID != q.id || q.sure && !mine {
			continue
		}
		switch {
		case last == nil, mine && !exact:
			only = only && (last == nil || last.Mailbox == e.Mailbox)
			last, exact, anybody = e, mine, false
			continue
		}
		only = only && last.Mailbox == e.Mailbox
		if exact && !mine {
			continue
		}
		anybody = anybody || f.owners[e.Owner].Account != f.owners[last.Owner].Account
		if e.At > last.At || e.At == last.At && spooled.ID(e.ID).Compare(last.ID) > 0 {
			last = e
		}
	}
	switch {
	case last == nil:
		return nil
	case anybody:
		q.hit = &hit{}
		return nil
	}
	was, err := known.of(t, last.ID)
	if err != nil {
		return err
	}
	h := &hit{owner: f.owners[last.Owner], way: t.s.Delivered.Way(&t.Tx, last.Way), entry: *last, exact: exact, of: f.of[last.ID], same: f.list, was: was}
	h.settle(t.s, q, only && (was == nil || len(was.Recipients) == 1))
	q.hit = h
	h.marked, err = t.returnedBefore(q.Kind, h)
	return err
}

// settle decides who the recipient was. A bounce of a message that went to one recipient only
// is about that one, also if it names another: the mail was forwarded. A complaint without a
// recipient is about nobody.
func (h *hit) settle(s *Returns, q *search, only bool) {
	masked := !q.boxed && q.Kind == Complaint
	if !h.exact && q.boxed {
		h.named = q.Recipient
	}
	switch {
	case h.exact, only && !masked:
		h.exact, h.mark = true, h.entry.Mailbox
		h.box = h.addressOf(s, q)
	case masked:
		h.mark = s.Delivered.Reporter(q.Reporter)
	default:
		h.mark = q.box
	}
}

// addressOf the recipient, as the trace or the report has it.
func (h *hit) addressOf(s *Returns, q *search) string {
	if h.was != nil {
		return s.recipientOf(h.was, h.entry.Mailbox, q.Recipient)
	}
	if s.isAt(q.Recipient, h.entry.Mailbox) {
		return q.Recipient
	}
	return ""
}

// recipientOf a message is the address that has a mailbox; "": there is none. As a rule it is
// that of the report.
func (s *Returns) recipientOf(was *trace.Event, box sent.Box, reported string) string {
	for i := range was.Recipients {
		if a := was.Recipients[i].Address; strings.EqualFold(a, reported) && s.isAt(a, box) {
			return a
		}
	}
	for i := range was.Recipients {
		if a := was.Recipients[i].Address; s.isAt(a, box) {
			return a
		}
	}
	return ""
}

// isAt reports whether an address is that of a mailbox.
func (s *Returns) isAt(address string, box sent.Box) bool {
	mailbox, ok := maildomain.Mailbox(address)
	return ok && s.Delivered.Box(mailbox) == box
}

// messageID of the message that the report is about. A report with a token may name any other
// one: where the trace has the message no more, its hash tells.
func (q *search) messageID(s *Returns) string {
	if q.hit.was != nil {
		return q.hit.was.MessageID
	}
	if h, ok := s.Delivered.HashOf(q.MessageID); ok && h == q.hash {
		return q.MessageID
	}
	return ""
}
