package news

import (
	"net/netip"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// LoginUse is a use of a login that is told: the first from a network that was new to its
// account, or in a daily list the last from an address.
type LoginUse struct {
	Login   string       `json:"login"`
	Network netip.Prefix `json:"network"`
	Address netip.Prefix `json:"address"`
	Program string       `json:"program,omitempty"` // by its own words
	At      time.Time    `json:"at"`
	New     bool         `json:"new,omitempty"` // of a daily list: the network was new to the account
}

const (
	tellAccess = 5 * time.Minute // what comes within it is one mail, and its program is known by then
	mostUses   = 20              // in one mail; more are counted
)

// AddUse adds a use of a login to the news of uses, or counts it if there are too many.
func (n *Item) AddUse(u LoginUse) {
	if len(n.Access) < mostUses {
		n.Access = append(n.Access, u)
	} else {
		n.Step++
	}
}

// AddAccess stores the news that a login of an account was used from a new network, or adds it
// to such news that is not told yet.
func (b *News) AddAccess(t *room.Tx, account string, u LoginUse) error {
	n := Item{Kind: Access, Account: account, Due: t.Wall.Add(tellAccess)}
	waits, err := t.Read(bucket.NewsOf, n.key(), &n)
	if err != nil {
		return err
	}
	if n.AddUse(u); waits {
		return t.Write(bucket.NewsOf, n.key(), &n)
	}
	return b.Add(t, n)
}

// rest is what was added to a piece of news since it was read as told; nil: nothing.
func (n *Item) rest(told *Item) *Item {
	if n.Kind != Access || len(n.Access) <= len(told.Access) && n.Step <= told.Step {
		return nil
	}
	left := *n
	left.Access, left.Step = slices.Clone(n.Access[len(told.Access):]), n.Step-told.Step
	left.Since = told.Since.Add(time.Millisecond) // it is other news
	return &left
}
