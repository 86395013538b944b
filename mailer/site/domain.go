package site

import (
	"time"

	"relay/mailer/policy"
	"relay/mailer/route"
)

// Domain is a next-hop domain and the place that its mail goes to. All domains
// that have no route of their own share one when there is a smarthost.
type Domain struct {
	Name    string
	Place   *Place        // nil: not looked up yet
	Terms   *policy.Terms // of TLS there
	Expires time.Time     // the place is looked up again after it
	Absent  time.Time     // when the DNS first said that there is no such domain; zero: it did not
	Lanes   []*Lane       // wait for the look-up
	Asking  bool          // the look-up is wanted
	Asked   bool          // and under way

	Via *route.Route // the server of a source, see Origin.Server; nil: it is a domain
}

// AbsentLife is how long the first NXDOMAIN of a domain counts.
const AbsentLife = 24 * time.Hour

// Revive has the domain looked up anew, and the sites that it leads to tried again.
func (d *Domain) Revive() {
	d.Expires = time.Time{}
	if d.Place != nil {
		for _, t := range d.Place.Sites {
			t.Until = time.Time{}
		}
	}
}

// Usable reports whether the place is known.
func (d *Domain) Usable(now time.Time) bool { return d.Place != nil && now.Before(d.Expires) }

// Unused reports whether forgetting the domain loses nothing. A domain that was absent
// is remembered until it is looked up again.
func (d *Domain) Unused(now time.Time) bool {
	if d.Place == nil {
		return d.Deserted()
	}
	doubtful := d.Place.Fault != nil && !d.Place.Fault.Permanent && now.Sub(d.Absent) <= AbsentLife
	return d.Deserted() && !doubtful && !d.Place.Any(func(t *Site) bool { return t.Blocked(now) })
}

// Deserted reports whether nothing waits for the domain.
func (d *Domain) Deserted() bool {
	return len(d.Lanes) == 0 && !d.Asking && (d.Place == nil || d.Place.Every(func(t *Site) bool { return t.Lanes == 0 }))
}
