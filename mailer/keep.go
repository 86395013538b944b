package mailer

import (
	"encoding/json"
	"strings"
	"time"

	"relay/mailer/pace"
	"relay/mailer/source"
	"relay/store"
)

// keptPace is what the store has, or is to have, of ceilings. What is slower is written
// once a minute; that a site stopped, with the reply that said so.
type keptPace struct {
	sites    map[string]pace.State // from before the start, of sites not met yet
	dirty    map[*site]bool        // of which the store is to be told
	accounts map[conductKey]bool   // likewise
	at       time.Time             // when it is told next; monotonic
	busy     bool

	warm map[string]source.Warmth // by key: of sources that are not configured
	sent map[string]use           // by name, likewise
}

const (
	keepEvery = time.Minute
	keepMost  = 1000 // entries at once
)

// Keys of the store's entries.
const (
	stopKey    = "stop\x00"    // site
	siteKey    = "site\x00"    // site
	accountKey = "account\x00" // account NUL provider
)

func (k *keptPace) changed(t *site) { k.dirty[t] = true }

// take is how a site was left.
func (k *keptPace) take(t *site) pace.State {
	st, ok := k.sites[t.id()]
	if ok {
		delete(k.sites, t.id())
		k.changed(t)
	}
	return st
}

// put keeps how a site was left that is forgotten.
func (k *keptPace) put(t *site, now time.Time) {
	if st := t.gate.State(now); !st.AtRow() {
		k.sites[t.id()] = st
	}
	delete(k.dirty, t)
}

// stopEntry is that a site stopped.
func stopEntry(key string, st pace.State) store.PaceEntry { return entryOf(stopKey+key, st) }

func entryOf(key string, v any) store.PaceEntry {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs
	}
	return store.PaceEntry{Key: key, Value: raw}
}

// loadPace reads what was slower when relay ended.
func (s *schedule) loadPace() {
	s.kept = keptPace{warm: map[string]source.Warmth{}, sent: map[string]use{}, sites: map[string]pace.State{}, dirty: map[*site]bool{}, accounts: map[conductKey]bool{}, at: time.Now().Add(keepEvery)}
	list, err := s.m.store.PaceEntries()
	if err != nil {
		s.m.logStoreError("pace", err)
		return
	}
	stops := map[string]pace.State{}
	for _, e := range list {
		s.loadUse(&e)
		kind, key, _ := strings.Cut(e.Key, "\x00")
		var st pace.State
		var c pace.Conduct
		switch kind + "\x00" {
		case siteKey:
			if json.Unmarshal(e.Value, &st) == nil {
				s.kept.sites[key] = st
			}
		case stopKey:
			if json.Unmarshal(e.Value, &st) == nil {
				stops[key] = st
			}
		case accountKey:
			account, provider, _ := strings.Cut(key, "\x00")
			if json.Unmarshal(e.Value, &c) == nil {
				s.conducts[conductKey{account, provider}] = pace.NewAccount(c)
				s.kept.accounts[conductKey{account, provider}] = true
			}
		}
	}
	for key, stop := range stops {
		st := s.kept.sites[key]
		if stop.Until.After(st.Until) {
			st.Until, st.Since, st.Why = stop.Until, stop.Since, stop.Why
			s.kept.sites[key] = st
		}
	}
	s.forgetOld()
	for i, o := range s.origins {
		s.origins[i] = s.revived(o.Source)
	}
	s.readStates()
}

// forgetOld has the store forget sites that there was no mail for since long ago.
func (s *schedule) forgetOld() {
	const long = 30 * 24 * time.Hour
	var gone []store.PaceEntry
	for key, st := range s.kept.sites {
		if s.m.store.Now().Sub(st.Last()) > long {
			delete(s.kept.sites, key)
			gone = append(gone, store.PaceEntry{Key: siteKey + key}, store.PaceEntry{Key: stopKey + key})
		}
	}
	if len(gone) > 0 {
		s.do(func() {
			if err := s.m.store.KeepPace(gone); err != nil {
				s.m.logStoreError("pace", err)
			}
		})
	}
}

// keepPace tells the store what changed, once a minute.
func (s *schedule) keepPace(now time.Time) {
	if len(s.kept.dirty)+len(s.kept.accounts) == 0 && !s.hasNews() || s.kept.busy || time.Now().Before(s.kept.at) {
		return
	}
	list := s.paceEntries(now)
	s.kept.at, s.kept.busy = time.Now().Add(keepEvery), true
	s.do(func() {
		if err := s.m.store.KeepPace(list); err != nil {
			s.m.logStoreError("pace", err)
		} else {
			s.m.storeWorks("pace")
		}
		s.tell(func() { s.kept.busy = false })
	})
}

// paceEntries are up to keepMost that changed. What is not back at its row stays on the
// list: it changes with time.
func (s *schedule) paceEntries(now time.Time) (list []store.PaceEntry) {
	list = s.useEntries()
	for t := range s.kept.dirty {
		if len(list) >= keepMost {
			return list
		}
		st := t.gate.State(now)
		if st.AtRow() {
			delete(s.kept.dirty, t)
			list = append(list, store.PaceEntry{Key: siteKey + t.id()}, store.PaceEntry{Key: stopKey + t.id()})
			continue
		}
		list = append(list, entryOf(siteKey+t.id(), st))
	}
	for key := range s.kept.accounts {
		if len(list) >= keepMost {
			return list
		}
		name := accountKey + key.account + "\x00" + key.provider
		c := s.conducts[key]
		if c == nil {
			delete(s.kept.accounts, key)
			list = append(list, store.PaceEntry{Key: name})
			continue
		}
		if st := c.State(now); !st.AtRest() {
			list = append(list, entryOf(name, st))
			continue
		}
		delete(s.kept.accounts, key)
		list = append(list, store.PaceEntry{Key: name})
	}
	return list
}

// resumePace ends what slows or stops a site, and accounts there, by the operator's word.
func (s *schedule) resumePace(t *site) {
	now := s.m.store.Now()
	for key, c := range s.conducts {
		if key.provider == t.provider() {
			c.Release()
			s.kept.accounts[key] = true
		}
	}
	s.touch(t)
	if st := t.gate.State(now); st.AtRow() {
		return
	}
	t.gate.Resume()
	s.kept.changed(t)
	s.kept.at = time.Time{}
}
