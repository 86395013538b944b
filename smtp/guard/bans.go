package guard

import (
	"crypto/sha256"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relay/smtp/wire"
	"relay/store/access"
	"relay/store/mailsyntax"
	"relay/store/people"
)

// Ban keeps an address out, or a network around it, or locks a user name for
// addresses that it never came from, after too many failed logins. Bans last as long
// as the process at most.
type Ban struct {
	Network netip.Prefix // an IPv4 address or /24, an IPv6 /64, /56 or /48; zero: Login is locked
	Login   string       // printable, whether there is such a login or not; "": Network is banned
	Failed  int          // different wrong logins
	Until   time.Time    // UTC
}

// Wide reports whether the ban is for more than one address, as wire.Site counts them.
func (b *Ban) Wide() bool { return b.Network != wire.Site(b.Network.Addr()) }

// around yields the networks around an address that may be banned too, and how many times
// the failed logins of one address that takes: most networks have many users.
func around(addr netip.Prefix) iter.Seq2[netip.Prefix, int] {
	return func(yield func(netip.Prefix, int) bool) {
		wider := func(bits, times int) bool {
			net, _ := addr.Addr().Prefix(bits)
			return yield(net, times)
		}
		if addr.Addr().Is4() {
			wider(24, 4)
		} else if wider(56, 4) {
			wider(48, maxTimes)
		}
	}
}

// maxTimes is the largest multiple that around yields.
const maxTimes = 16

const (
	maxOffenders = 50_000         // addresses with failed logins that are remembered, and user names as well
	maxBan       = 24 * time.Hour // up to which a ban grows; as long after its end it is remembered
	maxMarks     = 1000           // different wrong logins that are told apart
	maxName      = 64             // octets of a user name; no login is longer
)

// nameKey is the user name as it is counted and shown: always in one form, or a change of
// case would make a new name to guess at.
func nameKey(user string) string {
	user = mailsyntax.ASCII(people.FoldLogin(user))
	if len(user) > maxName {
		return user[:maxName] + "..."
	}
	return user
}

// locked returns the end of a user name's lock for that address; zero: it is not locked.
func (g *Guard) locked(name string, from netip.Prefix) time.Time {
	until := g.names.until(name, time.Now())
	if !until.IsZero() && g.places.known(name, from) {
		return time.Time{}
	}
	return until
}

// failed counts a wrong login of a name from an address; mark stands for name and password
// together. bans begin with it, for the address and its networks.
func (g *Guard) failed(l *Limits, name string, from netip.Prefix, mark [sha256.Size]byte) (addr Failure, bans []Ban, login Failure) {
	now := time.Now()
	addr, bans = g.failedFrom(l, from, mark, now)
	if name != "" && !g.places.known(name, from) {
		login = g.names.failed(name, mark, l.PerLogin, l.BanTime, now)
		g.tries.failed(name, mark, wire.NoLimit, access.WatchFor, now)
	}
	return addr, bans, login
}

// failedFrom counts a wrong login for the address and its networks only.
func (g *Guard) failedFrom(l *Limits, from netip.Prefix, mark [sha256.Size]byte, now time.Time) (addr Failure, bans []Ban) {
	limit := l.PerAddress
	count := func(w *watch[netip.Prefix], net netip.Prefix, most int) Failure {
		f := w.failed(net, mark, most, l.BanTime, now)
		if f.Begins {
			bans = append(bans, Ban{Network: net, Failed: f.Failed, Until: f.Until})
		}
		return f
	}
	addr = count(&g.addrs, from, limit)
	if limit < wire.NoLimit {
		for net, times := range around(from) {
			count(&g.nets, net, min(limit, maxMarks)*times)
		}
	}
	return addr, bans
}

// Banned is the ban that keeps an address out; its Network is zero where there is none.
func (g *Guard) Banned(from netip.Prefix) Ban {
	now := time.Now()
	if until := g.addrs.until(from, now); !until.IsZero() {
		return Ban{Network: from, Until: until}
	}
	for net := range around(from) {
		if until := g.nets.until(net, now); !until.IsZero() && !g.Knows(from) {
			return Ban{Network: net, Until: until}
		}
	}
	return Ban{}
}

// Bans lists the bans in force: addresses and networks, then user names.
func (g *Guard) Bans() []Ban {
	now := time.Now()
	var list []Ban
	for _, w := range []*watch[netip.Prefix]{&g.addrs, &g.nets} {
		w.each(now, func(p netip.Prefix, o *offender) {
			list = append(list, Ban{Network: p, Failed: len(o.failed), Until: o.until.UTC()})
		})
	}
	slices.SortFunc(list, func(a, b Ban) int { return a.Network.Compare(b.Network) })
	n := len(list)
	g.names.each(now, func(name string, o *offender) {
		list = append(list, Ban{Login: name, Failed: len(o.failed), Until: o.until.UTC()})
	})
	slices.SortFunc(list[n:], func(a, b Ban) int { return strings.Compare(a.Login, b.Login) })
	return list
}

// LiftBan forgets the failed logins of an address and of the networks around it, and reports
// whether one of them was banned.
func (g *Guard) LiftBan(a netip.Addr) bool {
	now := time.Now()
	from := wire.Site(a.Unmap().WithZone(""))
	lifted := g.addrs.lift(from, now)
	for net := range around(from) {
		lifted = g.nets.lift(net, now) || lifted
	}
	return lifted
}

// LiftLogin forgets the failed logins of a user name and reports whether it was
// locked.
func (g *Guard) LiftLogin(name string) bool { return g.names.lift(nameKey(name), time.Now()) }
