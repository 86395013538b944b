package people

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// Network lets addresses send without a login. Bucket "networks", key Prefix, JSON.
type Network struct {
	Prefix  netip.Prefix `json:"network"` // masked; IPv4 never in its IPv6 form
	Account string       `json:"account"`
	Created time.Time    `json:"created"`
}

// AddNetwork lets the network send as the account.
func (p *People) AddNetwork(n Network) error {
	if !n.Prefix.IsValid() || n.Prefix != n.Prefix.Masked() || n.Prefix.Addr().Is4In6() {
		return fmt.Errorf("network %s: not a network's first address and length", n.Prefix)
	}
	err := p.db.Update(0, func(t room.Tx) error {
		if t.Get(bucket.Accounts, []byte(n.Account)) == nil {
			return room.Missing(bucket.Accounts, n.Account)
		}
		return OwnNetworks.Add(&t, n.Account, n.Prefix.String(), n)
	})
	if err != nil {
		return err
	}
	return p.LoadNetworks()
}

// Networks of an account, of all when account is empty.
func (p *People) Networks(account string) (list []Network, err error) {
	err = p.db.View(func(t room.Tx) error {
		if account == "" {
			list, err = room.All[Network](&t, bucket.Networks, nil)
		} else {
			list, err = room.AllOwned[Network](&t, OwnNetworks, account)
		}
		return err
	})
	return list, err
}

// EachNetwork calls fn for the networks of an account, of all when account is empty, that
// are beyond after as they are written, outside of any transaction.
func (p *People) EachNetwork(account, after string, fn func(*Network) error) error {
	if account == "" {
		return room.Walk(p.db, bucket.Networks, nil, room.Beyond(after), func(_ []byte, n *Network) error { return fn(n) })
	}
	return room.WalkOwned(p.db, OwnNetworks, account, after, fn)
}

// RemoveNetwork takes the network away from that account.
func (p *People) RemoveNetwork(account string, n netip.Prefix) error {
	err := p.db.Update(0, func(t room.Tx) error {
		is, err := room.Load[Network](&t, bucket.Networks, n.String())
		if err != nil {
			return err
		}
		if is.Account != account {
			return fmt.Errorf("networks %q: %w", n, room.ErrNotFound)
		}
		return OwnNetworks.Remove(&t, account, n.String())
	})
	if err != nil {
		return err
	}
	return p.LoadNetworks()
}

// NetworkAccount is the account that the address may send as without a login.
// The longest prefix wins. It is answered from memory.
func (p *People) NetworkAccount(a netip.Addr) (account string, ok bool) {
	a = a.Unmap().WithZone("")
	for _, n := range *p.nets.Load() {
		if n.Prefix.Contains(a) {
			return n.Account, true
		}
	}
	return "", false
}

// LoadNetworks takes the networks into memory. Of two at the same time the
// later one reads the later state.
func (p *People) LoadNetworks() error {
	p.netMu.Lock()
	defer p.netMu.Unlock()
	list, err := p.Networks("")
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b Network) int { return cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()) })
	p.nets.Store(&list)
	return nil
}
