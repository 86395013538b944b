package store

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Network lets addresses send without a login. Bucket "networks", key Prefix, JSON.
type Network struct {
	Prefix  netip.Prefix `json:"network"` // masked; IPv4 never in its IPv6 form
	Account string       `json:"account"`
	Created time.Time    `json:"created"`
}

// AddNetwork lets the network send as the account.
func (s *Store) AddNetwork(n Network) error {
	if !n.Prefix.IsValid() || n.Prefix != n.Prefix.Masked() || n.Prefix.Addr().Is4In6() {
		return fmt.Errorf("network %s: not a network's first address and length", n.Prefix)
	}
	err := s.update(0, func(t *tx) error {
		if _, err := load[Account](t, accounts, n.Account); err != nil {
			return err
		}
		return addOwned(t, ownNetworks, n.Account, n.Prefix.String(), n)
	})
	if err != nil {
		return err
	}
	return s.loadNetworks()
}

// Networks of an account, of all when account is empty.
func (s *Store) Networks(account string) (list []Network, err error) {
	err = s.view(func(t *tx) error {
		if account == "" {
			list, err = all[Network](t, networks, nil)
		} else {
			list, err = allOwned[Network](t, ownNetworks, account)
		}
		return err
	})
	return list, err
}

// EachNetwork calls fn for the networks of an account, of all when account is empty, that
// are beyond after as they are written, outside of any transaction.
func (s *Store) EachNetwork(account, after string, fn func(*Network) error) error {
	if account == "" {
		return walk(s, networks, nil, beyond(after), func(_ []byte, n *Network) error { return fn(n) })
	}
	return walkOwned(s, ownNetworks, account, after, fn)
}

// RemoveNetwork takes the network away from that account.
func (s *Store) RemoveNetwork(account string, p netip.Prefix) error {
	err := s.update(0, func(t *tx) error {
		n, err := load[Network](t, networks, p.String())
		if err != nil {
			return err
		}
		if n.Account != account {
			return fmt.Errorf("networks %q: %w", p, ErrNotFound)
		}
		return t.removeOwned(ownNetworks, account, p.String())
	})
	if err != nil {
		return err
	}
	return s.loadNetworks()
}

// NetworkAccount is the account that the address may send as without a login.
// The longest prefix wins. It is answered from memory.
func (s *Store) NetworkAccount(a netip.Addr) (account string, ok bool) {
	a = a.Unmap().WithZone("")
	for _, n := range *s.nets.Load() {
		if n.Prefix.Contains(a) {
			return n.Account, true
		}
	}
	return "", false
}

// loadNetworks takes the networks into memory. Of two at the same time the
// later one reads the later state.
func (s *Store) loadNetworks() error {
	s.netMu.Lock()
	defer s.netMu.Unlock()
	list, err := s.Networks("")
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b Network) int { return cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()) })
	s.nets.Store(&list)
	return nil
}
