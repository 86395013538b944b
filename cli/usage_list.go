package cli

import (
	"relay/report/words"
	"relay/store"
)

// usageAll lists the accounts there are; with a period, those that used it.
func (c *call) usageAll(period string, f *accountFilter) error {
	s := c.stream(f.limit.n, column{head: "ACCOUNT", least: 12}, column{head: "PERIOD"}, column{head: "E-MAILS", right: true},
		column{head: "OF", right: true}, column{head: "BANDWIDTH", right: true}, column{head: "OF", right: true},
		column{head: "FAILED", right: true}, column{head: "QUEUED", right: true})
	w, err := c.wanted(f, s)
	if err != nil {
		return err
	}
	add := func(v usageView) error {
		return s.add(v, v.Account, orElse(v.Period, "-"), words.Number(v.Messages), limitText(v.AllowMessages, words.Number),
			words.Size(v.Bytes), limitText(v.AllowBytes, words.Size), words.Number(v.Failed), words.Number(v.Queued))
	}
	if period != "" {
		return s.end(c.st.EachUsed(period, w, func(u *store.AccountUsage) error {
			if u.Usage.Charged.Messages == 0 {
				return nil
			}
			return add(c.viewPast(&u.Account, u.Usage))
		}))
	}
	return s.end(c.st.EachStanding(w, func(st *store.Standing) error { return add(c.viewStanding(st)) }))
}
