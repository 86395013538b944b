package site

import (
	"time"

	"relay/mailer/pace"
	"relay/mailer/paceentry"
	"relay/mailer/source"
)

// Warmth is the warm-up of a source at a provider.
type Warmth struct {
	source.Warmth
	First int  // messages on the first day
	Told  bool // that it is full for this day
}

// Now is the warm-up as it stands on this day.
func (w *Warmth) Now(now time.Time) *source.Warmth {
	if day := source.Day(now); day != w.Day {
		w.Warmth, w.Told = w.At(day, w.First), false
	}
	return &w.Warmth
}

// WarmKeyOf is the key in the store of a source's warm-up at a provider.
func WarmKeyOf(o *Origin, provider string) string {
	return paceentry.WarmKey + o.Name + "\x00" + provider
}

// SetWarm gives a site its share in the warm-up of its source. What has a way of its own
// needs none.
func (t *Site) SetWarm() {
	t.Warm = nil
	if t.Origin.Warm == nil || t.Path == nil || t.Path.Fixed {
		return
	}
	t.Warm = t.Origin.warmthAt(t.RowName())
}

func (o *Origin) warmthAt(provider string) *Warmth {
	w := o.Warm[provider]
	if w == nil {
		w = &Warmth{First: o.WarmUp}
		o.Warm[provider] = w
	}
	return w
}

// WarmKey is the key of the site's warm-up; "": it has none.
func (t *Site) WarmKey() string {
	if t.Warm == nil {
		return ""
	}
	return WarmKeyOf(t.Origin, t.RowName())
}

// Cold reports whether the warm-up lets nothing through today.
func (t *Site) Cold(now time.Time) bool { return t.Warm != nil && t.Warm.Now(now).Free() == 0 }

// Heat counts messages that begin, or with less than none those that did not go. It reports
// whether they were the last ones that the warm-up allows today.
func (t *Site) Heat(n int, now time.Time) (full bool) {
	t.Origin.Count(t.RowName(), n, now)
	if t.Warm == nil {
		return false
	}
	w := t.Warm.Now(now)
	w.Send(n)
	if w.Free() > 0 || t.Warm.Told {
		return false
	}
	t.Warm.Told = true
	return true
}

// fewBlame is how many places without a row must refuse an address on a day before its
// warm-up among all of them stops: anybody may have a host that says so, to slow others' mail.
const fewBlame = 3

// Blame notes that a reply of a site was about the source's address. It reports whether that
// stops a warm-up among places without a row: then the store is to be told. Settle stores it for
// the others.
func (t *Site) Blame(now time.Time) bool {
	if t.Warm == nil {
		return false
	}
	w := t.Warm.Now(now)
	if t.RowName() != pace.AnyOther {
		w.Blamed = true
		return false
	}
	t.Origin.Turn(now)
	if w.Blamed {
		return false
	}
	if t.Origin.Blamers[t.Key] = true; len(t.Origin.Blamers) < fewBlame {
		return false
	}
	w.Blamed = true
	return true
}

// Shun has other sources taken before a site that refuses the address: for an hour, and longer
// each time until it accepts mail again.
func (t *Site) Shun(now time.Time) {
	t.Shuns = min(max(2*t.Shuns, time.Hour), 24*time.Hour)
	t.Shunned = now.Add(t.Shuns)
}
