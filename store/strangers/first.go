package strangers

import (
	"errors"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// Plan gives a day to each recipient of a new message that the account never wrote to. It may run more
// than once for a message, in transactions that were undone.
func (s *Strangers) Plan(t *room.Tx, m *spooled.Message, a Customer) error {
	for i := range m.Recipients {
		m.Recipients[i].First, m.Recipients[i].Next = "", time.Time{}
	}
	how := s.rules.Load()
	direct := func(r spooled.Recipient) bool { return how.Direct(r.Domain) }
	if how.bounds(a, t.Now).free || !slices.ContainsFunc(m.Recipients, direct) {
		return nil
	}
	rec, b, err := s.recordOf(t, m.Account, a)
	if err != nil {
		return err
	}
	t.Touch() // a record begins with the first message
	last := 0
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if !b.hold(rec) || !direct(*r) {
			continue
		}
		counts, err := s.counts(t, m.Account, r)
		if err != nil {
			return err
		}
		if !counts {
			continue
		}
		if day := rec.Reserve(b.most); day > rec.Today.Number {
			r.First, r.Next = spooled.FirstWaits, room.DayStart(day, s.o.Zone)
			last = max(last, day)
		}
	}
	return s.tellWait(t, m.Account, rec, last)
}

// counts reports whether a recipient of a new message takes one of the day's first sendings: not where
// the account knows it, nor where it is suppressed, which is noted with it.
func (s *Strangers) counts(t *room.Tx, account string, r *spooled.Recipient) (bool, error) {
	known, err := s.o.Known.Knows(t, account, r)
	if err != nil || known {
		return false, err
	}
	is, err := s.o.Refusals.Suppression(t, account, r.Mailbox())
	if is != nil {
		r.First = spooled.FirstSpared
	}
	return is == nil, err
}

// Outlook is what the cap means for a message to a recipient that comes in now.
type Outlook struct {
	Known     bool      // the account wrote to it within a year
	Cap, Used int       // of today
	Waiting   int64     // the account's recipients that wait
	Day       time.Time // beginning of the day on which the message would go out
}

// Outlook of an account's mail to a recipient by MX. capped is false where there is no cap.
func (s *Strangers) Outlook(account string, r *spooled.Recipient) (f Outlook, capped bool, err error) {
	err = s.db.View(func(t room.Tx) error {
		rec, b, err := s.record(&t, account)
		if err != nil {
			return err
		}
		capped = b.hold(rec)
		f = Outlook{Cap: rec.First.Cap, Used: rec.First.Used, Waiting: rec.Waiting}
		f.Known, err = s.o.Known.Knows(&t, account, r)
		day := rec.Today.Number
		if capped && !f.Known {
			plan := rec.Record // a copy
			day = plan.Reserve(b.most)
		}
		f.Day = room.DayStart(day, s.o.Zone)
		return err
	})
	return f, capped, err
}

// Change applies fn to some of a message's recipients at a domain, by their indices, and stores the
// message with its place in the queue.
type Change func(list []int, fn func(*spooled.Recipient)) error

// MayGo are those of a domain's recipients in list, which are due, that may be tried now. The others wait
// for the cap, and get another day.
func (s *Strangers) MayGo(t *room.Tx, m *spooled.Message, list []int, domain string, change Change) ([]int, error) {
	if err := endSpared(m, list, change); err != nil {
		return nil, err
	}
	var waiting, going []int
	for _, i := range list {
		if m.Recipients[i].Waits() {
			waiting = append(waiting, i)
		} else {
			going = append(going, i)
		}
	}
	if len(waiting) == 0 {
		return list, nil
	}
	err := s.PlanAgain(t, m, domain, waiting, change)
	for _, i := range waiting {
		if !m.Recipients[i].Waits() {
			going = append(going, i)
		}
	}
	slices.Sort(going)
	return going, err
}

// endSpared has recipients wait whose suppression was lifted since the message came in. Otherwise an
// account could get round the cap: suppress strangers, write to them, and lift the suppressions.
func endSpared(m *spooled.Message, list []int, change Change) error {
	var spared []int
	for _, i := range list {
		if m.Recipients[i].First == spooled.FirstSpared {
			spared = append(spared, i)
		}
	}
	if len(spared) == 0 {
		return nil
	}
	return change(spared, func(r *spooled.Recipient) { r.First = spooled.FirstWaits })
}

// PlanAgain decides again about waiting recipients at a domain: each may go now, or gets another day.
func (s *Strangers) PlanAgain(t *room.Tx, m *spooled.Message, domain string, waiting []int, change Change) error {
	how := s.rules.Load()
	rec, b, err := s.record(t, m.Account)
	if err != nil {
		return err
	}
	t.Touch()
	direct := b.hold(rec) && how.Direct(domain)
	var unread error
	err = change(waiting, func(r *spooled.Recipient) {
		due := !r.Next.Truncate(time.Millisecond).After(t.Wall)
		known := !direct
		if direct {
			known, err = s.o.Known.Knows(t, m.Account, r)
			unread = errors.Join(unread, err)
		}
		day := rec.Today.Number
		if !known && (!due || !rec.Grant()) {
			day = rec.Reserve(b.most)
		}
		switch {
		case day > rec.Today.Number:
			r.Next = room.DayStart(day, s.o.Zone)
			return
		case !due:
			r.Next = t.Wall
		}
		r.First = spooled.FirstGranted
	})
	return errors.Join(unread, err)
}

// List puts a message's recipients that wait at the domain on the list, with sign 1, or takes them off it,
// with sign -1.
func (s *Strangers) List(t *room.Tx, m *spooled.Message, domain string, sign int64) error {
	n := m.WaitingAt(domain)
	if n == 0 {
		return nil
	}
	rec, _, err := s.record(t, m.Account)
	if err != nil {
		return err
	}
	rec.Waiting += sign * n
	if sign < 0 {
		return t.Delete(bucket.Waiting, spooled.ListKey(m.Account, m.ID, domain))
	}
	return t.Put(bucket.Waiting, spooled.ListKey(m.Account, m.ID, domain), []byte{})
}

// FirstTime counts the recipients of a message that its account never wrote to. capped is false where the
// account has no cap: then its recipients are not known.
func (s *Strangers) FirstTime(t *room.Tx, m *spooled.Message) (n int64, capped bool, err error) {
	how := s.rules.Load()
	rec, b, err := s.record(t, m.Account)
	if err != nil || !b.hold(rec) {
		return 0, false, err
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if !how.Direct(r.Domain) {
			continue
		}
		known, e := s.o.Known.Knows(t, m.Account, r)
		if err = errors.Join(err, e); !known {
			n++
		}
	}
	return n, true, err
}
