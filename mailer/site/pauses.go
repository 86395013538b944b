package site

import (
	"time"

	"relay/mailer/settings"
	"relay/store/spooled"
)

// Pause is what is known of a lane whose connections the next hops break off, with
// a 421 or without a word. They do not want the account's mail to the domain: that
// is left alone for an interval that grows, and nobody else's mail.
type Pause struct {
	losses   int       // attempts broken off in a row since the last pause
	Failures int       // pauses in a row
	Until    time.Time // store's clock
	Why      string
}

// Pauses are those of all lanes of which something is remembered, up to maxPauses.
type Pauses map[spooled.Lane]*Pause

// MaxLosses is how many attempts in a row may be broken off before a lane is left alone.
const MaxLosses = 5

const maxPauses = 20_000

// Of is the pause of a lane that is left alone; nil: it is not.
func (all Pauses) Of(l spooled.Lane, now time.Time) *Pause {
	if p := all[l]; p != nil && p.inForce(now) {
		return p
	}
	return nil
}

// inForce reports whether the lane is left alone. A pause that is longer than any is one from
// before the clock was set back.
func (p *Pause) inForce(now time.Time) bool {
	return now.Before(p.Until) && p.Until.Sub(now) <= settings.MaxBlock
}

// Forget takes note that an attempt was not broken off.
func (all Pauses) Forget(l spooled.Lane) { delete(all, l) }

// Break notes an attempt that was broken off, and returns the pause if the lane is left alone
// for it: after most of them in a row. A lane that was left alone gets one attempt. block is
// how long a lane is left alone after so many pauses.
func (all Pauses) Break(l spooled.Lane, most int, why string, now time.Time, block func(failures int) time.Duration) *Pause {
	p := all[l]
	switch {
	case p == nil:
		all.shed(now)
		p = &Pause{}
		all[l] = p
	case p.inForce(now):
		return nil // the attempt began before
	}
	if p.losses++; p.losses < most && p.Failures == 0 {
		return nil
	}
	p.losses = 0
	p.Failures++
	p.Until, p.Why = now.Add(block(p.Failures)), why
	return p
}

// shed makes room for one more.
func (all Pauses) shed(now time.Time) {
	if len(all) < maxPauses {
		return
	}
	for l, p := range all {
		if !p.inForce(now) {
			delete(all, l)
		}
	}
	if len(all) >= maxPauses {
		clear(all) // to try each of them costs less
	}
}

// Resume forgets what is known of the lanes to a domain; "": of all.
func (all Pauses) Resume(domain string) {
	for l := range all {
		if domain == "" || l.Domain == domain {
			delete(all, l)
		}
	}
}

// Domains are the domains that a lane is left alone to, with the pause that ends last.
func (all Pauses) Domains(now time.Time) map[string]*Pause {
	list := map[string]*Pause{}
	for l, p := range all {
		if last := list[l.Domain]; p.inForce(now) && (last == nil || p.Until.After(last.Until)) {
			list[l.Domain] = p
		}
	}
	return list
}

// Ends yields when each pause in force ends.
func (all Pauses) Ends(now time.Time, yield func(time.Time)) {
	for _, p := range all {
		if p.inForce(now) {
			yield(p.Until)
		}
	}
}
