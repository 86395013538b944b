package walk

import (
	"time"

	"relay/store/spooled"
)

// Passing is a message's recipients at a domain at a milestone.
type Passing struct {
	ID     spooled.ID
	Lane   spooled.Lane
	Expire bool   // its time is over
	Sure   bool   // and so are its attempts: the next one would come after its time
	Delay  bool   // a delay DSN is due
	Why    string // the site's last failure
}

// pass does what is due for the messages.
func (w *Walk) pass(list []*spooled.Message, now time.Time) {
	var due []Passing
	for _, msg := range list {
		for _, domain := range msg.Domains() {
			if p := w.passing(msg, domain, now); p.Expire || p.Delay {
				due = append(due, p)
			}
		}
	}
	if len(due) == 0 {
		return
	}
	mine := w.owner.TakeUp(due)
	for i := 0; i < len(mine); {
		n := 1
		for i+n < len(mine) && mine[i+n].ID == mine[i].ID {
			n++
		}
		w.settlePassing(mine[i:i+n], now)
		i += n
	}
	w.owner.Done(mine)
}

// passing says what may be due for the recipients of msg at domain.
func (w *Walk) passing(msg *spooled.Message, domain string, now time.Time) Passing {
	p := Passing{ID: msg.ID, Lane: spooled.Lane{Domain: domain, Account: msg.Account}}
	if w.spool.Stopped(msg.Account) {
		return p // it does not age
	}
	p.Sure = true
	expires := w.spool.ExpiresOf(msg)
	for _, i := range msg.Pending(domain) {
		r := &msg.Recipients[i]
		if r.Held {
			continue
		}
		p.Delay = p.Delay || w.delayDue(msg, r, now)
		if r.Waits() {
			continue // it does not age
		}
		p.Expire = !now.Before(expires)
		p.Sure = p.Sure && r.Tries > 0 && r.Next.After(expires)
	}
	return p
}

func (w *Walk) delayDue(msg *spooled.Message, r *spooled.Recipient, now time.Time) bool {
	return msg.Sender != "" && !r.Delayed && r.Notify&spooled.NotifyDelay != 0 &&
		now.Sub(msg.Accepted) >= w.config().DelayAfter
}
