package accounts

import (
	"encoding/json"
	"strings"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/pace"
	"relay/mailer/paceentry"
	"relay/mailer/site"
	"relay/mailer/verdict"
	"relay/store/sites"
)

// Key is an account at a provider.
type Key struct{ Account, Provider string }

// Name is the key of the conduct in the store.
func (k Key) Name() string { return paceentry.AccountKey + k.Account + "\x00" + k.Provider }

// keyOf is an account at a site's provider.
func keyOf(t *site.Site, account string) Key { return Key{account, t.Provider()} }

const maxConducts = 50_000

// Heed notes what a site said of an account's mail. It returns the account's conduct there if that
// is slowed or held for it; nil: it is not.
func (a *Accounts) Heed(key Key, d *attempt.Said, now time.Time) (*pace.Account, pace.Step) {
	unknown := attempt.Unknown(&d.Verdict)
	blamed := d.Slows == verdict.Account
	c := a.conducts[key]
	switch {
	case c == nil && !unknown && !blamed && d.Class != verdict.Delivered:
		return nil, pace.Same
	case c == nil:
		a.shed(now)
		c = pace.NewAccount(pace.Conduct{})
		a.conducts[key] = c
	}
	step := pace.Same
	switch {
	case d.Class == verdict.Delivered:
		c.Delivered(now, d.Rcpts)
	case unknown:
		step = c.Unknown(now, d.Rcpts, d.Reply)
	case blamed:
		step = c.Blamed(now, d.Reply)
	}
	return a.took(key, c, step)
}

// fewDelivered is how many recipients an account must have reached at a provider lately for
// complaints to slow it there: after a start they may be about mail that is not counted any
// more. The store judges them by what was sent in all.
const fewDelivered = 100

// Complained notes that a recipient complained about an account's mail. It returns what Heed does.
func (a *Accounts) Complained(key Key, now time.Time) (*pace.Account, pace.Step) {
	c := a.conducts[key]
	if c == nil || c.State(now).Counts.Delivered < fewDelivered {
		return nil, pace.Same
	}
	return a.took(key, c, c.Complained(now, "complaints of recipients"))
}

// took keeps what a note about an account led to.
func (a *Accounts) took(key Key, c *pace.Account, step pace.Step) (*pace.Account, pace.Step) {
	if step == pace.Same {
		return nil, step
	}
	a.news[key] = true
	return c, step
}

// shed makes room for one more conduct: what says nothing goes.
func (a *Accounts) shed(now time.Time) {
	if len(a.conducts) < maxConducts {
		return
	}
	for key, c := range a.conducts {
		if state := c.State(now); state.AtRest() {
			delete(a.conducts, key)
		}
	}
}

// Release ends what slows or holds accounts at a provider, by the operator's word.
func (a *Accounts) Release(provider string) {
	for key, c := range a.conducts {
		if key.Provider == provider {
			c.Release()
			a.news[key] = true
		}
	}
}

// held is the conduct of an account that is held at a site's provider; nil: it is not.
func (a *Accounts) held(t *site.Site, account string, now time.Time) *pace.Account {
	if len(a.conducts) == 0 {
		return nil
	}
	if c := a.conducts[keyOf(t, account)]; c != nil && c.Held(now) {
		return c
	}
	return nil
}

// Held reports whether nothing of an account goes to a site's provider.
func (a *Accounts) Held(t *site.Site, account string, now time.Time) bool {
	return a.held(t, account, now) != nil
}

// Culprit is the account that is slowed most for what was said of its mail, of those chosen; "":
// none of them is slowed. An account counts at each provider for as much as it lacks there of its
// pace.
func (a *Accounts) Culprit(is func(account string) bool, now time.Time) (account string) {
	guilt := map[string]float64{}
	for key, c := range a.conducts {
		switch {
		case !is(key.Account):
		case c.Held(now):
			guilt[key.Account] += 100
		case c.Slow(now):
			guilt[key.Account] += 100 - c.State(now).Share.At
		}
	}
	for name, g := range guilt {
		if g > guilt[account] || g == guilt[account] && name < account {
			account = name
		}
	}
	return account
}

// Load takes an entry of the store about an account at a provider. Others it leaves alone.
func (a *Accounts) Load(e *sites.PaceEntry) {
	rest, is := strings.CutPrefix(e.Key, paceentry.AccountKey)
	if !is {
		return
	}
	account, provider, _ := strings.Cut(rest, "\x00")
	var c pace.Conduct
	if json.Unmarshal(e.Value, &c) == nil {
		a.conducts[Key{account, provider}] = pace.NewAccount(c)
		a.news[Key{account, provider}] = true
	}
}

// News reports whether the store is to be told of conducts.
func (a *Accounts) News() bool { return len(a.news) > 0 }

// Entries adds what the store is to be told of conducts to a list that is as long as most at most.
// A conduct that is not at rest stays news: it changes with time.
func (a *Accounts) Entries(list []sites.PaceEntry, most int, now time.Time) []sites.PaceEntry {
	for key := range a.news {
		if len(list) >= most {
			return list
		}
		if c := a.conducts[key]; c != nil {
			if st := c.State(now); !st.AtRest() {
				list = append(list, paceentry.Of(key.Name(), st))
				continue
			}
		}
		delete(a.news, key)
		list = append(list, sites.PaceEntry{Key: key.Name()})
	}
	return list
}
