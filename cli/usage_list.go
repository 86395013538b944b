package cli

import (
	"relay/cli/term"
	"relay/report/words"
	"relay/store"
)

// usageAll lists the accounts there are; with a period, those that used it.
func (c *call) usageAll(period string, f *accountFilter) error {
	s := c.stream(f.limit.N, term.Column{Head: "ACCOUNT", Least: 12}, term.Column{Head: "PERIOD"}, term.Column{Head: "E-MAILS", Right: true},
		term.Column{Head: "OF", Right: true}, term.Column{Head: "BANDWIDTH", Right: true}, term.Column{Head: "OF", Right: true},
		term.Column{Head: "FAILED", Right: true}, term.Column{Head: "QUEUED", Right: true})
	w, err := c.wanted(f, s)
	if err != nil {
		return err
	}
	add := func(v usageView) error {
		return s.Add(v, v.Account, orElse(v.Period, "-"), words.Number(v.Messages), limitText(v.AllowMessages, words.Number),
			words.Size(v.Bytes), limitText(v.AllowBytes, words.Size), words.Number(v.Failed), words.Number(v.Queued))
	}
	if period != "" {
		return s.End(c.st.EachUsed(period, w, func(u *store.AccountUsage) error {
			if u.Usage.Charged.Messages == 0 {
				return nil
			}
			return add(c.viewPast(&u.Account, u.Usage))
		}))
	}
	return s.End(c.st.EachStanding(w, func(st *store.Standing) error { return add(c.viewStanding(st)) }))
}
