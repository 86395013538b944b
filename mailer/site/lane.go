package site

import (
	"relay/mailer/pace"
	"relay/mailer/turns"
	"relay/store/spooled"
)

// Lane is a lane of the store that has, or may have, mail that is due. It lives
// from the moment the store names it until a claim finds it empty.
type Lane struct {
	spooled.Lane
	NextHop *Domain // that its mail goes to
	Turn    *Turn   // nil while the domain's next hops are looked up
	Asked   int     // messages asked of the store and not answered yet; 0: stands in its turn
	Again   bool    // the store named it again while it was asked for

	Profile pace.Profile // of the account
}

// Turn is an account's place at a site: the accounts take turns there, and
// within an account its lanes do.
type Turn struct {
	Site    *Site
	Account string
	lanes   turns.FIFO[*Lane] // not asked for
	Size    int               // lanes in all
	queued  bool              // stands in Site.Turns
	Asked   int               // messages asked of the store for it and not answered yet
	Profile pace.Profile
}

// ask picks up to n messages' worth of lanes, no more than each from one.
func (t *Turn) ask(n, each int) []*Lane {
	k := min(n, t.lanes.Len())
	picked := make([]*Lane, 0, k)
	for i := range k {
		l := t.lanes.Pop()
		l.Asked = min(share(n, k, i), each)
		l.Again = false
		picked = append(picked, l)
	}
	return picked
}

// share is part i of n when it is dealt to k.
func share(n, k, i int) int {
	if i < n%k {
		return n/k + 1
	}
	return n / k
}
