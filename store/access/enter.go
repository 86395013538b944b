package access

import (
	"errors"
	"net/netip"

	"relay/store/bucket"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
)

// Enter notes a use from a network that the caller has not seen with this login. fresh: it was
// noted, with its count. watched: mail that the login sends from there is watched. A login that
// was revoked is not noted.
func (a *Access) Enter(u Use) (fresh, watched bool, err error) {
	known := false
	err = a.db.View(func(t room.Tx) error {
		is, err := a.UsesIn(&t, u.Login)
		if err == nil {
			n := is.find(networkOf(u.From))
			known, watched = n != nil, is.watches(n, t.Wall)
		}
		return err
	})
	if err != nil || known {
		return false, watched, err
	}
	err = a.db.Update(1024, func(t room.Tx) error { watched, err = a.enter(&t, &u); return err })
	return err == nil, watched, err
}

func (a *Access) enter(t *room.Tx, u *Use) (watched bool, err error) {
	c, err := a.people.CredentialIn(t, u.Login)
	if errors.Is(err, room.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	is, err := a.UsesIn(t, u.Login)
	if err != nil {
		return false, err
	}
	network := networkOf(u.From)
	strange := false
	if is.find(network) == nil {
		if strange, err = a.isStrange(t, c, network, is); err != nil {
			return false, err
		}
	}
	n := is.add(u, a.o.Zone)
	if strange {
		n.Strange = true
		if err := errors.Join(a.tell(t, c, u), a.watch(t, c.Account, is, u)); err != nil {
			return false, err
		}
	}
	return is.watches(n, t.Wall), put(t, u.Login, is)
}

// mostSiblings is how many other logins of an account are asked whether they know a network.
const mostSiblings = 64

// isStrange reports whether a network is new to an account that was used before. A network
// is not new if another login of the account was used from it. Nor is it new if two networks of the
// same provider were used a day ago or longer: that is a line whose address changes. Those of today
// do not count, or a thief would be at home with his third address. The first use of an account is
// no news.
func (a *Access) isStrange(t *room.Tx, c *people.Credential, network netip.Prefix, own *Uses) (bool, error) {
	used, alike := 0, 0
	look := func(is *Uses) (known bool) {
		for i := range is.Networks {
			n := &is.Networks[i]
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
	logins := people.OwnLogins.Keys(t, c.Account)
	for _, login := range logins[:min(len(logins), mostSiblings)] {
		if login == c.Login {
			continue
		}
		is, err := a.UsesIn(t, login)
		if err != nil {
			return false, err
		}
		if look(is) {
			return false, nil
		}
	}
	return used > 0 && alike < 2, nil
}

// tell stores the news that a login was used from a new network.
func (a *Access) tell(t *room.Tx, c *people.Credential, u *Use) error {
	wants, err := a.o.Wants(t, c.Account, news.TopicAccess)
	if err != nil || !wants {
		return err
	}
	return a.news.AddAccess(t, c.Account, news.LoginUse{Login: c.Login, Network: networkOf(u.From), Address: u.From, Program: u.Program, At: t.Wall})
}

// Programs fills in which program each use of that news was, as far as it is known by now: a
// program is known with its first message, the news is stored before.
func (a *Access) Programs(t *room.Tx, list []news.LoginUse) error {
	for i := range list {
		is, err := a.UsesIn(t, list[i].Login)
		if err != nil {
			return err
		}
		if n := is.find(list[i].Network); n != nil && n.Program != "" {
			list[i].Program = n.Program
		}
	}
	return nil
}

// keepStep is how many uses one transaction adds.
const keepStep = 256

// Keep adds uses from networks that are known. Logins that are gone are left out. With
// an error it returns what is left to be added.
func (a *Access) Keep(list []Use) (left []Use, err error) {
	for ; len(list) > 0; list = list[min(len(list), keepStep):] {
		part := list[:min(len(list), keepStep)]
		err := a.db.Update(len(part)*512, func(t room.Tx) error {
			for i := range part {
				if err := a.keep(&t, &part[i]); err != nil {
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

func (a *Access) keep(t *room.Tx, u *Use) error {
	if t.Get(bucket.Credentials, []byte(u.Login)) == nil {
		return nil
	}
	is, err := a.UsesIn(t, u.Login)
	if err != nil {
		return err
	}
	is.add(u, a.o.Zone)
	return put(t, u.Login, is)
}
