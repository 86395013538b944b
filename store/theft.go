package store

import (
	"errors"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/record"
	"relay/store/room"
	"relay/store/spooled"
)

// A login is taken for stolen when all of these come together, and never for one or two:
//
//  1. wrong passwords were tried on it within a day, from places where it was never used;
//  2. then it was used from a network that is new to its account: Enter begins a watch;
//  3. what is sent from such networks within a day goes to many recipients that the account
//     never wrote to, and these are most of it: more than Theft.Recipients, and more than a
//     tenth of the account's busiest day in five weeks. The recipients of an account without a
//     cap of first sendings are not known: there all mail from these networks counts, and
//     the limit is twice the busiest day.
//
// A traveller writes to the usual people, a newsletter goes out from where it always does, and
// a forgotten password is tried where its owner is at home or ends in usual mail. Accept
// decides, in the transaction that would take the message, and only for sessions that Enter
// said are watched: other mail costs a look at one flag. The message that is too much is
// refused, and the login held with what it queued before (hold_login.go).

// Theft says when a login is taken for stolen.
type Theft struct {
	Failed     int   // different wrong passwords before; 0: no login is
	Recipients int64 // first-time ones that are never too many
}

// SetTheft says when a login is taken for stolen from now on. Before it is called, none is.
func (s *Store) SetTheft(how Theft) { s.theft.Store(&how) }

// Suspicion counts what a login sends from new networks, after wrong passwords.
type Suspicion struct {
	Since  time.Time `json:"since"`
	Failed int       `json:"failed"`          // wrong passwords before
	Usual  int64     `json:"usual,omitempty"` // e-mails of the account's busiest day in five weeks
	Sent   int64     `json:"sent,omitempty"`  // e-mails since, from new networks
	First  int64     `json:"first,omitempty"` // of them, to recipients that the account never wrote to
}

// WatchFor is how long wrong passwords speak against a login, and how long it is watched then.
const WatchFor = 24 * time.Hour

const usualDays = 35 * 24 * time.Hour // a monthly newsletter is usual

// watches reports whether what comes from a network is watched.
func (a *Access) watches(n *NetworkUse, now time.Time) bool {
	w := a.Suspicion
	return n != nil && w != nil && n.Strange && !n.First.Before(w.Since) && now.Sub(w.Since) < WatchFor
}

// watch begins to watch a login that was used from a new network after wrong passwords.
func (t *tx) watch(account string, a *Access, u *Use) error {
	how := t.s.theft.Load()
	if how == nil || how.Failed == 0 || u.Failed < how.Failed {
		return nil
	}
	if w := a.Suspicion; w != nil && t.Wall.Sub(w.Since) < WatchFor && !t.Wall.Before(w.Since) {
		w.Failed = max(w.Failed, u.Failed)
		return nil
	}
	usual, err := t.busiest(account)
	a.Suspicion = &Suspicion{Since: earliest(t.Wall, u.Last), Failed: u.Failed, Usual: usual}
	return err
}

// busiest is how many e-mails an account sent on its busiest day in five weeks, today
// included.
func (t *tx) busiest(account string) (most int64, err error) {
	days := map[string]int64{}
	st, err := t.standing(account)
	if err != nil {
		return 0, err
	}
	days[st.Used.Day] = st.Used.Today.Messages
	t.newest(account, func(k, raw []byte) bool {
		var e ledger.Entry
		if err = room.Decode(bucket.Ledger, k, raw, &e); err != nil {
			return false
		}
		if e.Kind == ledger.KindCharge {
			days[e.Day] += e.Messages
		}
		return t.Now.Sub(e.Time) < usualDays
	})
	for _, n := range days {
		most = max(most, n)
	}
	return most, err
}

// suspect counts a message of a session that is watched. If it is too much the login is held,
// and the refusal says so.
func (t *tx) suspect(m *spooled.Message, login string, asked quota.Charge) (*Refusal, error) {
	how := t.s.theft.Load()
	a, err := t.access(login)
	if err != nil || how == nil || how.Failed == 0 || a.Suspicion == nil || t.Wall.Sub(a.Suspicion.Since) >= WatchFor {
		return nil, err
	}
	first, capped, err := t.firstTime(m)
	if err != nil {
		return nil, err
	}
	w := a.Suspicion
	w.Sent, w.First = w.Sent+asked.Messages, w.First+first
	if err := t.Write(bucket.AccessOf, []byte(login), a); err != nil || !w.tooMuch(how, capped) {
		return nil, err
	}
	c, err := t.loadLogin(login)
	if err != nil {
		return nil, err
	}
	h := people.LoginHold{Holder: people.HeldByRelay, Signs: &people.Signs{Network: strangeText(a), Failed: w.Failed, Recipients: w.First, First: capped}}
	if !capped {
		h.Signs.Recipients = w.Sent
	}
	err = t.holdLogin(c, h)
	return &Refusal{Account: m.Account, State: ledger.Active, Login: login, Held: c.Hold}, err
}

// tooMuch reports whether what was sent is no longer what the account's own mail may be.
func (w *Suspicion) tooMuch(how *Theft, capped bool) bool {
	if !capped {
		return w.Sent > max(how.Recipients, 2*w.Usual)
	}
	return w.First > max(how.Recipients, w.Usual/10) && 2*w.First > w.Sent
}

// strangeText names the last new network that is watched.
func strangeText(a *Access) string {
	for i := range a.Networks {
		if n := &a.Networks[i]; n.Strange && !n.First.Before(a.Suspicion.Since) {
			return n.Network.String()
		}
	}
	return ""
}

// firstTime counts the recipients of a message that its account never wrote to; capped is
// false if that is not known of this account.
func (t *tx) firstTime(m *spooled.Message) (n int64, capped bool, err error) {
	a, err := t.account(m.Account)
	if err != nil {
		return 0, false, err
	}
	how := t.s.strangers.Load()
	rec, b, err := t.record(a)
	if err != nil || b.free || rec.First.Cap >= record.Uncapped {
		return 0, false, err
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if !how.Direct(r.Domain) {
			continue
		}
		known, e := t.knows(m.Account, r)
		if err = errors.Join(err, e); !known {
			n++
		}
	}
	return n, true, err
}
