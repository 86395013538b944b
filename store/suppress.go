package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relay/store/bolt"
	"relay/store/maildomain"
)

// Mail of an account to a suppressed recipient is accepted and charged, but not tried:
//
//  1. Settle suppresses a recipient in the transaction of the outcome that says why, and
//     takes note of refusals that suppress only when they come again;
//  2. Claim looks each recipient up, gives the suppressed ones up, and stores what the
//     sender is to be told, in its own transaction.
//
// So a crash leaves an outcome with its suppression, or neither. Mail that was claimed
// before its recipient was suppressed is still tried. Relay's own mail (DSNs, reports) is
// never suppressed, and what becomes of it suppresses nobody.
//
// A message whose refusal suppresses its recipient is not tried again either, also where
// the refusal was temporary. A suppression ends at the look-up, by its time. PruneSuppressions only removes what has
// ended.

// Suppression keeps an account's mail to one recipient from being tried. Bucket
// "suppressions", key account NUL mailbox (see Mailbox), JSON.
type Suppression struct {
	Recipient string    `json:"recipient"`        // as it was written
	Reason    string    `json:"reason"`           // a category of replies, or ByHand
	Reply     string    `json:"reply,omitempty"`  // what the next hop said, or a note
	Status    string    `json:"status,omitempty"` // enhanced code that the sender is told; "": 5.7.1
	Since     time.Time `json:"since"`
	Expires   time.Time `json:"expires,omitzero"` // zero: never
}

// ByHand is the reason of a suppression that somebody added.
const ByHand = "Manual"

// inForce reports whether mail is still kept back at that time.
func (s *Suppression) inForce(now time.Time) bool { return s.Expires.IsZero() || now.Before(s.Expires) }

// Suppressing says when a kind of reply suppresses its recipient, and for how long.
type Suppressing struct {
	Reason   string
	Status   string        // see Suppression
	Messages int           // that must have met it; 1: at once, when the recipient is given up
	Over     time.Duration // that must lie between the first and the last of them
	Keep     time.Duration // how long the suppression lasts; 0: for ever
}

// Mailbox is an address as it is compared: the domain in lower case A-labels, the local
// part in lower case. Case in local parts means nothing to any large receiver, and people
// write the same address in different ways into their lists.
func Mailbox(address string) (key string, ok bool) {
	i := strings.LastIndexByte(address, '@')
	if i < 1 {
		return "", false
	}
	_, domain, ok := maildomain.Parse(address[i+1:])
	return strings.ToLower(address[:i]) + "@" + domain, ok
}

// compared is the recipient's Mailbox.
func (r *Recipient) compared() string { return strings.ToLower(r.local()) + "@" + r.Domain }

// own reports whether the message is relay's own.
func (m *Message) own() bool { return m.Period == "" }

// strikes are refusals that do not suppress a recipient yet. Bucket "strikes", key like
// that of a suppression, JSON. A delivery wipes them out.
type strikes struct {
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Messages []ID      `json:"messages"` // that were refused, each once; no more than are needed
}

// strikesKept is how long strikes count after the last of them.
const strikesKept = 60 * 24 * time.Hour

// follow draws the consequences of an outcome for the recipient's address.
func (t *tx) follow(m *Message, r *Recipient, o *Outcome) error {
	key := pairKey(m.Account, r.compared())
	switch by := o.Suppress; {
	case m.own():
		return nil
	case o.State == Delivered:
		if t.b.Get(strikesOf, key) == nil {
			return nil
		}
		return t.b.Delete(strikesOf, key)
	case by == nil, by.Messages <= 1 && !o.State.Final():
		return nil
	case by.Messages <= 1:
		return t.suppress(key, r, o)
	default:
		return t.strike(key, m, r, o)
	}
}

