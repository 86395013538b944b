package mailer

import (
	"encoding/json"
	"time"

	"relay/mailer/pace"
	"relay/mailer/source"
	"relay/store"
)

// A source that is warmed up has a ceiling of messages a day at each provider. The schedule
// counts a message when it begins; Settle counts it in the store, in the transaction of its
// outcome, and notes there that a reply was about the address. So after a crash the count
// lacks at most what was under way, one message a connection.

// warmth is the warm-up of a source at a provider.
type warmth struct {
	source.Warmth
	first int // messages on the first day
	told  bool
}

// now is the warmth on this day.
func (w *warmth) now(now time.Time) *source.Warmth {
	if day := source.Day(now); day != w.Day {
		w.Warmth, w.told = w.At(day, w.first), false
	}
	return &w.Warmth
}

const warmKey = "warm\x00" // source NUL provider

func warmKeyOf(o *origin, provider string) string { return warmKey + o.name + "\x00" + provider }

// setWarm gives a site its share in the warm-up of its source. What has a way of its own
// needs none.
func (t *site) setWarm() {
	t.warm = nil
	if t.origin.warm == nil || t.path == nil || t.path.Fixed {
		return
	}
	t.warm = t.origin.warmthAt(t.rowName())
}

func (o *origin) warmthAt(provider string) *warmth {
	w := o.warm[provider]
	if w == nil {
		w = &warmth{first: o.WarmUp}
		o.warm[provider] = w
	}
	return w
}

// warmKey is the key of the site's warm-up; "": it has none.
func (t *site) warmKey() string {
	if t.warm == nil {
		return ""
	}
	return warmKeyOf(t.origin, t.rowName())
}

// coldAt reports whether a source that had no mail for a place yet has sent today what it
// may to its provider.
func (s *schedule) coldAt(p *place, o *origin, now time.Time) bool {
	if o.warm == nil || p.path == nil || p.path.Fixed {
		return false
	}
	w := o.warm[s.m.config().rowOf(p.path).Name]
	return w != nil && w.now(now).Free() == 0
}

// cold reports whether the warm-up lets nothing through today.
func (t *site) cold(now time.Time) bool { return t.warm != nil && t.warm.now(now).Free() == 0 }

// heat counts messages that begin. When they were the last ones of today, all sites of the
// source at the provider give up their lanes, and other sources take them.
func (s *schedule) heat(t *site, n int, now time.Time) {
	if n == 0 {
		return
	}
	t.origin.count(t.rowName(), n, now)
	if t.warm == nil {
		return
	}
	w := t.warm.now(now)
	w.Send(n)
	if w.Free() > 0 || t.warm.told {
		return
	}
	t.warm.told = true
	s.m.logWarmUpFull(t, w)
	for other := range s.allSites {
		if other.warm == t.warm {
			s.touch(other)
		}
	}
	s.dueAt(now)
}

// yieldCold has a site whose warm-up is full give up what waits there.
func (s *schedule) yieldCold(t *site, now time.Time) {
	if !t.cold(now) {
		return
	}
	t.waits(source.Turns(now))
	if t.lanes > 0 {
		s.disband(t)
		s.dueAt(now)
	}
	s.dueAt(source.Turns(now))
}

// warmEntry counts messages of a job in the store, and whether a reply was about the
// address. Of a source without warm-up there is none.
func warmEntry(j *job, n int, blamed bool, now time.Time) (e store.PaceEntry, ok bool) {
	blamed = blamed && j.provider != pace.AnyOther // see blame
	if j.warm == "" || n == 0 && !blamed {
		return e, false
	}
	return store.PaceEntry{Key: j.warm, Change: warmed(j.from.WarmUp, n, blamed, now)}, true
}

// warmed changes a stored warmth by n messages, and by a reply about the address.
func warmed(first, n int, blamed bool, now time.Time) func(old []byte) []byte {
	day := source.Day(now)
	return func(old []byte) []byte {
		w := readWarmth(old).At(day, first)
		w.Send(n)
		w.Blamed = w.Blamed || blamed
		return entryOf("", w).Value
	}
}

// fewBlame is how many places without a row must refuse an address on a day before its
// warm-up among all of them stops: anybody may have a host that says so, to slow others' mail.
const fewBlame = 3

// blame notes that a reply of a site was about the source's address.
func (s *schedule) blame(t *site, now time.Time) {
	if t.warm == nil {
		return
	}
	w := t.warm.now(now)
	if t.rowName() != pace.AnyOther {
		w.Blamed = true // Settle stores it
		return
	}
	t.origin.turn(now)
	if w.Blamed {
		return
	}
	if t.origin.blamers[t.key] = true; len(t.origin.blamers) < fewBlame {
		return
	}
	w.Blamed = true
	e := store.PaceEntry{Key: t.warmKey(), Change: warmed(t.origin.WarmUp, 0, true, now)}
	s.do(func() {
		if err := s.m.store.KeepPace([]store.PaceEntry{e}); err != nil {
			s.m.logStoreError("pace", err)
		}
	})
}

// shun has other sources take what waits for a site that refuses the address: for an hour,
// and longer each time until it accepts mail again. Where there is no other, the site goes
// on as before.
func (s *schedule) shun(t *site, now time.Time) {
	s.blame(t, now)
	if len(s.origins) < 2 || now.Before(t.shunned) {
		return
	}
	t.shuns = min(max(2*t.shuns, time.Hour), 24*time.Hour)
	t.shunned = now.Add(t.shuns)
	s.disband(t)
	s.dueAt(now)
}

func readWarmth(raw []byte) (w source.Warmth) {
	_ = json.Unmarshal(raw, &w) // what cannot be read begins again: the safe side
	return w
}
