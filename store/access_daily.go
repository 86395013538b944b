package store

import (
	"time"

	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
)

// The daily look tells accounts that want it from where their logins were used: on the day
// before, and after downtime on all days since those that were told. A mark in bucket "told",
// written with the news in one transaction, has the last day that was told. So a look that is
// cut short, or runs twice in a day, tells each day once.

// longestAccess is how many days one mail tells of.
const longestAccess = 31

// dailyAccess is the news of where an account's logins were used; nil: it does not want it, or
// there was no use, or it was told.
func (t *tx) dailyAccess(a *Account, l *Look) (*news.Item, error) {
	if a.State == ledger.Closed || !a.Wants(news.TopicAccessDaily) {
		return nil, nil
	}
	after, err := t.accessTold(a.Name, l.Day)
	if err != nil {
		return nil, err
	}
	n := &news.Item{Kind: news.AccessDaily, Account: a.Name, About: l.Day}
	for _, login := range people.OwnLogins.Keys(&t.Tx, a.Name) {
		is, err := t.access(login)
		if err != nil {
			return nil, err
		}
		addUses(n, login, is, func(at time.Time) bool {
			day := room.Day(at, t.s.zone)
			return after < day && day <= l.Day
		})
	}
	if len(n.Access) == 0 {
		return nil, nil
	}
	return n, nil
}

// accessTold is the last day of which an account knows, or needs not to be told any more. One
// that was told nothing so far hears of the last day.
func (t *tx) accessTold(account, day string) (string, error) {
	m := lookMark{}
	found, err := t.Read(bucket.ToldOf, lookKey(account, news.AccessDaily), &m)
	if err != nil {
		return "", err
	}
	last, err := time.Parse(time.DateOnly, day)
	if err != nil || !found {
		return last.AddDate(0, 0, -1).Format(time.DateOnly), err
	}
	return max(m.About, last.AddDate(0, 0, -longestAccess).Format(time.DateOnly)), nil
}

// addUses adds the uses of a login on some days to news, one for each address.
func addUses(n *news.Item, login string, a *Access, on func(time.Time) bool) {
	for i := range a.Networks {
		of := &a.Networks[i]
		for _, from := range of.Addresses {
			at := from.Last
			if !on(at) {
				at = from.Before
			}
			if on(at) {
				n.AddUse(news.LoginUse{Login: login, Network: of.Network, Address: from.Address, Program: of.Program, At: at, New: of.Strange && on(of.First)})
			}
		}
	}
}

// tellAccessDaily stores that news, and that it is told.
func (t *tx) tellAccessDaily(a *Account, l *Look) (*news.Item, error) {
	n, err := t.dailyAccess(a, l)
	if err != nil || n == nil {
		return nil, err
	}
	if err := t.Write(bucket.ToldOf, lookKey(a.Name, news.AccessDaily), lookMark{About: l.Day, At: t.Wall}); err != nil {
		return nil, err
	}
	return n, t.s.News.Add(&t.Tx, *n)
}