// strike counts a message that was refused. Each counts once, however often it is tried.
func (t *tx) strike(key []byte, m *Message, r *Recipient, o *Outcome) error {
	var is strikes
	if _, err := t.get(strikesOf, key, &is); err != nil {
		return err
	}
	if is.First.IsZero() || t.wall.Sub(is.Last) > strikesKept {
		is = strikes{First: t.wall}
	}
	is.Last = t.wall
	if len(is.Messages) < o.Suppress.Messages && !slices.Contains(is.Messages, m.ID) {
		is.Messages = append(is.Messages, m.ID)
	}
	if len(is.Messages) < o.Suppress.Messages || is.Last.Sub(is.First) < o.Suppress.Over {
		return t.put(strikesOf, key, &is)
	}
	return errors.Join(t.b.Delete(strikesOf, key), t.suppress(key, r, o))
}

// suppress stores a suppression, unless one that lasts longer is in force.
func (t *tx) suppress(key []byte, r *Recipient, o *Outcome) error {
	s := Suppression{Recipient: r.Address, Reason: o.Suppress.Reason, Reply: o.Reply, Status: o.Suppress.Status, Since: t.wall}
	if o.Suppress.Keep > 0 {
		s.Expires = t.wall.Add(o.Suppress.Keep)
	}
	var before Suppression
	there, err := t.get(suppressed, key, &before)
	if err != nil || there && before.inForce(t.wall) && (before.Expires.IsZero() || before.Expires.After(s.Expires) && !s.Expires.IsZero()) {
		return err
	}
	return t.put(suppressed, key, &s)
}

// suppression of a recipient that is in force; nil: none is.
func (t *tx) suppression(account, mailbox string) (*Suppression, error) {
	s := &Suppression{}
	there, err := t.get(suppressed, pairKey(account, mailbox), s)
	if err != nil || !there || !s.inForce(t.wall) {
		return nil, err
	}
	return s, nil
}

func (t *tx) isSuppressed(account string, r *Recipient) (bool, error) {
	is, err := t.suppression(account, r.compared())
	return is != nil, err
}

// suppressed are those of the listed recipients that are suppressed, by index.
func (t *tx) suppressed(m *Message, list []int) (found map[int]*Suppression, err error) {
	for _, i := range list {
		s, err := t.suppression(m.Account, m.Recipients[i].compared())
		if err != nil {
			return nil, err
		}
		if s != nil && found == nil {
			found = map[int]*Suppression{}
		}
		if s != nil {
			found[i] = s
		}
	}
	return found, nil
}

// suppressClaimed gives those up that are suppressed of what is about to be claimed. A
// claim that is open is only renewed: somebody is delivering to all of them.
func (t *tx) suppressClaimed(c *Claimed) error {
	m := c.Message
	if m.own() {
		return nil
	}
	if raw := t.b.Get(claims, claimKey(m.ID, c.Domain)); raw != nil && claimState(raw[0]) != claimReleased {
		return nil
	}
	of, err := t.suppressed(m, c.Rcpts)
	if err != nil || len(of) == 0 {
		return err
	}
	var left []int
	for _, i := range c.Rcpts {
		if of[i] == nil {
			left = append(left, i)
		} else {
			c.Suppressed = append(c.Suppressed, i)
		}
	}
	c.Rcpts = left
	before := len(t.then.sent)
	if err := errors.Join(t.dropKey(m, c.Domain), t.giveUp(m, c.Suppressed, of)); err != nil {
		return err
	}
	if _, waits := m.due(c.Domain); !waits {
		err = t.closeClaim(m.ID, c.Domain)
	}
	err = errors.Join(err, t.store(m, c.Domain))
	c.DSNs = t.then.sent[before:]
	return err
}

