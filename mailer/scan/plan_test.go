package scan

import (
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/mailer/site"
)

// noon is when the scans of these tests begin.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func config(speed int64) *settings.Config {
	c := &settings.Config{Speed: speed, Window: 10}
	c.SetDefaults()
	return c
}

// visit makes a step at noon in which lanes lanes have room, and more has none.
func (p *Plan) visit(c *settings.Config, lanes int, crammed bool) (seen int) {
	p.Begin(noon)
	for range lanes {
		if !p.Visit(c, false) {
			return seen
		}
		seen++
	}
	if crammed {
		p.Visit(c, true)
	}
	return seen
}

func TestPlan_End(t *testing.T) {
	const gap = minGap
	for _, tt := range []struct {
		what    string
		lanes   int
		crammed bool
		is      Step
		meant   func(*Plan) // said while the step is under way
		ended   bool
		due     time.Duration // after noon
	}{
		{"nothing waits", 3, false, Step{}, nil, true, site.MaxInterval},
		{"the next lane is due later", 3, false, Step{Next: noon.Add(20 * time.Second)}, nil, true, 20 * time.Second},
		{"the next lane is due at once", 3, false, Step{Next: noon.Add(time.Millisecond)}, nil, true, gap},
		{"more lanes than a step takes", stepLanes, false, Step{From: []byte("on")}, nil, false, 0},
		{"the store fails", 3, false, Step{Failed: true}, nil, false, ErrorGap},
		{"no room any more", 3, true, Step{From: []byte("on"), Crammed: true}, nil, true, site.MaxInterval},
		{"room again at the end of the step", 3, true, Step{From: []byte("on")}, nil, true, time.Second},
		{"no room, and then some", 3, true, Step{From: []byte("on"), Crammed: true}, (*Plan).Freed, true, gap},
		{"a scan that takes long rests long", 3, true, Step{From: []byte("on"), Crammed: true, Took: time.Second}, (*Plan).Freed, true, duty * time.Second},
		{"one lane without room, and then room", 3, false, Step{}, func(p *Plan) { p.Missed(); p.Freed() }, true, gap},
		{"room that no lane lacked", 3, false, Step{}, (*Plan).Freed, true, site.MaxInterval},
	} {
		t.Run(tt.what, func(t *testing.T) {
			c, p := config(1), &Plan{}
			if !p.Due(c, noon) {
				t.Fatal("no scan is due at the start")
			}
			p.visit(c, tt.lanes, tt.crammed)
			if tt.meant != nil {
				tt.meant(p)
			}
			if got := p.End(c, noon, tt.is); got != tt.ended {
				t.Errorf("End = %v, want %v", got, tt.ended)
			}
			p.wantDue(t, c, tt.due)
		})
	}
}

// wantDue checks that the plan is due that long after noon, and not before.
func (p *Plan) wantDue(t *testing.T, c *settings.Config, after time.Duration) {
	t.Helper()
	if after > 0 && p.Due(c, noon.Add(after-1)) {
		t.Errorf("due before %v", after)
	}
	if !p.Due(c, noon.Add(after)) {
		t.Errorf("not due after %v, but at %v", after, p.At().Sub(noon))
	}
}

// What becomes due behind the place where a scan stands has another one follow it.
func TestPlan_DueAt_duringAScan(t *testing.T) {
	c, p := config(1), &Plan{}
	p.visit(c, stepLanes, false)
	p.End(c, noon, Step{From: []byte("on")})
	p.DueAt(noon.Add(5 * time.Second))
	p.DueAt(noon.Add(7 * time.Second))
	if from := p.Begin(noon); string(from) != "on" {
		t.Fatalf("the scan goes on at %q", from)
	}
	p.End(c, noon, Step{})
	p.wantDue(t, c, 5*time.Second)
}

// Most scans see a few windows of lanes only, the first and now and then another all.
func TestPlan_Visit(t *testing.T) {
	c, p := config(1), &Plan{}
	scan := func(now time.Time) (seen int) {
		for {
			p.Begin(now)
			n := 0
			for p.Visit(c, false) {
				if n++; seen+n == 5*stepLanes {
					break
				}
			}
			is := Step{From: []byte("on"), Took: time.Second}
			if seen += n; seen == 5*stepLanes {
				is.From = nil
			}
			if p.End(c, now, is) {
				return seen
			}
		}
	}
	if n := scan(noon); n != 5*stepLanes {
		t.Errorf("the first scan saw %d lanes, want all", n)
	}
	if n := scan(noon.Add(time.Minute)); n != 4*c.Window+1 {
		t.Errorf("the second scan saw %d lanes, want %d", n, 4*c.Window+1)
	}
	if n := scan(noon.Add(time.Hour)); n != 5*stepLanes {
		t.Errorf("a scan an hour later saw %d lanes, want all", n)
	}
}

func TestPlan_Restart(t *testing.T) {
	c, p := config(1), &Plan{}
	p.visit(c, stepLanes, false)
	p.End(c, noon, Step{From: []byte("on")})
	p.Restart()
	p.wantDue(t, c, 0)
	if from := p.Begin(noon); from != nil {
		t.Errorf("the scan goes on at %q", from)
	}
}

// A clock that was set back does not keep the scan waiting.
func TestPlan_Due_clockSetBack(t *testing.T) {
	c, p := config(1), &Plan{}
	p.visit(c, 1, false)
	p.End(c, noon, Step{})
	if !p.Due(c, noon.Add(-time.Hour)) {
		t.Error("not due after the clock was set back")
	}
}

// At the greatest speed the schedule does not spin: a scan has its least gap.
func TestPlan_gap(t *testing.T) {
	c := config(100_000)
	if got := c.Lasts(gapOf(c)); got < fastGap {
		t.Errorf("scans %v apart", got)
	}
	if got := gapOf(config(1)); got != minGap {
		t.Errorf("at speed 1 scans %v apart, want %v", got, minGap)
	}
}
