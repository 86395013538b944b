package refusals

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/maildomain"
	"relay/store/room"
)

// Suppression keeps an account's mail to one recipient from being tried. Bucket
// "suppressions", key account NUL mailbox (see maildomain.Mailbox), JSON.
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

// Rule says when a kind of reply suppresses its recipient, and for how long.
type Rule struct {
	Reason   string
	Status   string        // see Suppression
	Messages int           // that must have met it; 1: at once, when the recipient is given up
	Over     time.Duration // that must lie between the first and the last of them
	Keep     time.Duration // how long the suppression lasts; 0: for ever
}

// strikes are refusals that do not suppress a recipient yet. Bucket "strikes", key like
// that of a suppression, JSON. A delivery wipes them out, unless one of them came back.
type strikes struct {
	First    time.Time   `json:"first"`
	Last     time.Time   `json:"last"`
	Messages []ulid.ULID `json:"messages"`       // that were refused, each once; no more than are needed
	Back     bool        `json:"back,omitempty"` // one came back after a delivery: another delivery says nothing
}

// strikesKept is how long strikes count after the last of them.
const strikesKept = 60 * 24 * time.Hour

// Strike is a message that was refused, or came back.
type Strike struct {
	Message ulid.ULID
	Back    bool   // it came back after a delivery
	Address string // of the recipient, as it was written
	Reply   string
	Rule    *Rule
}

// Pardon forgets the strikes of a recipient that mail has reached.
func (r *Refusals) Pardon(t *room.Tx, account, mailbox string) error {
	key := room.Pair(account, mailbox)
	var is strikes
	if there, err := t.Read(bucket.StrikesOf, key, &is); err != nil || !there || is.Back {
		return err
	}
	return t.Delete(bucket.StrikesOf, key)
}

// Strike counts a message that was refused, or came back, and reports whether its recipient
// is suppressed for it. Each message counts once, however often it is tried.
func (r *Refusals) Strike(t *room.Tx, account, mailbox string, by *Strike) (suppressed bool, err error) {
	key := room.Pair(account, mailbox)
	if by.Rule.Messages <= 1 {
		return true, suppress(t, key, by)
	}
	var is strikes
	if _, err := t.Read(bucket.StrikesOf, key, &is); err != nil {
		return false, err
	}
	if is.First.IsZero() || t.Wall.Sub(is.Last) > strikesKept {
		is = strikes{First: t.Wall}
	}
	is.Last, is.Back = t.Wall, is.Back || by.Back
	if len(is.Messages) < by.Rule.Messages && !slices.Contains(is.Messages, by.Message) {
		is.Messages = append(is.Messages, by.Message)
	}
	if len(is.Messages) < by.Rule.Messages || is.Last.Sub(is.First) < by.Rule.Over {
		return false, t.Write(bucket.StrikesOf, key, &is)
	}
	return true, errors.Join(t.Delete(bucket.StrikesOf, key), suppress(t, key, by))
}

// suppress stores a suppression, unless one that lasts longer is in force.
func suppress(t *room.Tx, key []byte, by *Strike) error {
	s := Suppression{Recipient: by.Address, Reason: by.Rule.Reason, Reply: by.Reply, Status: by.Rule.Status, Since: t.Wall}
	if by.Rule.Keep > 0 {
		s.Expires = t.Wall.Add(by.Rule.Keep)
	}
	var before Suppression
	there, err := t.Read(bucket.Suppressed, key, &before)
	if err != nil || there && before.inForce(t.Wall) && (before.Expires.IsZero() || before.Expires.After(s.Expires) && !s.Expires.IsZero()) {
		return err
	}
	return t.Write(bucket.Suppressed, key, &s)
}

// Suppression returns the one of a recipient that is in force; nil: there is none.
func (r *Refusals) Suppression(t *room.Tx, account, mailbox string) (*Suppression, error) {
	s := &Suppression{}
	there, err := t.Read(bucket.Suppressed, room.Pair(account, mailbox), s)
	if err != nil || !there || !s.inForce(t.Wall) {
		return nil, err
	}
	return s, nil
}

// Suppressed returns the suppression of an account's mail to an address, if one is in force.
func (r *Refusals) Suppressed(account, address string) (is Suppression, ok bool, err error) {
	mailbox, ok := maildomain.Mailbox(address)
	if !ok {
		return is, false, nil
	}
	err = r.db.View(func(t room.Tx) error {
		found, err := r.Suppression(&t, account, mailbox)
		if ok = found != nil; ok {
			is = *found
		}
		return err
	})
	return is, ok, err
}

// EachSuppression calls fn for the suppressions of an account that are in force, outside of any
// transaction: in the order of their mailboxes, from behind one; "" is the beginning.
func (r *Refusals) EachSuppression(account, after string, fn func(mailbox string, is *Suppression) error) error {
	prefix := room.Pair(account, "")
	from := prefix
	if after != "" {
		from = append(room.Pair(account, after), 0)
	}
	now := r.db.Wall()
	return room.Walk(r.db, bucket.Suppressed, prefix, from, func(key []byte, is *Suppression) error {
		if !is.inForce(now) {
			return nil
		}
		return fn(string(key[len(prefix):]), is)
	})
}

// AddSuppressions suppresses recipients of an account, in one transaction, and returns how many
// were not suppressed yet: the others stay as they are. A text that is no address is an error,
// and nothing is stored. Since is filled in where it is zero or in the future.
func (r *Refusals) AddSuppressions(o behalf.Order, account string, list []Suppression) (added int, err error) {
	err = r.db.Update(len(list)*256, func(t room.Tx) error {
		added = 0
		if err := o.Reaches(&t, account); err != nil {
			return err
		}
		for _, is := range list {
			mailbox, ok := maildomain.Mailbox(is.Recipient)
			if !ok {
				return fmt.Errorf("%q is not an address", is.Recipient)
			}
			before, err := r.Suppression(&t, account, mailbox)
			if err != nil {
				return err
			}
			if before != nil {
				continue
			}
			if is.Since.IsZero() || is.Since.After(t.Wall) {
				is.Since = t.Wall
			}
			if err := t.Write(bucket.Suppressed, room.Pair(account, mailbox), &is); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	return added, err
}

// LiftSuppressions ends suppressions of an account, in one transaction, and returns how many were
// in force. It forgets the strikes of these recipients too, and notes in the list of errors that
// somebody vouches for them.
func (r *Refusals) LiftSuppressions(o behalf.Order, account string, mailboxes []string) (lifted int, err error) {
	err = r.db.Update(len(mailboxes)*128, func(t room.Tx) error {
		lifted = 0
		if err := o.Reaches(&t, account); err != nil {
			return err
		}
		for _, mailbox := range mailboxes {
			is, err := r.Suppression(&t, account, mailbox)
			if err != nil {
				return err
			}
			if is != nil {
				lifted++
			}
			key := room.Pair(account, mailbox)
			if err := errors.Join(t.Delete(bucket.Suppressed, key), t.Delete(bucket.StrikesOf, key), clearError(&t, account, mailbox)); err != nil {
				return err
			}
		}
		return nil
	})
	return lifted, err
}
