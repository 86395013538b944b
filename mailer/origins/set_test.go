package origins

import (
	"net/netip"
	"testing"
	"time"

	"relay/mailer/paceentry"
	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/mailer/source"
	"relay/store/egress"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func sourceOf(addr string) source.Source { return source.Source{Addr: netip.MustParseAddr(addr)} }

func config() *settings.Config {
	c := &settings.Config{}
	c.SetDefaults()
	return c
}

func TestSet_Choose(t *testing.T) {
	for _, tt := range []struct {
		what  string
		make  func(best, other *site.Origin, p *site.Place)
		other bool // is taken
	}{
		{"the other one is gone", func(_, other *site.Origin, _ *site.Place) { other.Gone = true }, false},
		{"it is drained", func(best, _ *site.Origin, _ *site.Place) { best.Drained = true }, true},
		{"it is listed", func(best, _ *site.Origin, _ *site.Place) { best.Listed = true }, true},
		{"it is listed for the account", func(best, _ *site.Origin, _ *site.Place) { best.Listed, best.Culprit = true, "acme" }, false},
		{"the place shuns it", func(best, _ *site.Origin, p *site.Place) { p.At(best).Shun(noon) }, true},
		{"the place is down for it", func(best, _ *site.Origin, p *site.Place) { p.At(best).Until = noon.Add(time.Minute) }, true},
		{"the other one is a standby", func(_, other *site.Origin, _ *site.Place) { other.Standby = true }, false},
		{"it is a standby", func(best, _ *site.Origin, _ *site.Place) { best.Standby = true }, true},
		{"it is a standby, the other one is listed", func(best, other *site.Origin, _ *site.Place) { best.Standby, other.Listed = true, true }, false},
		{"the other one is of another pool", func(_, other *site.Origin, _ *site.Place) { other.Pool = "gold" }, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			// Both orders: the lot that an account has drawn decides between equals only.
			for _, names := range [][2]string{{"192.0.2.1", "192.0.2.2"}, {"192.0.2.2", "192.0.2.1"}} {
				s := New([]source.Source{sourceOf(names[0]), sourceOf(names[1])})
				p := &site.Place{}
				for _, o := range s.All() {
					p.Sites = append(p.Sites, site.New(p, o))
					p.At(o).Gate.Resume()
				}
				tt.make(s.All()[0], s.All()[1], p)
				want := s.All()[0]
				if tt.other {
					want = s.All()[1]
				}
				if got := s.Choose(config(), p, "acme", "", noon); got != want {
					t.Errorf("%v is taken, want %s", got, want.Name)
				}
			}
		})
	}
}

// An account stays with one of several sources that are equally good, and none is taken where
// none may be used.
func TestSet_Choose_lot(t *testing.T) {
	s := New([]source.Source{sourceOf("192.0.2.1"), sourceOf("192.0.2.2")})
	p := &site.Place{}
	first := s.Choose(config(), p, "acme", "", noon)
	for range 10 {
		if got := s.Choose(config(), p, "acme", "", noon); got != first {
			t.Fatal("the account changes its source")
		}
	}
	for _, o := range s.All() {
		o.Gone = true
	}
	if got := s.Choose(config(), p, "acme", "", noon); got != nil {
		t.Errorf("%s is taken though it is gone", got.Name)
	}
	if s.Named("192.0.2.1", p, noon) != nil || s.Pool("gold") != "" {
		t.Error("a source that is gone, or a pool without one, is offered")
	}
}

// A source that leaves the configuration and comes back goes on with its warm-up.
func TestSet_Replace(t *testing.T) {
	warming := sourceOf("192.0.2.1")
	warming.WarmUp = 50
	plain := sourceOf("192.0.2.2")
	s := New([]source.Source{warming, plain})
	e := paceentry.Of(paceentry.WarmKey+s.All()[0].Name+"\x00gmail", paceentry.ReadWarmth(nil))
	s.Load(&e)
	s.Loaded()
	old := s.All()[0]
	if old.Warm["gmail"] == nil {
		t.Fatal("what the store has of the warm-up is not there")
	}
	old.Warm["gmail"].Now(noon).Send(7)
	if changed := s.Replace([]source.Source{plain}); len(changed) != 1 || changed[0] != old || !old.Gone || s.Has(old) {
		t.Errorf("%d sources changed, want the one that is gone", len(changed))
	}
	if changed := s.Replace([]source.Source{warming, plain}); len(changed) != 0 {
		t.Errorf("%d sources changed, want none of those that stay", len(changed))
	}
	if w := s.All()[0].Warm["gmail"]; w == nil || w.Now(noon).Sent != 7 {
		t.Errorf("the warm-up is %+v, want 7 sent", w)
	}
	faster := warming
	faster.WarmUp = 100
	if changed := s.Replace([]source.Source{faster, plain}); len(changed) != 1 {
		t.Errorf("%d sources changed, want the one that is configured anew", len(changed))
	}
}

func TestSet_SetStates(t *testing.T) {
	s := New([]source.Source{sourceOf("192.0.2.1"), sourceOf("192.0.2.2")})
	a, b := s.All()[0], s.All()[1]
	drained := []egress.SourceState{{Name: a.Name, Drained: &egress.Drain{}}, {Name: b.Name, Gone: noon}}
	changed, back := s.SetStates(drained)
	if len(changed) != 1 || changed[0] != a || len(back) != 1 || back[0] != b {
		t.Errorf("%d changed, %d came back", len(changed), len(back))
	}
	if changed, _ = s.SetStates(drained); len(changed) != 0 || a.Usable(noon) {
		t.Errorf("%d changed again; drained %v", len(changed), a.Drained)
	}
	if changed, _ = s.SetStates(nil); len(changed) != 1 || !a.Usable(noon) {
		t.Errorf("%d changed, drained %v, want the one that is not drained any more", len(changed), a.Drained)
	}
}
