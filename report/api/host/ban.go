package host

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/store/people"
)

// Ban is a ban as answers have it: of an address or a network, or of a login.
type Ban struct {
	Network string    `json:"network" doc:"An address, an IPv6 /64, or a larger network; empty: a login is locked."`
	Login   string    `json:"login" doc:"As it was tried: there need not be such a login. Empty: a network is banned."`
	Failed  int       `json:"failed" doc:"Different wrong logins."`
	Until   time.Time `json:"until"`
}

// AllBans is the request for the list of bans.
type AllBans struct{ act.Paging }

// Lift is the request to lift one ban, or all of them.
type Lift struct {
	Body struct {
		Who string `json:"who,omitempty" doc:"An address, a network or a login."`
		All bool   `json:"all,omitempty"`
	}
}

// Acts on bans.
var (
	ListBans = act.NewList(act.Spec{Name: "ban list", Route: "GET /v1/bans", Summary: "Banned addresses and networks, then locked logins", May: act.Operator}, listBans)
	LiftBans = act.New(act.Spec{Name: "ban lift", Route: "POST /v1/bans/lift", Summary: "Let an address or a login in again, or all of them", May: act.Operator}, liftBans)
)

func bansOf(s *act.Service) (act.Bans, error) {
	if s.Running == nil || s.Running.Bans == nil {
		return nil, act.NotRunning()
	}
	return s.Running.Bans, nil
}

func viewBan(b *act.Ban) Ban {
	v := Ban{Login: b.Login, Failed: b.Failed, Until: b.Until.Truncate(time.Second)}
	switch {
	case !b.Network.IsValid():
	case b.Network.IsSingleIP():
		v.Network = b.Network.Addr().String()
	default:
		v.Network = b.Network.String()
	}
	return v
}

func listBans(_ context.Context, s *act.Service, _ *AllBans, page *act.Page[Ban]) error {
	bans, err := bansOf(s)
	if err != nil {
		return err
	}
	for _, b := range bans.Bans() {
		if !behind(&b, page.From) {
			continue
		}
		if err := page.Add(viewBan(&b), banKey(&b)); err != nil {
			return err
		}
	}
	return nil
}

const loginKey = "login " // begins the key of a locked login

// banKey returns the key of a ban in the list.
func banKey(b *act.Ban) string {
	if b.Network.IsValid() {
		return b.Network.String()
	}
	return loginKey + b.Login
}

// behind reports whether a ban comes after key in the list. The ban of that key may have
// ended meanwhile.
func behind(b *act.Ban, key string) bool {
	login, locked := strings.CutPrefix(key, loginKey)
	switch {
	case key == "":
		return true
	case !b.Network.IsValid():
		return !locked || b.Login > login
	case locked:
		return false
	}
	network, err := netip.ParsePrefix(key)
	return err == nil && b.Network.Compare(network) > 0
}

func liftBans(_ context.Context, s *act.Service, in *Lift) (*[]Ban, error) {
	bans, err := bansOf(s)
	if err != nil {
		return nil, err
	}
	lifted := []Ban{}
	switch {
	case in.Body.All == (in.Body.Who != ""):
		return nil, act.Fail(act.Wrong, "see who is banned: {ban list}", "name an address or a login, or all")
	case in.Body.All:
		for _, b := range bans.Bans() {
			if lift(bans, &b) {
				lifted = append(lifted, viewBan(&b))
			}
		}
	default:
		b, ok := liftOne(bans, in.Body.Who)
		if !ok {
			return nil, act.Fail(act.NoSuch, "{ban list} shows what is banned", "%s is not banned", in.Body.Who)
		}
		lifted = append(lifted, b)
	}
	return &lifted, nil
}

// lift lifts a ban; false: it has ended by itself meanwhile.
func lift(bans act.Bans, b *act.Ban) bool {
	if b.Network.IsValid() {
		return bans.LiftBan(b.Network.Addr())
	}
	return bans.LiftLogin(b.Login)
}

// liftOne lifts the ban of a login, of a network, or of the network that has an address.
func liftOne(bans act.Bans, who string) (Ban, bool) {
	addr, err := netip.ParseAddr(who)
	if network, notOne := netip.ParsePrefix(who); notOne == nil {
		addr, err = network.Addr(), nil
	}
	for _, b := range bans.Bans() {
		if b.Login == people.FoldLogin(who) {
			return viewBan(&b), lift(bans, &b)
		}
		if err == nil && b.Network.Contains(addr.Unmap().WithZone("")) {
			return viewBan(&b), bans.LiftBan(addr)
		}
	}
	return Ban{}, false
}
