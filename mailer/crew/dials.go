package crew

import (
	"time"

	"relay/store/spool"
)

// noteEvery is how often the store is told of dials, and the least age of the attempts that it is
// told of. Most end sooner, and Settle ends their claims: they cost nothing here.
const noteEvery = 250 * time.Millisecond

// Dialled are the claims of attempts that last and that the store was not told of. The store is to
// be told of them in one transaction, and the crew then that it was (Noted): so a crash leaves
// these their next try, and claims that only waited are due at the next start.
func (c *Crew) Dialled() (list []spool.Claimed) {
	now := time.Now()
	if c.noting || c.noteAt.IsZero() || now.Before(c.noteAt) {
		return nil
	}
	c.noteAt = time.Time{}
	for w := range c.team {
		switch {
		case w.Job == nil || w.Noted:
		case now.Sub(w.Since) < noteEvery:
			c.noteAt = now.Add(noteEvery)
		default:
			w.Noted = true
			list = append(list, w.Job.Claims...)
		}
	}
	c.noting = len(list) > 0
	return list
}

// Noted notes that the store was told.
func (c *Crew) Noted() { c.noting = false }
