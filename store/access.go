package store

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/people"
	"relay/store/room"
)

// Access holds the networks that a login was used from. Bucket "access", key login, JSON. A login that is
// revoked loses it.
//
//  1. Enter notes the first use from a network, in a transaction of its own: the network, the
//     news of it, and whether the login is watched from now on (theft.go). The listener waits
//     for it before it says 235, so no crash loses a notice.
//  2. KeepAccess adds what further uses came to, of many logins in a transaction, once a
//     minute. A crash loses that minute of counts, and nothing else.
//
// Places (people/place.go) are what bans go by: addresses of the last 30 days. Access is what owners
// are told: networks, for a year.
type Access struct {
	Networks  []NetworkUse `json:"networks"` // the last used first
	Suspicion *Suspicion   `json:"suspicion,omitempty"`
}

// NetworkUse is the use from an IPv4 /24 or an IPv6 /48.
type NetworkUse struct {
	Network   netip.Prefix `json:"network"`
	First     time.Time    `json:"first,omitzero"` // zero: before uses were counted
	Last      time.Time    `json:"last"`
	Count     int64        `json:"count"`             // logins
	Program   string       `json:"program,omitempty"` // by its own words, the last one
	Strange   bool         `json:"strange,omitempty"` // it was new to the account, and told
	Addresses []AddressUse `json:"addresses"`         // the last used first
}

// AddressUse is the use from an IPv4 address or an IPv6 /64.
type AddressUse struct {
	Address netip.Prefix `json:"address"`
	Last    time.Time    `json:"last"`
	Before  time.Time    `json:"before,omitzero"` // the last use on a day before that of Last
	Count   int64        `json:"count"`
}

// Most that is kept of a login; beyond it the oldest goes.
const (
	mostNetworks  = 32
	mostAddresses = 4 // of a network
	accessFor     = 366 * 24 * time.Hour
)

// Use of a login that succeeded.
type Use struct {
	Login   string
	From    netip.Prefix // IPv4 address or IPv6 /64
	Count   int64
	Last    time.Time // UTC
	Program string    // that the client says it is; "": it does not
	Failed  int       // of Enter: different wrong passwords of the login before, from places that it was never used from
}

// networkOf is the network around an address.
func networkOf(from netip.Prefix) netip.Prefix {
	bits := 24
	if from.Addr().Is6() {
		bits = 48
	}
	p, _ := from.Addr().Prefix(bits)
	return p
}

// wideOf is the block from which a provider gives its customers changing addresses.
func wideOf(network netip.Prefix) netip.Prefix {
	bits := 16
	if network.Addr().Is6() {
		bits = 32
	}
	p, _ := network.Addr().Prefix(bits)
	return p
}

// NetworkText is an address alone, or a network.
func NetworkText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// find is the use from a network; nil: none.
func (a *Access) find(network netip.Prefix) *NetworkUse {
	i := slices.IndexFunc(a.Networks, func(n NetworkUse) bool { return n.Network == network })
	if i < 0 {
		return nil
	}
	return &a.Networks[i]
}

// add counts a use and returns its network. Days are those of the zone.
func (a *Access) add(u *Use, zone *time.Location) *NetworkUse {
	network := networkOf(u.From)
	n := NetworkUse{Network: network, First: u.Last}
	if i := slices.IndexFunc(a.Networks, func(n NetworkUse) bool { return n.Network == network }); i >= 0 {
		n = a.Networks[i]
		a.Networks = slices.Delete(a.Networks, i, i+1)
	}
	n.Count += u.Count
	if u.Last.After(n.Last) {
		n.Last = u.Last
	}
	if u.Program != "" {
		n.Program = u.Program
	}
	n.at(u, zone)
	at, _ := slices.BinarySearchFunc(a.Networks, n.Last, func(n NetworkUse, last time.Time) int { return last.Compare(n.Last) })
	a.Networks = slices.Insert(a.Networks, at, n)
	old := a.Networks[0].Last.Add(-accessFor)
	a.Networks = slices.DeleteFunc(a.Networks, func(n NetworkUse) bool { return n.Last.Before(old) })
	a.Networks = a.Networks[:min(len(a.Networks), mostNetworks)]
	return a.find(network)
}

// at counts a use for its address.
func (n *NetworkUse) at(u *Use, zone *time.Location) {
	is := AddressUse{Address: u.From}
	if i := slices.IndexFunc(n.Addresses, func(a AddressUse) bool { return a.Address == u.From }); i >= 0 {
		is = n.Addresses[i]
		n.Addresses = slices.Delete(n.Addresses, i, i+1)
	}
	is.Count += u.Count
	if u.Last.After(is.Last) {
		if room.Day(is.Last, zone) != room.Day(u.Last, zone) {
			is.Before = is.Last
		}
		is.Last = u.Last
	}
	n.Addresses = slices.Insert(n.Addresses, 0, is)
	slices.SortStableFunc(n.Addresses, func(a, b AddressUse) int { return b.Last.Compare(a.Last) })
	n.Addresses = n.Addresses[:min(len(n.Addresses), mostAddresses)]
}

