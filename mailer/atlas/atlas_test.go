package atlas

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/mailer/source"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func newAtlas(cfg settings.Config) *Atlas {
	var p atomic.Pointer[settings.Config]
	cfg.SetDefaults()
	p.Store(&cfg)
	return New(&p)
}

var theSource = site.NewOrigin(&source.Source{})

// forget ignores which sites are dropped.
func (a *Atlas) forget(now time.Time) { a.Forget(now, func(*site.Site) {}) }

func route404(domain string) error {
	return &route.Error{Domain: domain, Permanent: true, Confirm: true, Status: "5.1.2", Text: "none"}
}

// That a domain was absent once is kept until it was looked up again, however
// many domains there are.
func TestAtlas_ForgetsNoAbsence(t *testing.T) {
	a := newAtlas(settings.Config{})
	d := a.Domain("nowhere.test")
	a.Found(d, nil, nil, route404(d.Name), noon)
	if f := d.Place.Fault; f.Permanent || f.Status != "4.1.2" {
		t.Errorf("one NXDOMAIN is believed: %+v", f)
	}
	hop := a.Add(d.Place, theSource)
	hop.Fail("", noon, a.cfg.Load())
	a.Failed(hop)
	a.keep = 0
	a.forget(noon.Add(time.Hour))
	if a.Find("nowhere.test") != d {
		t.Fatal("forgotten before it was believed")
	}
	a.Found(d, nil, nil, route404(d.Name), noon.Add(time.Hour))
	if f := d.Place.Fault; !f.Permanent || d.Place.Sites[0] != hop {
		t.Errorf("a second NXDOMAIN is not believed, or the failures are forgotten: %+v", f)
	}
	a.keep = 0
	a.forget(noon.Add(8 * time.Hour))
	if len(a.domains)+len(a.places)+a.Len()+len(a.failing) != 0 {
		t.Errorf("%d domains and %d places are kept for ever", len(a.domains), len(a.places))
	}
}

// However many domains are dead, what is remembered of them is bounded.
func TestAtlas_ForgetsTheDeadOfACrowd(t *testing.T) {
	a := newAtlas(settings.Config{})
	for i := range maxKept + maxKept/2 {
		d := a.Domain(fmt.Sprintf("d%d.test", i))
		a.Found(d, nil, nil, &route.Error{Domain: d.Name, Status: "4.4.3"}, noon)
		hop := a.Add(d.Place, theSource)
		hop.Failures, hop.Until = 1, noon.Add(time.Minute)
		a.forget(noon)
	}
	if n := len(a.domains) + len(a.places); n > 2*maxKept {
		t.Errorf("%d domains and places in memory, want %d at most", n, 2*maxKept)
	}
}

// A site that somebody has in hand is not forgotten, and the others are told of.
func TestAtlas_Forget_put(t *testing.T) {
	a := newAtlas(settings.Config{})
	for i, use := range []func(*site.Site){func(*site.Site) {}, func(t *site.Site) { t.Dirty = true }, func(t *site.Site) { t.Workers = 1 }} {
		use(a.Add(a.Place(&route.Path{Site: fmt.Sprint(i)}), theSource))
	}
	a.keep = 0
	var gone []string
	a.Forget(noon, func(t *site.Site) { gone = append(gone, t.Key) })
	if len(gone) != 1 || gone[0] != "0" || a.Len() != 2 {
		t.Errorf("%q are gone, %d sites left", gone, a.Len())
	}
}

func TestAtlas_Found(t *testing.T) {
	path := &route.Path{Site: "mx"}
	dns := errors.New("timeout")
	for _, tt := range []struct {
		what  string
		up    bool // the place that was known works
		err   error
		place string
		life  time.Duration
	}{
		{"a path", false, nil, "mx", routeLife},
		{"an error of the DNS, and nothing was known", false, dns, site.FaultKey("a.test"), faultLife},
		{"an error of the DNS, and the place works", true, dns, "old", staleLife},
		{"no mail there, and the place works", true, &route.Error{Permanent: true, Status: "5.1.10"}, site.FaultKey("a.test"), faultLife},
	} {
		t.Run(tt.what, func(t *testing.T) {
			a := newAtlas(settings.Config{})
			d := a.Domain("a.test")
			if tt.up {
				a.Found(d, &route.Path{Site: "old"}, nil, nil, noon.Add(-time.Hour))
				a.Add(d.Place, theSource).Up = true
			}
			d.Lanes = make([]*site.Lane, 3)
			if lanes := a.Found(d, path, nil, tt.err, noon); len(lanes) != 3 || d.Lanes != nil {
				t.Errorf("%d lanes waited, want 3", len(lanes))
			}
			if d.Place.Key != tt.place || !d.Expires.Equal(noon.Add(tt.life)) {
				t.Errorf("it leads to %q for %v, want %q for %v", d.Place.Key, d.Expires.Sub(noon), tt.place, tt.life)
			}
		})
	}
}

// The accounts take turns with look-ups, each domain is looked up once at a time, and there are
// not too many.
func TestAtlas_Wanted(t *testing.T) {
	a := newAtlas(settings.Config{})
	for i := range 2 * maxRouting {
		a.Want(a.Domain(fmt.Sprintf("many%d.test", i)), "many")
	}
	few := a.Domain("few.test")
	a.Want(few, "few")
	a.Want(few, "many")
	if a.Wanted(); a.Wanted() != few {
		t.Error("the account with one domain waits for the one with many")
	}
	n := 2
	for ; a.Wanted() != nil; n++ {
	}
	if n != maxRouting || !a.LookingUp() {
		t.Errorf("%d look-ups at a time, want %d", n, maxRouting)
	}
	if a.LookedUp(); a.Wanted() == nil {
		t.Error("no look-up follows one that has ended")
	}
	if a.Want(few, "few"); a.unrouted.Has("few") {
		t.Error("a domain that is being looked up is to be looked up again")
	}
}

// All domains without a route of their own share one when there is a smarthost.
func TestAtlas_Find_smarthost(t *testing.T) {
	a := newAtlas(settings.Config{Smarthost: route.Route{Host: "smart.test"}, Routes: map[string]route.Route{"own.test": {Host: "own"}}})
	if a.Domain("a.test") != a.Domain("b.test") || a.Domain("own.test") == a.Domain("a.test") {
		t.Error("domains do not share the smarthost, or one with a route does")
	}
	if a.Find("c.test") == nil || a.Find("own.test").Name != "own.test" || a.PlaceOf("c.test") != nil {
		t.Error("a domain is not found")
	}
}

// Sites are counted as down until they are back.
func TestAtlas_Down(t *testing.T) {
	a := newAtlas(settings.Config{})
	hop := a.Add(a.Place(&route.Path{Site: "mx"}), theSource)
	hop.Fail("no answer", noon, a.cfg.Load())
	a.Failed(hop)
	if n := a.Down(noon); n != 1 {
		t.Errorf("%d are down, want 1", n)
	}
	if n := a.Down(hop.Until); n != 0 || len(a.failing) != 0 {
		t.Errorf("%d are down after it is back", n)
	}
}
