// Package origins has the sources that mail leaves from: which are configured, whether each may be
// used, what is remembered of each, and which of them an account's mail to a place takes.
//
// The source of mail is chosen when a lane begins to stand at a place, so all that waits for one
// stays with it, and a lane moves only between two claims. It is one of the account's pool: one
// whose warm-up has room, then one that needs none, then a standby. What waits moves when its
// source is drained, listed or gone, when the place refuses its address, or when it has sent today
// what its warm-up allows.
//
// The store keeps what a source sent today and its warm-up (package paceentry), and what the
// operator and blocklists say of it. A source that the configuration has no more keeps its
// warm-up in memory, for when it comes back.
//
// A Set is a value without locks that does no I/O, for the goroutine of the schedule (see package
// mailer).
package origins

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"relay/mailer/paceentry"
	"relay/mailer/site"
	"relay/mailer/source"
	"relay/mailer/view"
	"relay/store/egress"
	"relay/store/sites"
)

const checkEvery = 30 * time.Second // between looks for addresses that vanished or came back

// Set is the sources of the configuration.
type Set struct {
	list []*site.Origin // at least one

	checking bool      // the addresses of sources are being looked at
	checkAt  time.Time // and are to be then; monotonic

	// Of sources that are not in list.
	warm map[string]source.Warmth // by key in the store
	sent map[string]paceentry.Use // by name
}

// New has the sources of a configuration.
func New(list []source.Source) *Set {
	return &Set{list: site.OriginsOf(list), warm: map[string]source.Warmth{}, sent: map[string]paceentry.Use{}}
}

// All are the sources, in the order of the configuration.
func (s *Set) All() []*site.Origin { return s.list }

// Has reports whether a source is in the configuration still.
func (s *Set) Has(o *site.Origin) bool { return slices.Contains(s.list, o) }

// Several reports whether there is more than one.
func (s *Set) Several() bool { return len(s.list) > 1 }

// Sole is the one by which all mail leaves from an address that the system chooses; nil: there
// are others.
func (s *Set) Sole() *site.Origin {
	if len(s.list) == 1 && s.list[0].Name == "" {
		return s.list[0]
	}
	return nil
}

// Check begins a look whether the machine has the addresses, if one is due: of all sources; nil:
// none is due. It ends with Checked.
func (s *Set) Check() []*site.Origin {
	if s.checking || time.Now().Before(s.checkAt) || !slices.ContainsFunc(s.list, func(o *site.Origin) bool { return o.Addr.IsValid() }) {
		return nil
	}
	s.checking = true
	return slices.Clone(s.list)
}

// Checked ends a look.
func (s *Set) Checked() { s.checking, s.checkAt = false, time.Now().Add(checkEvery) }

// CheckSoon has the next look come at once.
func (s *Set) CheckSoon() { s.checkAt = time.Time{} }

// NextCheck is when the next look is due; zero: at the next step, or once one has ended. It is of
// time as it passes.
func (s *Set) NextCheck() time.Time {
	if s.checking {
		return time.Time{}
	}
	return s.checkAt
}

// Replace takes over the sources of a configuration, and returns those that mail finds its way
// by anew. A source that is not there any more ends with the messages that it carries.
func (s *Set) Replace(list []source.Source) (changed []*site.Origin) {
	var all []*site.Origin
	for i := range list {
		name := list[i].Name()
		k := slices.IndexFunc(s.list, func(o *site.Origin) bool { return o.Name == name })
		if k < 0 {
			all = append(all, s.revived(&list[i]))
			continue
		}
		o := s.list[k]
		all = append(all, o)
		if !site.Same(o.Source, &list[i]) {
			o.Take(&list[i])
			changed = append(changed, o)
		}
	}
	for _, o := range s.list {
		if !slices.Contains(all, o) {
			o.Gone = true
			s.keepWarm(o)
			changed = append(changed, o)
		}
	}
	s.list = all
	return changed
}

// SetStates takes over what the store has about sources. It returns those that mail finds its way
// by anew, and those that came back while no relay ran.
func (s *Set) SetStates(list []egress.SourceState) (changed, back []*site.Origin) {
	for _, o := range s.list {
		st := egress.SourceState{}
		if i := slices.IndexFunc(list, func(v egress.SourceState) bool { return v.Name == o.Name }); i >= 0 && o.Name != "" {
			st = list[i]
		}
		if !st.Gone.IsZero() && !o.Gone {
			back = append(back, o)
		}
		drained, isListed, culprit := st.Drained != nil, st.Listed(), st.Culprit
		if o.Drained == drained && o.Listed == isListed && o.Culprit == culprit {
			continue
		}
		o.Drained, o.Listed, o.Culprit = drained, isListed, culprit
		changed = append(changed, o)
	}
	return changed, back
}

// Load takes an entry of the store about a source, of its warm-up or of what it sent. Others it
// leaves alone. Loaded comes after the last one.
func (s *Set) Load(e *sites.PaceEntry) {
	switch {
	case strings.HasPrefix(e.Key, paceentry.WarmKey):
		s.warm[e.Key] = paceentry.ReadWarmth(e.Value)
	case strings.HasPrefix(e.Key, paceentry.SentKey):
		u := paceentry.Use{Sent: map[string]int{}}
		if json.Unmarshal(e.Value, &u) == nil && u.Sent != nil {
			s.sent[strings.TrimPrefix(e.Key, paceentry.SentKey)] = u
		}
	}
}

// Loaded gives the sources what was loaded of them.
func (s *Set) Loaded() {
	for i, o := range s.list {
		s.list[i] = s.revived(o.Source)
	}
}

// revived is a new source with what is remembered of its name.
func (s *Set) revived(src *source.Source) *site.Origin {
	o := site.NewOrigin(src)
	for key, w := range s.warm {
		name, provider, _ := strings.Cut(strings.TrimPrefix(key, paceentry.WarmKey), "\x00")
		if name == o.Name && o.Warm != nil {
			o.Warm[provider] = &site.Warmth{Warmth: w, First: src.WarmUp}
			delete(s.warm, key)
		}
	}
	if u, ok := s.sent[o.Name]; ok {
		o.Day, o.Sent = u.Day, u.Sent
		delete(s.sent, o.Name)
	}
	return o
}

// keepWarm remembers the warm-up of a source that is gone, for when it comes back.
func (s *Set) keepWarm(o *site.Origin) {
	for provider, w := range o.Warm {
		s.warm[site.WarmKeyOf(o, provider)] = w.Warmth
	}
}

// News reports whether a source sent something since Entries was asked last.
func (s *Set) News() bool {
	return slices.ContainsFunc(s.list, func(o *site.Origin) bool { return o.News })
}

// Entries are what the store is to be told of sources that sent something since they were asked
// for last.
func (s *Set) Entries() (list []sites.PaceEntry) {
	for _, o := range s.list {
		if o.News {
			o.News = false
			list = append(list, paceentry.Of(paceentry.SentKey+o.Name, paceentry.Use{Day: o.Day, Sent: o.Sent}))
		}
	}
	return list
}

// View shows all sources.
func (s *Set) View(now time.Time) (list []view.Source) {
	for _, o := range s.list {
		list = append(list, o.View(now))
	}
	return list
}