// access loads the uses of a login. If none was counted yet it starts from the login's places, so
// that nobody is told of networks that were known before.
func (t *tx) access(login string) (*Access, error) {
	a := &Access{}
	found, err := t.Read(bucket.AccessOf, []byte(login), a)
	if err != nil || found {
		return a, err
	}
	var at []people.Place
	if _, err := t.Read(bucket.Places, []byte(login), &at); err != nil {
		return nil, err
	}
	for _, p := range at {
		n := a.add(&Use{From: p.Network, Last: p.Last}, t.s.zone)
		if n != nil {
			n.First = time.Time{}
		}
	}
	return a, nil
}

// Access of a login, if it was used.
func (s *Store) Access(login string) (a Access, err error) {
	err = s.view(func(t *tx) error {
		is, err := t.access(login)
		if err == nil {
			a = *is
		}
		return err
	})
	return a, err
}

// Enter notes a use from a network that the caller has not seen with this login. fresh: it was
// noted, with its count. watched: mail that the login sends from there is watched. A login that
// was revoked is not noted.
func (s *Store) Enter(u Use) (fresh, watched bool, err error) {
	known := false
	err = s.view(func(t *tx) error {
		a, err := t.access(u.Login)
		if err == nil {
			n := a.find(networkOf(u.From))
			known, watched = n != nil, a.watches(n, t.Wall)
		}
		return err
	})
	if err != nil || known {
		return false, watched, err
	}
	err = s.update(1024, func(t *tx) error { watched, err = t.noteUse(&u); return err })
	return err == nil, watched, err
}

func (t *tx) noteUse(u *Use) (watched bool, err error) {
	c, err := t.s.People.CredentialIn(&t.Tx, u.Login)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	a, err := t.access(u.Login)
	if err != nil {
		return false, err
	}
	network := networkOf(u.From)
	strange := false
	if a.find(network) == nil {
		if strange, err = t.isStrange(c, network, a); err != nil {
			return false, err
		}
	}
	n := a.add(u, t.s.zone)
	if strange {
		n.Strange = true
		if err := errors.Join(t.addAccess(c, u), t.watch(c.Account, a, u)); err != nil {
			return false, err
		}
	}
	return a.watches(n, t.Wall), t.Write(bucket.AccessOf, []byte(u.Login), a)
}

// mostSiblings is how many other logins of an account are asked whether they know a network.
const mostSiblings = 64

// isStrange reports whether a network is new to an account that was used before. A network
// is not new if another login of the account was used from it, or if two others of the same
// provider's were, a day ago or longer: that is a line whose address changes. Those of today do
// not count, or a thief would be at home with his third address. The first use of an account is
// no news.
func (t *tx) isStrange(c *people.Credential, network netip.Prefix, own *Access) (bool, error) {
	used, alike := 0, 0
	look := func(a *Access) (known bool) {
		for i := range a.Networks {
			n := &a.Networks[i]
			used++
			if n.Network == network {
				return true
			}
			if wideOf(n.Network) == wideOf(network) && t.Wall.Sub(n.First) >= WatchFor {
				alike++
			}
		}
		return false
	}
	if look(own) {
		return false, nil
	}
	logins := people.OwnLogins.Keys(&t.Tx, c.Account)
	for _, login := range logins[:min(len(logins), mostSiblings)] {
		if login == c.Login {
			continue
		}
		a, err := t.access(login)
		if err != nil {
			return false, err
		}
		if look(a) {
			return false, nil
		}
	}
	return used > 0 && alike < 2, nil
}

// keepStep is how many uses one transaction adds.
const keepStep = 256

// KeepAccess adds uses from networks that are known. Logins that are gone are left out. With
// an error it returns what is left to be added.
func (s *Store) KeepAccess(list []Use) (left []Use, err error) {
	for ; len(list) > 0; list = list[min(len(list), keepStep):] {
		part := list[:min(len(list), keepStep)]
		err := s.update(len(part)*512, func(t *tx) error {
			for i := range part {
				if err := t.keepAccess(&part[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return list, err
		}
	}
	return nil, nil
}

func (t *tx) keepAccess(u *Use) error {
	if t.Get(bucket.Credentials, []byte(u.Login)) == nil {
		return nil
	}
	a, err := t.access(u.Login)
	if err != nil {
		return err
	}
	a.add(u, t.s.zone)
	return t.Write(bucket.AccessOf, []byte(u.Login), a)
}
