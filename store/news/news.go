package news

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"relay/store/bucket"
	"relay/store/people"
	"relay/store/room"
	"relay/store/signs"
)

// Item is something that a customer or the operator is to be told. Bucket "news", key account
// NUL kind NUL about, JSON. Bucket "news-due", key class, due (8), that key: urgent kinds are
// handed out before those that come in thousands.
type Item struct {
	Kind    Kind      `json:"kind"`
	Account string    `json:"account,omitempty"` // "": the operator's own matter
	About   string    `json:"about,omitempty"`   // what in particular: an invoice's number, a period, a provider, a domain; "": nothing
	Due     time.Time `json:"due"`               // not told before
	Since   time.Time `json:"since"`             // when it happened

	Reason string        `json:"reason,omitempty"` // where the kind has them
	Why    string        `json:"why,omitempty"`
	Until  time.Time     `json:"until,omitzero"`
	Step   int           `json:"step,omitempty"`   // of usage and overage-step: tenths; of ending: days before the end
	Money  int64         `json:"money,omitempty"`  // of refund: minor units that were paid back
	Access []LoginUse    `json:"access,omitempty"` // of access and access-daily; Step counts those beyond mostUses
	Signs  *people.Signs `json:"signs,omitempty"`  // of login-held, where the login looks stolen

	Figures *signs.Figures `json:"figures,omitempty"` // of warned: the bounces and complaints that came back

	Tries int  `json:"tries,omitempty"` // that failed, see PutOff
	Held  bool `json:"held,omitempty"`  // it came too often, see sudden.go

	LastDay int `json:"-"` // of waits: the last day that the mail names, see Told; not stored
}

// Reasons of news.
const (
	ReasonUsed       = "used"       // of reached and ceiling: nothing is left
	ReasonRefused    = "refused"    // of them: a message did not fit, which smaller ones may
	ReasonAbuse      = "abuse"      // of suspended: the account is marked for it
	ReasonClosed     = "closed"     // of ended: the account is closed for good, before its term was over
	ReasonSuppressed = "suppressed" // of complaint-answer: the recipient gets no more mail of the account
)

// News keeps what is to be told. Its methods may be called from any goroutine.
type News struct {
	db    *room.DB
	added chan struct{}
}

// New keeps news in a store.
func New(db *room.DB) *News { return &News{db: db, added: make(chan struct{}, 1)} }

// Add stores what is to be told. It does nothing if that is waiting already, or was told
// and its kind remembers it.
func (b *News) Add(t *room.Tx, n Item) error {
	if n.Since.IsZero() {
		n.Since = t.Wall
	}
	if n.Due.IsZero() {
		n.Due = n.Since
	}
	if Has(t, &n) {
		return nil
	}
	told, err := WasTold(t, &n)
	if err != nil || told {
		return err
	}
	if err := holdBack(t, &n); err != nil {
		return err
	}
	t.OnCommit(b.signal)
	return put(t, &n)
}

// Has reports whether news of that kind about that matter waits to be told.
func Has(t *room.Tx, n *Item) bool { return t.Get(bucket.NewsOf, n.key()) != nil }

// put stores news in both buckets.
func put(t *room.Tx, n *Item) error {
	return errors.Join(t.Write(bucket.NewsOf, n.key(), n), t.Put(bucket.NewsDue, n.dueKey(), []byte{}))
}

// drop is the opposite of put, for news as it is stored.
func drop(t *room.Tx, n *Item) error {
	return errors.Join(t.Delete(bucket.NewsOf, n.key()), t.Delete(bucket.NewsDue, n.dueKey()))
}

func (n *Item) key() []byte {
	return append(append(room.Pair(n.Account, string(n.Kind)), 0), n.About...)
}

func (n *Item) dueKey() []byte {
	return append(room.AppendTime([]byte{n.Kind.class()}, n.Due), n.key()...)
}

// signal wakes the reader of Added.
func (b *News) signal() {
	select {
	case b.added <- struct{}{}:
	default:
	}
}

// Added receives after news was added. Its capacity is 1.
func (b *News) Added() <-chan struct{} { return b.added }

// Due returns at most n pieces of news that are due, the urgent kinds first. next is when
// the first of the others is due; zero: there are none, or more than n are due.
func (b *News) Due(n int) (list []Item, next time.Time, err error) {
	err = b.db.View(func(t room.Tx) error {
		list, next = nil, time.Time{}
		for class := range classes {
			at, err := dueOf(&t, class, n, &list)
			if err != nil {
				return err
			}
			if !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		return nil
	})
	return list, next, err
}

// dueOf appends the news of a class that is due, until the list has n, and returns when the
// next one is due. News that was stored by a clock ahead of this one is due at once: else it
// would wait until the clock has caught up.
func dueOf(t *room.Tx, class byte, n int, list *[]Item) (next time.Time, err error) {
	prefix := []byte{class}
	c := t.Cursor(bucket.NewsDue)
	for k, _ := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix) && len(*list) < n; k, _ = c.Next() {
		at, key := room.ParseTime(k[1:]), k[9:]
		one := Item{}
		if ok, err := t.Read(bucket.NewsOf, key, &one); err != nil || !ok {
			return next, errors.Join(err, missing(ok, key))
		}
		if at.After(t.Wall) && !one.Since.After(t.Wall.Add(time.Minute)) {
			return at, nil
		}
		*list = append(*list, one)
	}
	return next, nil
}

func missing(ok bool, key []byte) error {
	if ok {
		return nil
	}
	return fmt.Errorf("news %q is due and not there; see relay check --store", key)
}

// Pending reads news again; nil: it is gone, or it is other news by now.
func Pending(t *room.Tx, n *Item) (*Item, error) {
	is := &Item{}
	ok, err := t.Read(bucket.NewsOf, n.key(), is)
	if err != nil || !ok || !is.Since.Equal(n.Since) {
		return nil, err
	}
	return is, nil
}

// PutOff gives news another due time, when its mail could not be written. It does nothing if
// the news is gone.
func (b *News) PutOff(n *Item, until time.Time) error {
	return b.db.Update(1024, func(t room.Tx) error {
		is, err := Pending(&t, n)
		if err != nil || is == nil {
			return err
		}
		if err := drop(&t, is); err != nil {
			return err
		}
		is.Due, is.Tries = until.UTC(), is.Tries+1
		if t.Wall.Before(is.Since) {
			is.Since = t.Wall
		}
		return put(&t, is)
	})
}

// Take takes away news that was told. is is as it is stored, told as it was read. Uses that
// were added between the two stay, as news of their own.
func (b *News) Take(t *room.Tx, is, told *Item) error {
	if err := drop(t, is); err != nil {
		return err
	}
	if rest := is.rest(told); rest != nil {
		return b.Add(t, *rest)
	}
	return nil
}

// Drop takes an account's news of a kind away, untold.
func Drop(t *room.Tx, account string, kind Kind) error {
	return dropAll(t, append(room.Pair(account, string(kind)), 0))
}

// Remove removes an account's news, and the marks of what it was told.
func Remove(t *room.Tx, account string) error {
	return errors.Join(dropAll(t, room.Pair(account, "")), t.DeleteOf(bucket.ToldOf, account))
}

// dropAll takes away the news whose keys begin with prefix.
func dropAll(t *room.Tx, prefix []byte) error {
	list, err := room.All[Item](t, bucket.NewsOf, prefix)
	for i := range list {
		err = errors.Join(err, drop(t, &list[i]))
	}
	return err
}

// Period is the key of the period that news is about, of kinds that are about one.
func (n *Item) Period() string {
	key, _, _ := strings.Cut(n.About, "/")
	return key
}
