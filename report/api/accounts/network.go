package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"relay/report/api/act"
	"relay/store"
	"relay/store/netblock"
	"relay/store/people"
)

// NewNetwork is the request for a network that sends without a login.
type NewNetwork struct {
	Account string `path:"account"`
	Body    struct {
		Network string `json:"network" doc:"CIDR or an address, such as 192.0.2.0/28."`
	}
}

// NetworkList is the request for networks.
type NetworkList struct {
	act.Paging
	Account string `query:"account" doc:"Only those of this account."`
}

// NetworkName is a request on one network.
type NetworkName struct {
	Account string `path:"account"`
	Network string `query:"network" required:"true"`
}

// RemovedNetwork is the answer when a network was taken away.
type RemovedNetwork struct {
	Account string `json:"account"`
	Removed string `json:"removed"`
}

// Acts on networks.
var (
	AddNetwork = act.New(act.Spec{Name: "account network add", Route: "POST /v1/accounts/{account}/networks", Summary: "Let a network send without a login",
		May: act.Operator}, addNetwork)
	ListNetworks = act.NewList(act.Spec{Name: "account network list", Route: "GET /v1/networks", Summary: "The networks of an account, or of all",
		May: act.Operator}, listNetworks)
	RemoveNetwork = act.New(act.Spec{Name: "account network remove", Route: "DELETE /v1/accounts/{account}/networks", Summary: "Take a network away again",
		May: act.Operator}, removeNetwork)
)

func addNetwork(_ context.Context, s *act.Service, in *NewNetwork) (*people.Network, error) {
	prefix, err := parseNetwork(in.Body.Network)
	if err != nil {
		return nil, err
	}
	n := people.Network{Prefix: prefix, Account: in.Account, Created: s.Store.Now()}
	switch err := s.Store.People.AddNetwork(n); {
	case errors.Is(err, store.ErrExists):
		return nil, networkTaken(s, prefix)
	case err != nil:
		return nil, act.NoAccount(in.Account, err)
	}
	return &n, nil
}

func networkTaken(s *act.Service, prefix netip.Prefix) error {
	list, err := s.Store.People.Networks("")
	if err != nil {
		return err
	}
	for _, n := range list {
		if n.Prefix == prefix {
			return act.Fail(act.Refused, fmt.Sprintf("take it away there first: {account network remove %s %s}", n.Account, prefix), "network %s belongs to account %s already", prefix, n.Account)
		}
	}
	return act.Fail(act.Busy, "try again", "network %s was removed just now", prefix)
}

// parseNetwork is netblock.Parse for a request.
func parseNetwork(text string) (netip.Prefix, error) {
	p, err := netblock.Parse(text)
	switch {
	case errors.Is(err, netblock.ErrWide):
		err = act.Fail(act.Wrong, "name the networks that need it", "%w", err)
	case err != nil:
		err = act.Fail(act.Wrong, "", "%w", err)
	}
	return p, err
}

func listNetworks(ctx context.Context, s *act.Service, in *NetworkList, page *act.Page[people.Network]) error {
	if in.Account != "" {
		if _, err := s.Account(ctx, in.Account); err != nil {
			return err
		}
	}
	return s.Store.People.EachNetwork(in.Account, page.From, func(n *people.Network) error { return page.Add(*n, n.Prefix.String()) })
}

func removeNetwork(ctx context.Context, s *act.Service, in *NetworkName) (*RemovedNetwork, error) {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	prefix, err := parseNetwork(in.Network)
	if err != nil {
		return nil, err
	}
	if err := s.Store.People.RemoveNetwork(in.Account, prefix); errors.Is(err, store.ErrNotFound) {
		return nil, act.Fail(act.Refused, "{account network list "+in.Account+"}", "account %s has no network %s", in.Account, prefix)
	} else if err != nil {
		return nil, err
	}
	return &RemovedNetwork{in.Account, prefix.String()}, nil
}
