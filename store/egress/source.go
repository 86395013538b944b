package egress

import (
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// SourceState is what relay remembers of a source of outgoing mail, beside what the
// configuration says. Bucket "sources", key Name, JSON. It stays when the source leaves the
// configuration, so that no listing and no drain is lost by accident.
type SourceState struct {
	Name     string    `json:"source"` // address, or host:port of another server
	Drained  *Drain    `json:"drained,omitempty"`
	Listings []Listing `json:"listings,omitempty"`
	Culprit  string    `json:"culprit,omitempty"` // account whose mail stays with the source while it is listed; "": none
	Asked    time.Time `json:"asked,omitzero"`    // when blocklists were last asked
	Gone     time.Time `json:"gone,omitzero"`     // since when the machine lacks the address; zero: it has it
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
	Drains bool      `json:"drains,omitempty"` // others take over the mail of the source
	Since  time.Time `json:"since"`
	Codes  []string  `json:"codes,omitempty"`
	Text   string    `json:"text,omitempty"` // why, in the list's words
}

// Listed reports whether a listing drains the source.
func (s *SourceState) Listed() bool {
	return slices.ContainsFunc(s.Listings, func(l Listing) bool { return l.Drains })
}

// SourceStates returns the states of all sources.
func (e *Egress) SourceStates() (list []SourceState, err error) {
	err = room.Walk(e.db, bucket.Sources, nil, nil, func(_ []byte, v *SourceState) error {
		list = append(list, *v)
		return nil
	})
	return list, err
}

// ChangeSource changes the state of a source with fn, within a transaction. fn gets a zero
// state with the name if nothing is remembered of the source.
func (e *Egress) ChangeSource(t *room.Tx, name string, fn func(*SourceState) error) (v SourceState, err error) {
	if _, err := t.Read(bucket.Sources, []byte(name), &v); err != nil {
		return v, err
	}
	v.Name = name
	if err := fn(&v); err != nil {
		return v, err
	}
	return v, t.Write(bucket.Sources, []byte(name), v)
}

// ListState is what relay remembers of a blocklist. Bucket "blocklists", key Name, JSON.
type ListState struct {
	Name    string    `json:"list"`
	Asked   time.Time `json:"asked"`
	Healthy time.Time `json:"healthy,omitzero"` // when a look last found it so; zero: never
	Why     string    `json:"why,omitempty"`    // it was not healthy at the last look; "": it was
}

// ListStates returns the states of all blocklists.
func (e *Egress) ListStates() (list []ListState, err error) {
	err = room.Walk(e.db, bucket.Blocklists, nil, nil, func(_ []byte, v *ListState) error {
		list = append(list, *v)
		return nil
	})
	return list, err
}

// LookedAtList stores how a look found a blocklist; why is "" for a healthy one.
func (e *Egress) LookedAtList(name, why string) error {
	return e.db.Update(0, func(t room.Tx) error {
		v := ListState{}
		if _, err := t.Read(bucket.Blocklists, []byte(name), &v); err != nil {
			return err
		}
		v.Name, v.Asked, v.Why = name, t.Wall, why
		if why == "" {
			v.Healthy = t.Wall
		}
		return t.Write(bucket.Blocklists, []byte(name), v)
	})
}
