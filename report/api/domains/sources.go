package domains

import (
	"net/netip"

	"relay/report/api/act"
)

// sourcesOf are the addresses that an account's mail leaves from; none: they are not
// configured.
func sourcesOf(s *act.Service, account string) (list []netip.Addr) {
	pool := ""
	if a, err := s.Store.Books.Account(account); err == nil {
		pool = a.Pool
	}
	for _, r := range s.Rules().Sources {
		if a, err := netip.ParseAddr(r.Address); err == nil && r.Pool == pool {
			list = append(list, a)
		}
	}
	return list
}
