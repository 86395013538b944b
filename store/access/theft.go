package access

import (
	"time"

	"relay/store/people"
	"relay/store/room"
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
// a forgotten password is tried where its owner is at home or ends in usual mail. Suspect
// decides, in the transaction that would take the message, and is called only for sessions that
// Enter said are watched: other mail costs a look at one flag. The message that is too much is
// refused, and the login held with what it queued before.

// Theft says when a login is taken for stolen.
type Theft struct {
	Failed     int   // different wrong passwords before; 0: no login is
	Recipients int64 // first-time ones that are never too many
}

// SetTheft says when a login is taken for stolen from now on.
func (a *Access) SetTheft(how Theft) { a.theft.Store(&how) }

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

// watches reports whether what comes from a network is watched.
func (is *Uses) watches(n *NetworkUse, now time.Time) bool {
	w := is.Suspicion
	return n != nil && w != nil && n.Strange && !n.First.Before(w.Since) && now.Sub(w.Since) < WatchFor
}

// watch begins to watch a login that was used from a new network after wrong passwords.
func (a *Access) watch(t *room.Tx, account string, is *Uses, u *Use) error {
	how := a.theft.Load()
	if how.Failed == 0 || u.Failed < how.Failed {
		return nil
	}
	if w := is.Suspicion; w != nil && t.Wall.Sub(w.Since) < WatchFor && !t.Wall.Before(w.Since) {
		w.Failed = max(w.Failed, u.Failed)
		return nil
	}
	usual, err := a.o.Busiest(t, account)
	since := t.Wall
	if u.Last.Before(since) {
		since = u.Last
	}
	is.Suspicion = &Suspicion{Since: since, Failed: u.Failed, Usual: usual}
	return err
}

// Strangers counts the recipients of a message that its account never wrote to. known is false if
// that is not known of this account.
type Strangers func() (n int64, known bool, err error)

// Suspect counts a message of a session that is watched, with so many recipients. If it is too much
// the login is held, and returned as it is then; nil: the message may go. Strangers are counted
// only while the login is watched.
func (a *Access) Suspect(t *room.Tx, login string, recipients int64, strangers Strangers) (held *people.Credential, err error) {
	how := a.theft.Load()
	is, err := a.UsesIn(t, login)
	if err != nil || how.Failed == 0 || is.Suspicion == nil || t.Wall.Sub(is.Suspicion.Since) >= WatchFor {
		return nil, err
	}
	first, known, err := strangers()
	if err != nil {
		return nil, err
	}
	w := is.Suspicion
	w.Sent, w.First = w.Sent+recipients, w.First+first
	if err := put(t, login, is); err != nil || !w.tooMuch(how, known) {
		return nil, err
	}
	c, err := a.loadLogin(t, login)
	if err != nil {
		return nil, err
	}
	h := people.LoginHold{Holder: people.HeldByRelay, Signs: &people.Signs{Network: is.strangeText(), Failed: w.Failed, Recipients: w.First, First: known}}
	if !known {
		h.Signs.Recipients = w.Sent
	}
	return c, a.hold(t, c, h)
}

// tooMuch reports whether what was sent is no longer what the account's own mail may be. known: of
// its recipients it is known which are first-time ones.
func (w *Suspicion) tooMuch(how *Theft, known bool) bool {
	if !known {
		return w.Sent > max(how.Recipients, 2*w.Usual)
	}
	return w.First > max(how.Recipients, w.Usual/10) && 2*w.First > w.Sent
}

// strangeText names the last new network that is watched.
func (is *Uses) strangeText() string {
	for i := range is.Networks {
		if n := &is.Networks[i]; n.Strange && !n.First.Before(is.Suspicion.Since) {
			return n.Network.String()
		}
	}
	return ""
}
