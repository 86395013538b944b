package tell

import (
	"time"

	"relay/report/letter/wording"
)

// Digest is how the relay stands, for its operator.
type Digest struct {
	Day time.Time // that it tells of: the day before

	Near, Over         Named // accounts that have nearly used their allowance, and more than that
	Overdue, Suspended Named // that owe money, and that were suspended since the day began
	Failing            []Failing
	MoreFailing        int64       // beside those in the list
	Returned           []Returning // near a limit of what may come back, the worst first
	MoreReturned       int64       // beside these

	Trouble     bool     // something of what follows is wrong: see Troubled
	Sources     []string // what is wrong with each, in relay's words
	Unwell      string   // what is wrong with the running relay; "": nothing
	Certificate Certificate

	Queue Queue
	Sites []Site // that are slow, or stopped
	Store Size
	Jobs  []FailedJob

	Backup     time.Time // of the last copy; zero: there is none
	BackupLate bool      // it is older than the schedule wants

	Back int64 // e-mails of the day that came back later
	Spam int64 // that were reported as spam

	Refused int64 // e-mails to abuse@ and postmaster@ since the day began, of which there were too many
	Replies int64 // kinds of replies that no rule knew, new since the day began

	Month                string // of the figures of money, "2026-11"
	Invoiced, Paid, Open wording.Amount
}

// Named are accounts, the first of them by name.
type Named struct {
	Count int64
	Names []string
	More  int64 // beside these
}

// Failing is an account more of whose mail fails than is usual for it.
type Failing struct {
	Account      string
	Failed, Sent int64 // of the day
	Before       int64 // usual of so much mail
}

// Returning is an account of whose mail much comes back, with its worst figures.
type Returning struct {
	Account string
	State   string // "near": half of a limit is reached; "warned", "over": that of a warning, a suspension is
	Signs          // Count and Share are the next limit; 0: there is none
}

// Certificate of the listeners.
type Certificate struct {
	Ends    time.Time // zero: none is needed, or it is looked after
	Days    int64     // until then
	Problem string    // why there is no new one; "": nothing is wrong
}

// Queue is the mail that waits.
type Queue struct {
	Messages, Octets int64
	Oldest           time.Time // zero: none waits
}

// Site is a provider that mail goes to slowly, or not at all.
type Site struct {
	Name  string
	Until time.Time // zero: it is slow
	Why   string
}

// Size of the store and of its disk.
type Size struct {
	File, Free, Disk int64 // Disk 0: it is not known
	Low              bool  // less than a tenth of the disk is free
}

// FailedJob is a scheduled job that fails.
type FailedJob struct {
	Job, Error string
	Since      time.Time
}

// Something reports whether there is something to tell: figures alone are not.
func (d *Digest) Something() bool {
	for _, n := range []Named{d.Near, d.Over, d.Overdue, d.Suspended} {
		if n.Count > 0 {
			return true
		}
	}
	return len(d.Failing)+len(d.Returned) > 0 || d.Replies > 0 || d.Refused > 0 || d.Troubled()
}

// Troubled reports whether the machine or the way out needs somebody.
func (d *Digest) Troubled() bool {
	return len(d.Sources)+len(d.Sites)+len(d.Jobs) > 0 || d.Unwell != "" || !d.Certificate.Ends.IsZero() || d.BackupLate || d.Store.Low
}

// SampleDigest is an invented one.
func SampleDigest(now time.Time) *Digest {
	euro := func(minor int64) wording.Amount { return wording.Amount{Minor: minor, Currency: "EUR"} }
	return &Digest{Day: now.AddDate(0, 0, -1),
		Near: Named{2, []string{"neri-shop", "verdi-web"}, 0}, Over: Named{1, []string{"bianchi"}, 0},
		Overdue: Named{12, []string{"alfa", "beta", "gamma"}, 9}, Suspended: Named{1, []string{"old-shop"}, 0},
		Failing: []Failing{{"verdi-web", 312, 1_200, 18}},
		Returned: []Returning{{"newsletter", "over", Signs{Sign: "bounce", Window: "day", N: 64, Of: 580}},
			{"verdi-web", "warned", Signs{Sign: "complaint", Window: "week", N: 4, Of: 3_100, Count: 5, Share: 3_000}},
			{"neri-shop", "near", Signs{Sign: "complaint", Window: "day", N: 2, Of: 2_400, Count: 3, Share: 1_000}}},
		MoreReturned: 2,
		Sources:      []string{"192.0.2.7: zen.spamhaus.org"},
		Certificate:  Certificate{now.AddDate(0, 0, 9), 9, "authority answers 429: too many certificates"},
		Queue:        Queue{1_204, 88_000_000, now.Add(-26 * time.Hour)},
		Sites:        []Site{{"Yahoo", time.Time{}, "421 4.7.0 [TSS04] Messages temporarily deferred"}, {"Microsoft", now.Add(2 * time.Hour), "451 4.7.500 Server busy"}},
		Store:        Size{2_400_000_000, 6_100_000_000, 80_000_000_000, true},
		Jobs:         []FailedJob{{"backup", "write /var/backups/relay: no space left on device", now.Add(-4 * time.Hour)}},
		Backup:       now.Add(-28 * time.Hour), BackupLate: true, Back: 41, Spam: 2, Replies: 3, Refused: 40,
		Month: now.Format("2006-01"), Invoiced: euro(412_000), Paid: euro(300_000), Open: euro(112_000)}
}
