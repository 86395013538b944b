package smtp

import (
	"crypto/sha256"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relay/store"
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

// Wide reports whether it is of a network with more than one address as site counts
// them.
func (b *Ban) Wide() bool { return b.Network != site(b.Network.Addr()) }

// around yields the networks around an address that are banned too, and with how many
// times the failed logins of an address: most networks have many users.
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

// guard counts failed logins by address and by user name.
//
// Too many of an address ban it, against guesses at many names from one place. More
// of them ban the network around it, except for addresses from which a login
// succeeded. Too many of a name lock it, against guesses at one name from many places.
// A locked name is refused whatever the password, or the lock would tell a right one;
// but not to addresses that it logged in from before, or anybody could lock a
// customer out. Names that nobody has are locked like others, so that a lock does
// not tell which exist.
type guard struct {
	addrs  watch[netip.Prefix]
	nets   watch[netip.Prefix] // around them
	names  watch[string]
	places *places
}

func newGuard() *guard {
	return &guard{
		addrs:  watch[netip.Prefix]{of: make(map[netip.Prefix]*offender)},
		nets:   watch[netip.Prefix]{of: make(map[netip.Prefix]*offender), marks: maxMarks * maxTimes},
		names:  watch[string]{of: make(map[string]*offender)},
		places: newPlaces(),
	}
}

// nameKey is the user name as it is counted and shown: in one form, or another case
// would be another name to guess at.
func nameKey(user string) string {
	user = printable(store.FoldLogin(user))
	if len(user) > maxName {
		return user[:maxName] + "..."
	}
	return user
}

// locked is until when a user name is refused to that address; zero: it is not.
func (g *guard) locked(name string, from netip.Prefix) time.Time {
	until := g.names.until(name, time.Now())
	if !until.IsZero() && g.places.known(name, from) {
		return time.Time{}
	}
	return until
}

// failure is what a wrong login led to.
type failure struct {
	failed int       // different ones so far
	until  time.Time // of the ban that is in force; zero: none
	begins bool      // it began with this one
	again  bool      // the same one, which counts once
}

// failed counts a wrong login of a name from an address; mark stands for both
// name and password. bans are those of the address and its networks that begin with it.
func (g *guard) failed(cfg *Config, name string, from netip.Prefix, mark [sha256.Size]byte) (addr failure, bans []Ban, login failure) {
	now := time.Now()
	addr, bans = g.failedFrom(cfg, from, mark, now)
	if name != "" && !g.places.known(name, from) {
		login = g.names.failed(name, mark, cfg.FailedLoginsPerLogin, cfg.BanTime, now)
	}
	return addr, bans, login
}

// failedFrom is failed without the name.
func (g *guard) failedFrom(cfg *Config, from netip.Prefix, mark [sha256.Size]byte, now time.Time) (addr failure, bans []Ban) {
	limit := cfg.FailedLoginsPerAddress
	count := func(w *watch[netip.Prefix], net netip.Prefix, most int) failure {
		f := w.failed(net, mark, most, cfg.BanTime, now)
		if f.begins {
			bans = append(bans, Ban{Network: net, Failed: f.failed, Until: f.until})
		}
		return f
	}
	addr = count(&g.addrs, from, limit)
	if limit < noLimit {
		for net, times := range around(from) {
			count(&g.nets, net, min(limit, maxMarks)*times)
		}
	}
	return addr, bans
}

// banned is the ban that keeps an address out; without a network there is none.
func (g *guard) banned(from netip.Prefix) Ban {
	now := time.Now()
	if until := g.addrs.until(from, now); !until.IsZero() {
		return Ban{Network: from, Until: until}
	}
	for net := range around(from) {
		if until := g.nets.until(net, now); !until.IsZero() && !g.known(from) {
			return Ban{Network: net, Until: until}
		}
	}
	return Ban{}
}

// list is the bans in force: addresses, then names.
func (g *guard) list() []Ban {
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

// Bans lists who is kept out for failed logins: addresses, then user names.
func (s *Server) Bans() []Ban { return s.guard.list() }

// LiftBan forgets the failed logins of an address, and of the networks around it, and
// reports whether one of them was banned.
func (s *Server) LiftBan(a netip.Addr) bool {
	now := time.Now()
	from := site(a.Unmap().WithZone(""))
	lifted := s.guard.addrs.lift(from, now)
	for net := range around(from) {
		lifted = s.guard.nets.lift(net, now) || lifted
	}
	return lifted
}

// LiftLogin forgets the failed logins of a user name and reports whether it was
// locked.
func (s *Server) LiftLogin(name string) bool { return s.guard.names.lift(nameKey(name), time.Now()) }
