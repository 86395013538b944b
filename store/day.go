package store

// Day is what an account's mail of a day in the operator's zone came to. Its e-mails and
// octets are those of the ledger; dayCount has what became of them.
type Day struct {
	Day    string // "2026-11-29"
	Emails int64  // that were accepted
	Bytes  int64

	Delivered int64                  // of them until now
	Deferred  int64                  // put off at least once
	Failed    map[string]int64       // given up, by category
	Providers map[string]ProviderDay // by name; OtherProviders: beyond mostProviders

	Bounced    int64 // of Delivered, those that came back
	Complained int64 // of Delivered, those that were reported as spam
}

// ProviderDay is what became of a day's mail at one provider.
type ProviderDay struct{ Delivered, Deferred, Failed int64 }

// OtherProviders is the name under which those are counted that a day has no room for.
const OtherProviders = "other"

// at adds to the counts of a provider.
func (d *Day) at(provider string, p ProviderDay) {
	if d.Providers == nil {
		d.Providers = map[string]ProviderDay{}
	}
	sum := d.Providers[provider]
	d.Providers[provider] = ProviderDay{sum.Delivered + p.Delivered, sum.Deferred + p.Deferred, sum.Failed + p.Failed}
}

// add adds up two counts of the same day.
func (d *Day) add(o *Day) {
	d.Emails, d.Bytes = d.Emails+o.Emails, d.Bytes+o.Bytes
	d.Delivered, d.Deferred = d.Delivered+o.Delivered, d.Deferred+o.Deferred
	d.Bounced, d.Complained = d.Bounced+o.Bounced, d.Complained+o.Complained
	for category, n := range o.Failed {
		if d.Failed == nil {
			d.Failed = map[string]int64{}
		}
		d.Failed[category] += n
	}
	for name, p := range o.Providers {
		d.at(name, p)
	}
}

// failures of all categories.
func (d *Day) failures() (sum int64) {
	for _, n := range d.Failed {
		sum += n
	}
	return sum
}
