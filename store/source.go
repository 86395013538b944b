package store

import (
	"slices"
	"time"
)

// SourceState is what is remembered of a source of outgoing mail, beside what the
// configuration says. Bucket "sources", key Name, JSON. It stays when the configuration does
// not have the source any more, so that a listing or a drain is not forgotten by an accident.
type SourceState struct {
	Name     string    `json:"source"` // address, or host:port of another server
	Drained  *Drain    `json:"drained,omitempty"`
	Listings []Listing `json:"listings,omitempty"`
	Culprit  string    `json:"culprit,omitempty"` // account that stays while the source is listed; "": none
	Asked    time.Time `json:"asked,omitzero"`    // when blocklists were asked last
	Gone     time.Time `json:"gone,omitzero"`     // when the machine lost its address; zero: it has it
}

// Drain is the operator's order that a source gets no mail.
type Drain struct {
	Since  time.Time `json:"since"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
}

// Listing is an entry of a blocklist.
type Listing struct {
	List   string    `json:"list"`
	Drains bool      `json:"drains,omitempty"` // the source gives its mail to others
	Since  time.Time `json:"since"`
	Codes  []string  `json:"codes,omitempty"`
	Text   string    `json:"text,omitempty"` // why, in the list's words
}

// Listed reports whether a listing drains the source.
func (s *SourceState) Listed() bool {
	return slices.ContainsFunc(s.Listings, func(l Listing) bool { return l.Drains })
}

// SourceStates returns all that is remembered of sources.
func (s *Store) SourceStates() (list []SourceState, err error) {
	err = walk(s, sources, nil, nil, func(_ []byte, v *SourceState) error {
		list = append(list, *v)
		return nil
	})
	return list, err
}

// ChangeSource changes what is remembered of a source, in one transaction. fn gets an ID for
// a mail to the operator and may return that mail, which is queued with the change, so that
// each is told once; nil: there is nothing to tell. fn may run more than once, and must not
// call the store.
func (s *Store) ChangeSource(name string, fn func(v *SourceState, now time.Time, id ID) (*Notice, error)) (v SourceState, err error) {
	err = s.updateThen(4096, func(t *tx) error {
		v = SourceState{}
		if _, err := t.get(sources, []byte(name), &v); err != nil {
			return err
		}
		v.Name = name
		id := t.s.ids.next(t.wall)
		n, err := fn(&v, t.wall, id)
		if err != nil {
			return err
		}
		if n != nil {
			m := n.Message
			m.ID, m.Own = id, NoteOperator
			lanes, err := t.enqueueOwn(&m, n.Body)
			if err != nil {
				return err
			}
			t.then.lanes = append(t.then.lanes, lanes...)
		}
		return t.put(sources, []byte(name), v)
	})
	return v, err
}

// ListState is what is remembered of a blocklist. Bucket "blocklists", key Name, JSON.
type ListState struct {
	Name    string    `json:"list"`
	Asked   time.Time `json:"asked"`
	Healthy time.Time `json:"healthy,omitzero"` // when it was last; zero: never
	Why     string    `json:"why,omitempty"`    // it was not at the last look; "": it was
}

// ListStates returns all that is remembered of blocklists.
func (s *Store) ListStates() (list []ListState, err error) {
	err = walk(s, blocklists, nil, nil, func(_ []byte, v *ListState) error {
		list = append(list, *v)
		return nil
	})
	return list, err
}

// LookedAtList stores how a blocklist was at a look; why is "" for a healthy one.
func (s *Store) LookedAtList(name, why string) error {
	return s.update(0, func(t *tx) error {
		v := ListState{}
		if _, err := t.get(blocklists, []byte(name), &v); err != nil {
			return err
		}
		v.Name, v.Asked, v.Why = name, t.wall, why
		if why == "" {
			v.Healthy = t.wall
		}
		return t.put(blocklists, []byte(name), v)
	})
}
