package jobs

import (
	"context"
	"errors"
	"slices"
	"time"

	"relay/mailer/records"
	"relay/store/signing"
)

// Signing is what the jobs know of keys and domains.
type Signing struct {
	Zone  string        // below which the operator publishes the keys
	Pairs [][2]string   // of selectors
	Names records.Names // nil: no DNS is asked

	Lets    func(ctx context.Context, domain string) (yes, known bool) // whether a domain's SPF record lets mail leave from here; nil: nobody asks
	Blocked func(context.Context, string) (records.Blocks, error)      // what blocklists say of a domain; nil: none is asked
}

// Selectors of all pairs.
func (s *Signing) Selectors() (list []string) {
	for _, pair := range s.Pairs {
		list = append(list, pair[:]...)
	}
	return list
}

// The DNS is asked about each domain once a day. A domain that is not fully delegated is asked
// about every ten minutes, in the week after it was added or lost something.
const (
	lookOften   = 10 * time.Minute
	lookSeldom  = 24 * time.Hour
	lookOftenIn = 7 * 24 * time.Hour
)

// Delegation is the result of the job domains.
type Delegation struct {
	Job       string     `json:"job"`
	Looked    int        `json:"looked"`    // domains whose DNS was asked
	Delegated []string   `json:"delegated"` // domains that are signed from now on
	Listed    []string   `json:"listed"`    // domains that are newly on blocklists, each with its lists
	Cleared   []string   `json:"cleared"`   // domains that left their last blocklist
	Lost      []string   `json:"lost"`      // domains that no longer lead to the keys
	Began     []string   `json:"began"`     // selectors whose keys sign from now on
	Ended     []string   `json:"ended"`     // selectors whose keys stopped signing
	Publish   []ZoneLine `json:"publish"`   // new lines for the operator's zone
	Failed    []Failure  `json:"failed"`
}

// ZoneLine is a record in a zone.
type ZoneLine struct {
	Name  string `json:"name"` // without a dot at the end
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Failures implements Result.
func (d *Delegation) Failures() []Failure { return d.Failed }

// runDomains is Domains as cron calls it.
func (r *Runner) runDomains(ctx context.Context) error {
	_, err := r.Domains(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	r.logNoKeys(err)
	return loggedError{err}
}

// Domains rotates the signing keys when they are due, looks up which domains are delegated,
// and asks blocklists about them. It does nothing while there are no keys, that is before the
// first domain was added.
func (r *Runner) Domains(ctx context.Context) (*Delegation, error) {
	d := &Delegation{Job: Domains, Delegated: []string{}, Lost: []string{}, Listed: []string{}, Cleared: []string{}, Began: []string{}, Ended: []string{}, Publish: []ZoneLine{}, Failed: []Failure{}}
	s := r.config().Signing
	keys, err := r.store.Signing.Keys()
	if err != nil {
		return d, err
	}
	if len(keys) == 0 || s.Names == nil {
		return d, r.did(Domains, r.store.Now())
	}
	rotation, err := r.store.Signing.RotateKeys(s.Pairs, func(k *signing.Key) (bool, error) { return records.Shown(ctx, s.Names, s.Zone, k) })
	d.Began, d.Ended = append(d.Began, rotation.Began...), append(d.Ended, rotation.Ended...)
	err = errors.Join(err, r.publish(s.Zone, rotation.Fresh, d))
	r.logRotation(d)
	if err = errors.Join(err, r.lookAtDomains(ctx, &s, d)); err != nil {
		return d, err
	}
	return d, r.did(Domains, r.store.Now())
}

// publish lists the records of new keys for the operator.
func (r *Runner) publish(zone string, fresh []string, d *Delegation) error {
	keys, err := r.store.Signing.Keys()
	for i := range keys {
		if slices.Contains(fresh, keys[i].Selector) {
			d.Publish = append(d.Publish, KeyLine(zone, &keys[i]))
		}
	}
	return err
}

// KeyLine is the record of a key below the operator's zone. Its wildcard serves the labels
// of all owners.
func KeyLine(zone string, k *signing.Key) ZoneLine {
	return ZoneLine{"*." + k.Selector + "." + zone, "TXT", k.Record()}
}

func (r *Runner) lookAtDomains(ctx context.Context, s *Signing, d *Delegation) error {
	now := r.store.Now()
	return r.store.Signing.EachDomain("", "", "", func(one *signing.Domain) error {
		if err := r.askOf(ctx, s, one, now, d); err != nil {
			return err
		}
		if !lookDue(one, s, now) {
			return ctx.Err()
		}
		d.Looked++
		found, err := records.Delegated(ctx, s.Names, one, s.Zone, s.Selectors())
		if err != nil { // one broken domain does not stop the others
			d.Failed = append(d.Failed, Failure{one.Account, one.Name + ": " + err.Error()})
			return ctx.Err()
		}
		look := signing.Look{Selectors: found}
		if s.Lets != nil {
			look.SPF, look.SPFKnown = s.Lets(ctx, one.Name)
		}
		if _, err := r.store.Signing.LookedAt(one.Account, one.Name, look); err != nil {
			return err
		}
		switch {
		case len(one.Selectors) == 0 && len(found) > 0:
			d.Delegated = append(d.Delegated, one.Name)
			r.logDelegated(one)
		case len(found) < len(one.Selectors):
			d.Lost = append(d.Lost, one.Name)
			r.logLost(one, found)
		}
		return ctx.Err()
	})
}

func lookDue(d *signing.Domain, s *Signing, now time.Time) bool {
	each := lookSeldom
	lacks := len(d.Selectors) < len(s.Selectors()) || s.Lets != nil && !d.SPF && !d.Broken.IsZero()
	if lacks && (now.Before(d.Since.Add(lookOftenIn)) || now.Before(d.Broken.Add(lookOftenIn))) {
		each = lookOften
	}
	return now.Sub(d.Looked) >= each-time.Minute || now.Before(d.Looked)
}
