package store

import (
	"net/netip"
	"time"
)

// Place is an address from which a login succeeded lately. Bucket "places", key
// login: its places, JSON. A login that is revoked loses its places with it.
type Place struct {
	Network netip.Prefix `json:"network"` // an IPv4 address or an IPv6 /64
	Last    time.Time    `json:"last"`    // UTC; what is kept may lag behind
}

// Places calls fn for each login that has places, outside of any transaction.
func (s *Store) Places(fn func(login string, at []Place) error) error {
	return walk(s, places, nil, nil, func(key []byte, at *[]Place) error { return fn(string(key), *at) })
}

// KeepPlaces stores the places of logins, all in one transaction. A login without
// places, or that is not there any more, is forgotten.
func (s *Store) KeepPlaces(of map[string][]Place) error {
	if len(of) == 0 {
		return nil
	}
	return s.update(len(of)*128, func(t *tx) error {
		for login, at := range of {
			if err := t.keepPlaces(login, at); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) keepPlaces(login string, at []Place) error {
	if len(at) == 0 || t.b.Get(credentials, []byte(login)) == nil {
		return t.b.Delete(places, []byte(login))
	}
	return t.put(places, []byte(login), at)
}
