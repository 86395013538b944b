package crew

import (
	"cmp"
	"slices"
	"time"

	"relay/mailer/view"
)

// View says how the connections are used.
func (c *Crew) View(now time.Time) view.Pool {
	p := view.Pool{Limit: c.most(), Used: c.conns, Held: []view.Holding{}, Waiting: []string{}}
	held := map[string]*view.Holding{}
	for w := range c.team {
		if w.Job == nil {
			continue
		}
		h := held[w.Job.Message.Account]
		if h == nil {
			h = &view.Holding{Account: w.Job.Message.Account}
			held[h.Account] = h
		}
		h.Connections++
		h.Oldest = max(h.Oldest, time.Since(w.Since))
	}
	for _, h := range held {
		p.Held = append(p.Held, *h)
	}
	slices.SortFunc(p.Held, func(a, b view.Holding) int {
		return cmp.Or(cmp.Compare(b.Connections, a.Connections), cmp.Compare(a.Account, b.Account))
	})
	p.Waiting = append(p.Waiting, c.Waiting(now)...)
	slices.Sort(p.Waiting)
	return p
}
