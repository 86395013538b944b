package origins

import (
	"hash/fnv"
	"slices"
	"time"

	"relay/mailer/settings"
	"relay/mailer/site"
)

// How good a source is for an account's mail to a place, the best first.
const (
	rankCulprit rank = iota // it is listed, and the account is why: it stays
	rankWarming             // its warm-up has room
	rankFree                // it needs none
	rankPaced               // as much as may be goes there already
	rankWaits               // down, suspended, or its warm-up has no room
	rankStandby             // of the pool, in good standing
	rankShunned             // the place refuses mail from it
	rankStandbyWaits
	rankListed    // there is no other
	rankUnreached // it has no address of the kind that the place has
	rankUnusable
)

type rank int

// Choose picks a source of a pool for an account's mail to a place; nil: none may be used now.
func (s *Set) Choose(cfg *settings.Config, p *site.Place, account, pool string, now time.Time) *site.Origin {
	var best *site.Origin
	least, draw := rankUnusable, uint32(0)
	for _, o := range s.list {
		if o.Pool != pool {
			continue
		}
		r := rankOf(cfg, p, o, account, now)
		if r > least || r == rankUnusable {
			continue
		}
		if lot := lotOf(account, o.Name); r < least || lot < draw {
			best, least, draw = o, r, lot
		}
	}
	return best
}

// Named is the source of a name if it may be used for mail to a place; nil: it may not, or there is none.
func (s *Set) Named(name string, p *site.Place, now time.Time) *site.Origin {
	i := slices.IndexFunc(s.list, func(o *site.Origin) bool {
		return o.Name == name && o.Usable(now) && (o.Via != nil || p.ReachedFrom(o))
	})
	if i < 0 {
		return nil
	}
	return s.list[i]
}

// Pool is the pool of that name if it has a source, else "", the pool that all have: the
// configuration may have changed since an account was given its pool.
func (s *Set) Pool(name string) string {
	if slices.ContainsFunc(s.list, func(o *site.Origin) bool { return o.Pool == name }) {
		return name
	}
	return ""
}

// lotOf spreads accounts over sources that are equally good. An account stays with one.
func lotOf(account, name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(account))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(name))
	return h.Sum32()
}

func rankOf(cfg *settings.Config, p *site.Place, o *site.Origin, account string, now time.Time) rank {
	t := p.At(o)
	if o.Via != nil {
		if t = nil; o.Server != nil && o.Server.Place != nil {
			t = o.Server.Place.At(o)
		}
	}
	switch {
	case !o.Usable(now):
		return rankUnusable
	case o.Via == nil && !p.ReachedFrom(o):
		return rankUnreached
	case o.Listed && account != "" && o.Culprit == account:
		return rankCulprit
	case o.Listed:
		return rankListed
	case t != nil && now.Before(t.Shunned):
		return rankShunned
	case o.Standby && t != nil && t.Blocked(now):
		return rankStandbyWaits
	case o.Standby:
		return rankStandby
	case t != nil && t.Blocked(now), t == nil && coldAt(cfg, p, o, now):
		return rankWaits
	case t != nil && t.Free(now) == 0:
		return rankPaced
	case o.Warm != nil:
		return rankWarming
	}
	return rankFree
}

// coldAt reports whether a source that had no mail for a place yet has sent today what it
// may to its provider.
func coldAt(cfg *settings.Config, p *site.Place, o *site.Origin, now time.Time) bool {
	if o.Warm == nil || p.Path == nil || p.Path.Fixed {
		return false
	}
	w := o.Warm[cfg.RowOf(p.Path).Name]
	return w != nil && w.Now(now).Free() == 0
}
