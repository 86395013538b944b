package outcomes

import "relay/store/room"

// Sum is what became of the mail of a day, or of several, until now.
type Sum struct {
	Delivered int64
	Deferred  int64               // put off at least once
	Failed    map[string]int64    // given up, by category
	Providers map[string]Provider // by name; OtherProviders: beyond mostProviders a day

	Bounced    int64 // of Delivered, those that came back
	Complained int64 // of Delivered, those that were reported as spam
}

// Provider is what became of mail at one provider.
type Provider struct{ Delivered, Deferred, Failed int64 }

// OtherProviders is the name under which those are counted that a day has no room for.
const OtherProviders = "other"

// Add adds another sum.
func (s *Sum) Add(o *Sum) {
	s.Delivered, s.Deferred = s.Delivered+o.Delivered, s.Deferred+o.Deferred
	s.Bounced, s.Complained = s.Bounced+o.Bounced, s.Complained+o.Complained
	for category, n := range o.Failed {
		if s.Failed == nil {
			s.Failed = map[string]int64{}
		}
		s.Failed[category] += n
	}
	for name, p := range o.Providers {
		s.at(name, p)
	}
}

// at adds to the counts of a provider.
func (s *Sum) at(provider string, p Provider) {
	if s.Providers == nil {
		s.Providers = map[string]Provider{}
	}
	is := s.Providers[provider]
	s.Providers[provider] = Provider{is.Delivered + p.Delivered, is.Deferred + p.Deferred, is.Failed + p.Failed}
}

// Failures of all categories.
func (s *Sum) Failures() (sum int64) {
	for _, n := range s.Failed {
		sum += n
	}
	return sum
}

// InPeriod is what became of an account's mail of a period until now, all days added up. Of a
// period that is more than daysKept days ago there is nothing.
func (o *Outcomes) InPeriod(account, period string) (sum Sum, err error) {
	err = o.db.View(func(t room.Tx) error {
		sum = Sum{}
		return o.EachDay(&t, account, "", "", func(_, of string, d *Day) {
			if of == period {
				is := d.Sum()
				sum.Add(&is)
			}
		})
	})
	return sum, err
}

// Between counts the e-mails of an account that were delivered and that failed, of days from one
// until before another, such as "2026-11-01".
func (o *Outcomes) Between(account, from, until string) (delivered, failed int64, err error) {
	err = o.db.View(func(t room.Tx) error {
		delivered, failed = 0, 0
		return o.EachDay(&t, account, from, until, func(_, _ string, d *Day) {
			delivered, failed = delivered+int64(d.Delivered), failed+d.Failures()
		})
	})
	return delivered, failed, err
}
