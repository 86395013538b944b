package store

import (
	"errors"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/record"
	"relay/store/spooled"
)

// First sendings are recipients that an account never wrote to. What is over its cap of the
// day waits (M8):
//
//  1. Accept plans each of them (record.First). If its day is a later one, its next try is
//     that day's beginning, so it lies in the queue behind what is due, and is not looked at
//     before;
//  2. Claim asks the record again: if the days were not clean, some of what is due cannot go
//     and is planned anew;
//  3. Settle notes the recipients that were reached as known.
//
// Waiting recipients are listed in bucket "waiting", by account, so that a greater cap lets
// them go without a search. Each step is in the transaction that it belongs to: after a crash a
// recipient has its place or its grant, once. Relay's own mail does not wait.

// planFirst gives the recipients of a new message that the account never wrote to their day.
func (t *SpoolTx) planFirst(m *spooled.Message, a Customer) error {
	for i := range m.Recipients { // this may run more than once
		m.Recipients[i].First, m.Recipients[i].Next = "", time.Time{}
	}
	how := t.s.strangers.Load()
	direct := func(r spooled.Recipient) bool { return how.Direct(r.Domain) }
	if how.bounds(a, t.Now).free || !slices.ContainsFunc(m.Recipients, direct) {
		return nil
	}
	rec, b, err := t.recordOf(m.Account, a)
	if err != nil {
		return err
	}
	t.Touch() // a record begins with the first message
	last := 0
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if rec.First.Cap >= record.Uncapped || !direct(*r) {
			continue
		}
		known, err := t.s.Known.Knows(&t.Tx, m.Account, r)
		if err == nil && !known {
			if known, err = t.isSuppressed(m.Account, r); known {
				r.First = spooled.FirstSpared
			}
		}
		if err != nil {
			return err
		}
		if known {
			continue
		}
		if day := rec.Reserve(b.most); day > rec.Today.Number {
			r.First, r.Next = spooled.FirstWaits, DayStart(day, t.s.o.Zone)
			last = max(last, day)
		}
	}
	return t.tellWait(m.Account, rec, last)
}

// FirstOutlook is what the cap means for a message to a recipient that comes in now.
type FirstOutlook struct {
	Known     bool // the account wrote to it within a year
	Cap, Used int
	Waiting   int64
	Day       time.Time // on which it would go out: the beginning of that day
}

// FirstOutlook of an account's mail to a recipient by MX; false: there is no cap.
func (s *Spool) FirstOutlook(account string, r *spooled.Recipient) (f FirstOutlook, capped bool, err error) {
	err = s.view(func(t *SpoolTx) error {
		rec, b, err := t.record(account)
		if err != nil {
			return err
		}
		capped = !b.free && rec.First.Cap < record.Uncapped
		f = FirstOutlook{Cap: rec.First.Cap, Used: rec.First.Used, Waiting: rec.Waiting}
		f.Known, err = t.s.Known.Knows(&t.Tx, account, r)
		day := rec.Today.Number
		if capped && !f.Known {
			plan := rec.Record // a copy
			day = plan.Reserve(b.most)
		}
		f.Day = DayStart(day, s.o.Zone)
		return err
	})
	return f, capped, err
}

// mayGo are those of a domain's recipients that are due that may be tried now. The others
// wait for the cap, and are planned anew.
func (t *SpoolTx) mayGo(m *spooled.Message, domain string, list []int) ([]int, error) {
	if err := t.endSpared(m, domain, list); err != nil {
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
	err := t.plan(m, domain, waiting)
	for _, i := range waiting {
		if !m.Recipients[i].Waits() {
			going = append(going, i)
		}
	}
	slices.Sort(going)
	return going, err
}

// endSpared lets recipients wait whose suppression was lifted since the message came in: else
// an account could suppress strangers, write to them, and lift that.
func (t *SpoolTx) endSpared(m *spooled.Message, domain string, list []int) error {
	var spared []int
	for _, i := range list {
		if m.Recipients[i].First == spooled.FirstSpared {
			spared = append(spared, i)
		}
	}
	if len(spared) == 0 {
		return nil
	}
	return t.change(m, domain, spared, func(r *spooled.Recipient) { r.First = spooled.FirstWaits })
}

// plan decides again about recipients at a domain that wait: they may go now, or get
// another day.
func (t *SpoolTx) plan(m *spooled.Message, domain string, waiting []int) error {
	how := t.s.strangers.Load()
	rec, b, err := t.record(m.Account)
	if err != nil {
		return err
	}
	t.Touch()
	direct := !b.free && rec.First.Cap < record.Uncapped && how.Direct(domain)
	var unread error
	err = t.change(m, domain, waiting, func(r *spooled.Recipient) {
		due := !r.Next.Truncate(time.Millisecond).After(t.Wall)
		known := !direct
		if direct {
			known, err = t.s.Known.Knows(&t.Tx, m.Account, r)
			unread = errors.Join(unread, err)
		}
		day := rec.Today.Number
		if !known && (!due || !rec.Grant()) {
			day = rec.Reserve(b.most)
		}
		switch {
		case day > rec.Today.Number:
			r.Next = DayStart(day, t.s.o.Zone)
			return
		case !due:
			r.Next = t.Wall
		}
		r.First = spooled.FirstGranted
	})
	return errors.Join(unread, err)
}

// list notes, with sign 1, that recipients of m wait at the domain, or takes the note away,
// with sign -1.
func (t *SpoolTx) list(m *spooled.Message, domain string, sign int64) error {
	n := int64(0)
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.Domain == domain && r.Waits() {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	rec, _, err := t.record(m.Account)
	if err != nil {
		return err
	}
	rec.Waiting += sign * n
	if sign < 0 {
		return t.Delete(bucket.Waiting, spooled.WaitingKey(m.Account, m.ID, domain))
	}
	return t.Put(bucket.Waiting, spooled.WaitingKey(m.Account, m.ID, domain), []byte{})
}

// firstTime counts the recipients of a message that its account never wrote to; capped is
// false if that is not known of this account.
func (t *SpoolTx) firstTime(m *spooled.Message) (n int64, capped bool, err error) {
	how := t.s.strangers.Load()
	rec, b, err := t.record(m.Account)
	if err != nil || b.free || rec.First.Cap >= record.Uncapped {
		return 0, false, err
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if !how.Direct(r.Domain) {
			continue
		}
		known, e := t.s.Known.Knows(&t.Tx, m.Account, r)
		if err = errors.Join(err, e); !known {
			n++
		}
	}
	return n, true, err
}
