package egress

import (
	"encoding/binary"
	"fmt"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// Override is an operator's order that changes for a time how mail goes. Bucket "overrides",
// key Number (8), JSON. It holds from the transaction that stores it until Until, over
// restarts, and is kept for some days more, because mail that it stopped does not age.
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

// keepOverrides is how long overrides that have ended are kept.
const keepOverrides = 7 * 24 * time.Hour

func overrideKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// AddOverride gives an override its number and stores it, in force from now on. It replaces
// one in force that does the same to the same target.
func (e *Egress) AddOverride(o Override, lasts time.Duration) (Override, error) {
	err := e.db.Update(0, func(t room.Tx) error {
		all, err := room.All[Override](&t, bucket.Overrides, nil)
		if err != nil {
			return err
		}
		o.Number, o.Since, o.Until = 1, t.Wall, t.Wall.Add(lasts)
		for i := range all {
			is := &all[i]
			o.Number = max(o.Number, is.Number+1)
			switch {
			case is.InForce(t.Wall) && is.Kind == o.Kind && is.Target == o.Target && is.Do == o.Do:
				is.Until = t.Wall
				err = t.Write(bucket.Overrides, overrideKey(is.Number), is)
			case t.Wall.Sub(is.Until) > keepOverrides && i < len(all)-1: // the last one has the number
				err = t.Delete(bucket.Overrides, overrideKey(is.Number))
			}
			if err != nil {
				return err
			}
		}
		return t.Write(bucket.Overrides, overrideKey(o.Number), o)
	})
	return o, err
}

// CancelOverride ends an override. It fails with ErrNotFound if none of that number is in
// force.
func (e *Egress) CancelOverride(number uint64) (o Override, err error) {
	err = e.db.Update(0, func(t room.Tx) error {
		o = Override{}
		ok, err := t.Read(bucket.Overrides, overrideKey(number), &o)
		if err == nil && (!ok || !o.InForce(t.Wall)) {
			err = fmt.Errorf("override %d: %w", number, room.ErrNotFound)
		}
		if err != nil {
			return err
		}
		o.Until = t.Wall
		return t.Write(bucket.Overrides, overrideKey(number), o)
	})
	return o, err
}

// Overrides returns those that are kept, by number; some may have ended. There are as many as
// operators made in some days.
func (e *Egress) Overrides() (list []Override, err error) {
	err = e.db.View(func(t room.Tx) error { list, err = room.All[Override](&t, bucket.Overrides, nil); return err })
	return list, err
}
