package pace

import (
	"math/rand/v2"
	"testing"
	"time"
)

// provider takes so many messages in any minute, and says so of none.
type provider struct {
	most  func(time.Time) int
	taken []time.Time // in the last minute
}

func (p *provider) takes(now time.Time) bool {
	for len(p.taken) > 0 && now.Sub(p.taken[0]) >= time.Minute {
		p.taken = p.taken[1:]
	}
	if len(p.taken) >= p.most(now) {
		return false
	}
	p.taken = append(p.taken, now)
	return true
}

// flight is a message whose reply comes later.
type flight struct {
	at    time.Time // when the reply comes
	taken bool
}

// run sends n messages to a provider as its ceiling allows, each reply two seconds later.
// A message that is refused is sent again, after the others.
func run(s *Site, p *provider, n int, end time.Time) (sent, refused, left int, done time.Time) {
	var under []flight
	left = n
	for now := start; now.Before(end) && left+len(under) > 0; {
		for len(under) > 0 && !now.Before(under[0].at) {
			if !under[0].taken {
				left++
				s.Slow(now, "421 4.7.28 too fast")
				if now.Sub(start) > time.Hour {
					refused++
				}
			}
			under = under[1:]
		}
		for left > 0 && len(under) < s.Connections(now) && s.Free(now) > 0 {
			s.Send(now, 1)
			left--
			if now.Sub(start) > time.Hour {
				sent++
			}
			under = append(under, flight{now.Add(2 * time.Second), p.takes(now)})
		}
		switch {
		case len(under) > 0 && (left == 0 || len(under) >= s.Connections(now) || s.Free(now) == 0 && under[0].at.Before(s.Next(now))):
			now = under[0].at
		default:
			now = s.Next(now)
		}
		done = now
	}
	return sent, refused, left, done
}

// A provider enforces limits that it does not publish: a third of the row, and changing.
// Everything arrives, hardly any attempt is refused after the first hour, and what the
// provider takes is used.
func TestSite_hiddenLimits(t *testing.T) {
	for _, row := range []*Row{Default().Match([]string{"mx.google.com"}), Default().Match([]string{"mx1.qq.com"}),
		Default().Match([]string{"mx00.gmx.net"}), Default().Match(nil)} {
		l := row.Limits(Normal)
		for name, most := range map[string]func(time.Time) int{
			"a third": func(time.Time) int { return max(1, l.Rate/3) },
			"changing every six hours": func(now time.Time) int {
				r := rand.New(rand.NewPCG(7, uint64(now.Sub(start)/(6*time.Hour))))
				return max(1, int(float64(l.Rate)*(0.2+0.6*r.Float64())))
			},
			"more than the row": func(time.Time) int { return 2 * l.Rate },
		} {
			t.Run(row.Name+", "+name, func(t *testing.T) {
				days := 5
				n := l.Rate / 5 * 60 * 24 * days / 2
				if l.Connections*30 < l.Rate { // the connections bind: a message takes two seconds
					n = n * l.Connections * 30 / l.Rate
				}
				sent, refused, left, done := run(NewSite(l, State{}), &provider{most: most}, n, start.AddDate(0, 0, days))
				t.Logf("%d messages at the row %s: %s; %d refused of %d", n, l, done.Sub(start), refused, sent)
				if left > 0 {
					t.Errorf("%d of %d have not arrived in %d days", left, n, days)
				}
				if refused*50 > sent {
					t.Errorf("%d of %d were refused after the first hour: more than 2 %%", refused, sent)
				}
			})
		}
	}
}
