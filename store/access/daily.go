package access

import (
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
)

// An account that wants it is told each day from where its logins were used: on the day
// before, and after downtime on all days since those that were told. A mark in bucket "told",
// written with the news in one transaction, has the last day that was told. So a look that is
// cut short, or runs twice in a day, tells each day once.

// longestTold is how many days one mail tells of.
const longestTold = 31

// dailyMark is the mark. Bucket "told", key account NUL kind, JSON. It has the form of the marks
// that the look at an account's use leaves beside it.
type dailyMark struct {
	About string       `json:"about"` // the last day that was told, as "2026-11-29"
	Used  quota.Charge `json:"used"`  // zero
	At    time.Time    `json:"at"`
}

func dailyKey(account string) []byte { return room.Pair(account, string(news.AccessDaily)) }

// Daily is the news of where an account's logins were used until a day, as "2026-11-29"; nil: there
// was no use, or it was told.
func (a *Access) Daily(t *room.Tx, account, day string) (*news.Item, error) {
	after, err := toldUntil(t, account, day)
	if err != nil {
		return nil, err
	}
	n := &news.Item{Kind: news.AccessDaily, Account: account, About: day}
	for _, login := range people.OwnLogins.Keys(t, account) {
		is, err := a.UsesIn(t, login)
		if err != nil {
			return nil, err
		}
		is.addTo(n, login, func(at time.Time) bool {
			on := room.Day(at, a.o.Zone)
			return after < on && on <= day
		})
	}
	if len(n.Access) == 0 {
		return nil, nil
	}
	return n, nil
}

// toldUntil is the last day of which an account knows, or needs not to be told any more. One
// that was told nothing so far hears of the last day.
func toldUntil(t *room.Tx, account, day string) (string, error) {
	m := dailyMark{}
	found, err := t.Read(bucket.ToldOf, dailyKey(account), &m)
	if err != nil {
		return "", err
	}
	last, err := time.Parse(time.DateOnly, day)
	if err != nil || !found {
		return last.AddDate(0, 0, -1).Format(time.DateOnly), err
	}
	return max(m.About, last.AddDate(0, 0, -longestTold).Format(time.DateOnly)), nil
}

// addTo adds the uses of a login on some days to news, one for each address.
func (is *Uses) addTo(n *news.Item, login string, on func(time.Time) bool) {
	for i := range is.Networks {
		of := &is.Networks[i]
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

// TellDaily stores that news, and that it is told.
func (a *Access) TellDaily(t *room.Tx, account, day string) (*news.Item, error) {
	n, err := a.Daily(t, account, day)
	if err != nil || n == nil {
		return nil, err
	}
	if err := t.Write(bucket.ToldOf, dailyKey(account), dailyMark{About: day, At: t.Wall}); err != nil {
		return nil, err
	}
	return n, a.news.Add(t, *n)
}