// giveUp gives the listed recipients up. The caller has dropped the domain's key, and stores
// the message afterwards.
func (t *tx) giveUp(m *Message, list []int, of map[int]*Suppression) error {
	if err := t.traceAccepted(m); err != nil {
		return err
	}
	e := &Event{ID: m.ID, Time: t.wall, Kind: EventSuppressed, Account: m.Account}
	for _, i := range list {
		s, r := of[i], &m.Recipients[i]
		is := fate{from: r.State, to: Suppressed, category: s.Reason}
		t.count(m, is)
		if err := t.listed(m, r, is, s.Reply); err != nil {
			return err
		}
		r.State, r.Reply, r.Verdict, r.DSN = Suppressed, s.Reply, Verdict{Category: s.Reason, Blame: "recipient"}, nil
		if m.Sender != "" && r.WantsFailure() {
			r.DSN = &DSN{Action: "failed", Status: s.Status, Reply: s.Reply, Suppressed: s.Since}
		}
		e.Recipients = append(e.Recipients, EventOutcome{Address: r.Address, State: Suppressed, Reply: s.Reply, Verdict: r.Verdict, Since: s.Since})
	}
	return t.happened(e, m)
}

// Suppressed is the suppression of an account's mail to an address that is in force.
func (s *Store) Suppressed(account, address string) (is Suppression, ok bool, err error) {
	mailbox, ok := Mailbox(address)
	if !ok {
		return is, false, nil
	}
	err = s.view(func(t *tx) error {
		found, err := t.suppression(account, mailbox)
		if ok = found != nil; ok {
			is = *found
		}
		return err
	})
	return is, ok, err
}

// EachSuppression calls fn for the suppressions of an account that are in force, by
// address, behind a mailbox, outside of any transaction. fn gets the mailbox too.
func (s *Store) EachSuppression(account, after string, fn func(mailbox string, is *Suppression) error) error {
	prefix := pairKey(account, "")
	from := prefix
	if after != "" {
		from = append(pairKey(account, after), 0)
	}
	now := s.Now()
	return walk(s, suppressed, prefix, from, func(key []byte, is *Suppression) error {
		if !is.inForce(now) {
			return nil
		}
		return fn(string(key[len(prefix):]), is)
	})
}

// AddSuppressions suppresses recipients of an account, in one transaction. Those that are
// suppressed already stay as they are. An address that is none is an error; nothing is
// stored then. Since is filled in.
func (s *Store) AddSuppressions(o Order, account string, list []Suppression) (added int, err error) {
	err = s.update(len(list)*256, func(t *tx) error {
		added = 0
		if err := t.reaches(o, account); err != nil {
			return err
		}
		for _, is := range list {
			mailbox, ok := Mailbox(is.Recipient)
			if !ok {
				return fmt.Errorf("%q is not an address", is.Recipient)
			}
			before, err := t.suppression(account, mailbox)
			if err != nil {
				return err
			}
			if before != nil {
				continue
			}
			if is.Since.IsZero() || is.Since.After(t.wall) {
				is.Since = t.wall
			}
			if err := t.put(suppressed, pairKey(account, mailbox), &is); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	return added, err
}

// LiftSuppressions ends suppressions of an account, in one transaction, and returns how
// many there were. What else the recipients were refused for is forgotten too.
func (s *Store) LiftSuppressions(o Order, account string, mailboxes []string) (lifted int, err error) {
	err = s.update(len(mailboxes)*128, func(t *tx) error {
		lifted = 0
		if err := t.reaches(o, account); err != nil {
			return err
		}
		for _, mailbox := range mailboxes {
			is, err := t.suppression(account, mailbox)
			if err != nil {
				return err
			}
			if is != nil {
				lifted++
			}
			key := pairKey(account, mailbox)
			if err := errors.Join(t.b.Delete(suppressed, key), t.b.Delete(strikesOf, key), t.clear(account, mailbox)); err != nil {
				return err
			}
		}
		return nil
	})
	return lifted, err
}

// reaches fails for an account that does not exist, or that the order may not change.
func (t *tx) reaches(o Order, account string) error {
	a, err := load[Account](t, accounts, account)
	if err != nil {
		return err
	}
	return o.reaches(&a)
}

func (t *tx) deleteSuppressions(account string) error {
	for _, b := range []bolt.Bucket{suppressed, strikesOf, tallies, daysOf} {
		if err := t.deleteOf(b, account); err != nil {
			return err
		}
	}
	return nil
}
