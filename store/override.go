package store

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Override is the operator's word that mail goes otherwise for a time. Bucket "overrides",
// key Number (8), JSON. It holds from the transaction that stores it until Until, over
// restarts, and is kept for some days more: mail that it stopped does not age.
type Override struct {
	Number uint64       `json:"number"`
	Kind   OverrideKind `json:"kind"`
	Target string       `json:"target"` // a site's name, an account, a domain
	Do     OverrideDo   `json:"do"`
	Rate   int          `json:"rate,omitempty"`   // of OverrideSlow, messages a minute
	Source string       `json:"source,omitempty"` // of OverrideSource
	Reason string       `json:"reason"`
	By     string       `json:"by"`
	Since  time.Time    `json:"since"`
	Until  time.Time    `json:"until"` // or when it was cancelled
}

// OverrideKind says what an override is for.
type OverrideKind string

// The kinds.
const (
	OverrideSite    OverrideKind = "site"
	OverrideAccount OverrideKind = "account"
	OverrideDomain  OverrideKind = "domain"
)

// OverrideDo says what an override does.
type OverrideDo string

// What overrides do.
const (
	OverrideSlow   OverrideDo = "slow"   // to Rate
	OverrideStop   OverrideDo = "stop"   // mail waits
	OverrideBounce OverrideDo = "bounce" // mail fails
	OverrideSource OverrideDo = "source" // mail goes from Source
)

// InForce reports whether an override holds.
func (o *Override) InForce(now time.Time) bool { return now.Before(o.Until) }

// keepOverrides is how long those that have ended are kept.
const keepOverrides = 7 * 24 * time.Hour

func overrideKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// AddOverride stores an override, with a number, that lasts from now on. One in force that
// does the same to the same target is replaced.
func (s *Store) AddOverride(o Override, lasts time.Duration) (Override, error) {
	err := s.update(0, func(t *tx) error {
		all, err := all[Override](t, overrides, nil)
		if err != nil {
			return err
		}
		o.Number, o.Since, o.Until = 1, t.wall, t.wall.Add(lasts)
		for i := range all {
			is := &all[i]
			o.Number = max(o.Number, is.Number+1)
			switch {
			case is.InForce(t.wall) && is.Kind == o.Kind && is.Target == o.Target && is.Do == o.Do:
				is.Until = t.wall
				err = t.put(overrides, overrideKey(is.Number), is)
			case t.wall.Sub(is.Until) > keepOverrides && i < len(all)-1: // the last one has the number
				err = t.b.Delete(overrides, overrideKey(is.Number))
			}
			if err != nil {
				return err
			}
		}
		return t.put(overrides, overrideKey(o.Number), o)
	})
	return o, err
}

// CancelOverride ends an override. It fails with ErrNotFound where none of that number is in
// force.
func (s *Store) CancelOverride(number uint64) (o Override, err error) {
	err = s.update(0, func(t *tx) error {
		o = Override{}
		ok, err := t.get(overrides, overrideKey(number), &o)
		if err == nil && (!ok || !o.InForce(t.wall)) {
			err = fmt.Errorf("override %d: %w", number, ErrNotFound)
		}
		if err != nil {
			return err
		}
		o.Until = t.wall
		return t.put(overrides, overrideKey(number), o)
	})
	return o, err
}

// Overrides are those that are kept, by number; some may have ended. There are as many as
// operators made in some days.
func (s *Store) Overrides() (list []Override, err error) {
	err = s.view(func(t *tx) error { list, err = all[Override](t, overrides, nil); return err })
	return list, err
}
