package people

import (
	"net/netip"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// Place is an address from which a login succeeded lately. Bucket "places", key
// login: its places, JSON. A login that is revoked loses its places with it.
type Place struct {
	Network netip.Prefix `json:"network"` // an IPv4 address or an IPv6 /64
	Last    time.Time    `json:"last"`    // UTC; what is kept may lag behind
}

// Places calls fn for each login that has places, outside of any transaction.
func (p *People) Places(fn func(login string, at []Place) error) error {
	return room.Walk(p.db, bucket.Places, nil, nil, func(key []byte, at *[]Place) error { return fn(string(key), *at) })
}

// KeepPlaces stores the places of logins, all in one transaction. A login without
// places, or that is not there any more, is forgotten.
func (p *People) KeepPlaces(of map[string][]Place) error {
	if len(of) == 0 {
		return nil
	}
	return p.db.Update(len(of)*128, func(t room.Tx) error {
		for login, at := range of {
			if err := keepPlaces(&t, login, at); err != nil {
				return err
			}
		}
		return nil
	})
}

func keepPlaces(t *room.Tx, login string, at []Place) error {
	if len(at) == 0 || t.Get(bucket.Credentials, []byte(login)) == nil {
		return t.Delete(bucket.Places, []byte(login))
	}
	return t.Write(bucket.Places, []byte(login), at)
}
