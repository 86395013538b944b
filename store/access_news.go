package store

import (
	"relay/store/news"
	"relay/store/people"
)

// addAccess stores the news that a login was used from a new network.
func (t *tx) addAccess(c *people.Credential, u *Use) error {
	a, err := t.account(c.Account)
	if err != nil || !a.Wants(news.TopicAccess) {
		return err
	}
	return t.s.News.AddAccess(&t.Tx, c.Account, news.LoginUse{Login: c.Login, Network: networkOf(u.From), Address: u.From, Program: u.Program, At: t.Wall})
}

// programs fills in which program each of the new accesses was, as far as it is known by now.
func (t *tx) programs(list []news.LoginUse) error {
	for i := range list {
		a, err := t.access(list[i].Login)
		if err != nil {
			return err
		}
		if n := a.find(list[i].Network); n != nil && n.Program != "" {
			list[i].Program = n.Program
		}
	}
	return nil
}
