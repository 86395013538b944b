// Package pacebook keeps, for the store, how fast sites are that go slower than their rows.
//
// What is slower is written once a minute, for up to a thousand sites; a site that was stopped is
// stored with the reply that said so, in the transaction of its outcome, and not from here. A Book
// also keeps the pace of sites without mail: those that were slower when relay ended, and those that
// the schedule has forgotten. A crash forgets what changed within a minute.
//
// A Book is a value without locks that does no I/O, for the goroutine of the schedule (see
// package mailer). Keys and values are package paceentry's.
package pacebook

import (
	"encoding/json"
	"strings"
	"time"

	"relay/mailer/pace"
	"relay/mailer/paceentry"
	"relay/mailer/site"
	"relay/store/sites"
)

const (
	tellEvery = time.Minute
	old       = 30 * 24 * time.Hour // without mail for it, a site is forgotten

	// Most entries that the store is told of at once.
	Most = 1000
)

// Book is what is kept of sites.
type Book struct {
	left  map[string]pace.State // how sites were left that are not met yet, by name
	dirty map[*site.Site]bool   // of which the store is to be told
	at    time.Time             // when it is told next; monotonic
	busy  bool                  // it is being told
}

// New is an empty book. The store is told something in a minute at the earliest.
func New() *Book {
	return &Book{left: map[string]pace.State{}, dirty: map[*site.Site]bool{}, at: time.Now().Add(tellEvery)}
}

// Load takes over what the store has of sites. It returns what the store may forget: sites that
// there was no mail for since long ago.
func (b *Book) Load(list []sites.PaceEntry, now time.Time) (gone []sites.PaceEntry) {
	stops := map[string]pace.State{}
	for _, e := range list {
		if key, is := strings.CutPrefix(e.Key, paceentry.SiteKey); is {
			read(b.left, key, e.Value)
		} else if key, is := strings.CutPrefix(e.Key, paceentry.StopKey); is {
			read(stops, key, e.Value)
		}
	}
	for key, stop := range stops {
		st := b.left[key]
		if stop.Until.After(st.Until) {
			st.Until, st.Since, st.Why = stop.Until, stop.Since, stop.Why
			b.left[key] = st
		}
	}
	for key, st := range b.left {
		if now.Sub(st.Last()) > old {
			delete(b.left, key)
			gone = append(gone, forget(key)...)
		}
	}
	return gone
}

// read adds a state; one that cannot be read is as none.
func read(all map[string]pace.State, key string, value []byte) {
	var st pace.State
	if json.Unmarshal(value, &st) == nil {
		all[key] = st
	}
}

// forget has the store forget a site.
func forget(name string) []sites.PaceEntry {
	return []sites.PaceEntry{{Key: paceentry.SiteKey + name}, {Key: paceentry.StopKey + name}}
}

// Take is how a site was left.
func (b *Book) Take(t *site.Site) pace.State {
	st, ok := b.left[t.Name]
	if ok {
		delete(b.left, t.Name)
		b.Changed(t)
	}
	return st
}

// Put keeps how a site was left that the schedule forgets.
func (b *Book) Put(t *site.Site, now time.Time) {
	if st := t.Gate.State(now); !st.AtRow() {
		b.left[t.Name] = st
	}
	delete(b.dirty, t)
}

// Changed has the store told of a site.
func (b *Book) Changed(t *site.Site) { b.dirty[t] = true }

// Resume ends what slows or stops a site, by the operator's word, and has the store told of it
// at once.
func (b *Book) Resume(t *site.Site, now time.Time) {
	if st := t.Gate.State(now); st.AtRow() {
		return
	}
	t.Gate.Resume()
	b.Changed(t)
	b.at = time.Time{}
}

// News reports whether the store is to be told of sites.
func (b *Book) News() bool { return len(b.dirty) > 0 }

// Due reports whether the store may be told something now.
func (b *Book) Due() bool { return !b.busy && !time.Now().Before(b.at) }

// Stopped is how many sites told us to stop, and are not down besides.
func (b *Book) Stopped(now time.Time) (n int) {
	for t := range b.dirty {
		if t.Gate.Stopped(now) && !t.Down(now) {
			n++
		}
	}
	return n
}

// Tell adds what the store is to be told of sites to a list. It is being told then, until Told. A
// site that is not back at its row stays news: it changes with time.
func (b *Book) Tell(list []sites.PaceEntry, now time.Time) []sites.PaceEntry {
	b.at, b.busy = time.Now().Add(tellEvery), true
	for t := range b.dirty {
		if len(list) >= Most {
			return list
		}
		st := t.Gate.State(now)
		if st.AtRow() {
			delete(b.dirty, t)
			list = append(list, forget(t.Name)...)
			continue
		}
		list = append(list, paceentry.Of(paceentry.SiteKey+t.Name, st))
	}
	return list
}

// Told notes that the store was told.
func (b *Book) Told() { b.busy = false }
