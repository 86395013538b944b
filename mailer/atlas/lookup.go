package atlas

import (
	"errors"
	"time"

	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/site"
)

const (
	routeLife  = 5 * time.Minute  // the resolver has its own cache
	staleLife  = time.Minute      // of an old route when there is no new one
	faultLife  = 10 * time.Minute // of a domain that cannot get mail
	maxRouting = 50               // look-ups at a time
)

// Want has the next hops of a domain looked up, when it is the account's turn.
func (a *Atlas) Want(d *site.Domain, account string) {
	if !d.Asked {
		d.Asking = true
		a.unrouted.Push(account, d)
	}
}

// Wanted is the next domain to be looked up, as long as there are not too many look-ups under way;
// nil: none is. The look-up ends with LookedUp, and its answer is told by Found.
func (a *Atlas) Wanted() *site.Domain {
	for a.routing < maxRouting && a.unrouted.Len() > 0 {
		if _, d := a.unrouted.Pop(); !d.Asked && d.Asking { // else in another account's turn
			d.Asked = true
			a.routing++
			return d
		}
	}
	return nil
}

// LookedUp notes that a look-up has ended.
func (a *Atlas) LookedUp() { a.routing-- }

// LookingUp reports whether a look-up is under way.
func (a *Atlas) LookingUp() bool { return a.routing > 0 }

// Found takes the answer of a look-up, and returns the lanes that waited for it. Where there is a
// path, the sites of its place follow it, see Place.
func (a *Atlas) Found(d *site.Domain, path *route.Path, terms *policy.Terms, err error, now time.Time) []*site.Lane {
	d.Asking, d.Asked = false, false
	if err == nil {
		d.Absent = time.Time{}
		d.Expires = now.Add(routeLife)
		d.Place, d.Terms = a.Place(path), terms
		if old := a.places[site.FaultKey(d.Name)]; old != nil {
			for _, t := range old.Sites {
				t.Failures, t.Until = 0, time.Time{}
			}
		}
	} else {
		a.faulty(d, judge(d, err, now), now)
	}
	lanes := d.Lanes
	d.Lanes = nil
	return lanes
}

// faulty is for a domain without next hops. A place that works is kept over an
// accident of the DNS.
func (a *Atlas) faulty(d *site.Domain, fault *route.Error, now time.Time) {
	if !fault.Permanent && d.Place != nil && d.Place.Fault == nil && d.Place.Any(func(t *site.Site) bool { return t.Up }) {
		d.Expires = now.Add(staleLife)
		return
	}
	d.Expires = now.Add(faultLife)
	d.Place = a.faultOf(d, fault)
}

// faultOf is the place of a domain that has no next hops. It stays the same as
// long as the fault does, so that its failures add up.
func (a *Atlas) faultOf(d *site.Domain, fault *route.Error) *site.Place {
	p := a.places[site.FaultKey(d.Name)]
	if p == nil {
		p = &site.Place{Key: site.FaultKey(d.Name), Owner: d}
		a.places[p.Key] = p
	}
	p.Fault = fault
	return p
}

// judge makes a fault of an error. One NXDOMAIN may be an accident: it is
// believed when a later look-up finds it again.
func judge(d *site.Domain, err error, now time.Time) *route.Error {
	fault, ok := errors.AsType[*route.Error](err)
	if !ok {
		return &route.Error{Domain: d.Name, Status: "4.4.3", Text: err.Error(), Err: err}
	}
	if !fault.Confirm {
		return fault
	}
	if d.Absent.IsZero() || now.Sub(d.Absent) > site.AbsentLife {
		d.Absent = now
		again := *fault
		again.Permanent = false
		again.Status = "4" + fault.Status[1:]
		return &again
	}
	return fault
}
