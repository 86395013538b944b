package mailer

import (
	"relay/mailer/pace"
	"relay/store"
)

// lane is a lane of the store that has, or may have, mail that is due. It lives
// from the moment the store names it until a claim finds it empty.
type lane struct {
	store.Lane
	domain *domain
	turn   *turn // nil while the domain's next hops are looked up
	asked  int   // messages asked of the store and not answered yet; 0: stands in its turn
	again  bool  // the store named it again while it was asked for

	profile pace.Profile // of the account
}

// turn is an account's place at a site: the accounts take turns there, and
// within an account its lanes do.
type turn struct {
	site    *site
	account string
	lanes   fifo[*lane] // not asked for
	size    int         // lanes in all
	queued  bool        // stands in site.turns
	asked   int         // messages asked of the store for it and not answered yet
	profile pace.Profile
}

// ask picks up to n messages' worth of lanes, no more than each from one.
func (t *turn) ask(n, each int) []*lane {
	k := min(n, t.lanes.len())
	picked := make([]*lane, 0, k)
	for i := range k {
		l := t.lanes.pop()
		l.asked = min(share(n, k, i), each)
		l.again = false
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
