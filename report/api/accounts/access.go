package accounts

import (
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/store/access"
	"relay/store/people"
)

// NetworkUse is where a login was used.
type NetworkUse struct {
	Network   string       `json:"network" doc:"An IPv4 /24 or an IPv6 /48."`
	First     *time.Time   `json:"first" doc:"Null: before uses were counted."`
	Last      time.Time    `json:"last"`
	Count     int64        `json:"count" doc:"Logins."`
	Program   *string      `json:"program" doc:"By its own words: User-Agent or X-Mailer of its mail, else its name at EHLO."`
	Addresses []AddressUse `json:"addresses" doc:"The last ones: IPv4 addresses or IPv6 /64."`
}

// AddressUse is from which address a login was used.
type AddressUse struct {
	Address string    `json:"address"`
	Last    time.Time `json:"last"`
	Count   int64     `json:"count"`
}

// accessOf is from where a login was used, the last network first.
func accessOf(s *act.Service, login string) (last *time.Time, list []NetworkUse, err error) {
	a, err := s.Store.Access.Uses(login)
	list = []NetworkUse{}
	for i := range a.Networks {
		n := &a.Networks[i]
		v := NetworkUse{Network: n.Network.String(), First: field.OrNull(n.First), Last: n.Last, Count: n.Count, Program: field.OrNull(n.Program), Addresses: []AddressUse{}}
		for _, at := range n.Addresses {
			v.Addresses = append(v.Addresses, AddressUse{access.NetworkText(at.Address), at.Last, at.Count})
		}
		list = append(list, v)
	}
	if len(list) > 0 {
		last = &list[0].Last
	}
	return last, list, err
}

// LoginUse is a login, and from where it was used last.
type LoginUse struct {
	Login    string     `json:"login"`
	State    string     `json:"state" enum:"active,held"`
	Last     *time.Time `json:"last" doc:"Null: it was not used."`
	Networks []string   `json:"networks" doc:"The last used first."`
}

// States of a login.
const (
	LoginActive = "active"
	LoginHeld   = "held"
)

// usesOf are the logins of an account.
func usesOf(s *act.Service, creds []people.Credential) ([]LoginUse, error) {
	list := []LoginUse{}
	for i := range creds {
		last, networks, err := accessOf(s, creds[i].Login)
		if err != nil {
			return nil, err
		}
		v := LoginUse{Login: creds[i].Login, State: LoginActive, Last: last, Networks: []string{}}
		if creds[i].Hold != nil {
			v.State = LoginHeld
		}
		for _, n := range networks {
			v.Networks = append(v.Networks, n.Network)
		}
		list = append(list, v)
	}
	return list, nil
}
