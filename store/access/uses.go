package access

import (
	"net/netip"
	"slices"
	"time"

	"relay/store/room"
)

// Uses are the networks that a login was used from. Bucket "access", key login, JSON.
type Uses struct {
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
	keptFor       = 366 * 24 * time.Hour
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
func (is *Uses) find(network netip.Prefix) *NetworkUse {
	i := slices.IndexFunc(is.Networks, func(n NetworkUse) bool { return n.Network == network })
	if i < 0 {
		return nil
	}
	return &is.Networks[i]
}

// add counts a use and returns its network. Days are those of the zone.
func (is *Uses) add(u *Use, zone *time.Location) *NetworkUse {
	network := networkOf(u.From)
	n := NetworkUse{Network: network, First: u.Last}
	if i := slices.IndexFunc(is.Networks, func(n NetworkUse) bool { return n.Network == network }); i >= 0 {
		n = is.Networks[i]
		is.Networks = slices.Delete(is.Networks, i, i+1)
	}
	n.Count += u.Count
	if u.Last.After(n.Last) {
		n.Last = u.Last
	}
	if u.Program != "" {
		n.Program = u.Program
	}
	n.add(u, zone)
	at, _ := slices.BinarySearchFunc(is.Networks, n.Last, func(n NetworkUse, last time.Time) int { return last.Compare(n.Last) })
	is.Networks = slices.Insert(is.Networks, at, n)
	old := is.Networks[0].Last.Add(-keptFor)
	is.Networks = slices.DeleteFunc(is.Networks, func(n NetworkUse) bool { return n.Last.Before(old) })
	is.Networks = is.Networks[:min(len(is.Networks), mostNetworks)]
	return is.find(network)
}

// add counts a use for its address.
func (n *NetworkUse) add(u *Use, zone *time.Location) {
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
