// Package digest gathers what the operator's digest tells, from what relay knows already.
//
//  1. All accounts are glanced at, 256 a transaction: which are near the limit or over it,
//     which owe, which were suspended, of which much comes back, and whose mail fails more
//     than is usual.
//  2. The queue's keys, the states of the jobs, new replies and the invoices of the month
//     are summed up.
//  3. What only a running relay knows comes from Host.
//
// It writes nothing. Of each list it keeps a few, so memory does not grow with the accounts.
package digest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"relay/mailer/verdict"
	"relay/report/jobs"
	"relay/report/jobs/calendar"
	"relay/report/letter/wording"
	"relay/report/tell"
	"relay/store"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/overview"
	"relay/store/signs"
	"relay/store/spool"
)

// Host is what the running relay knows of itself.
type Host struct {
	Unwell      string   // what is wrong; "": nothing
	Sources     []string // what is wrong with each
	Certificate tell.Certificate
	Sites       []tell.Site // that are slow, or stopped
	Refused     int64       // e-mails to abuse@ and postmaster@, of which there were too many
	Free, Disk  int64       // octets of the disk that the store is on; Disk 0: it is not known
}

// Options are what the digest asks for beside the store.
type Options struct {
	Near   int // percent of the allowance
	Abuse  signs.Rules
	Backup string // schedule of the backups; "": there is none
	Jobs   func() ([]jobs.State, error)
	Host   func(context.Context) Host
}

// How much of a list is told.
const (
	mostNames    = 5
	mostFailing  = 10
	mostReturned = 10
	mostSites    = 10
)

// backupTakes is how long a backup may be overdue.
const backupTakes = 2 * time.Hour

// Collect reads how the relay stands.
func Collect(ctx context.Context, st *store.Store, o Options) (*tell.Digest, error) {
	now := st.Now().In(st.Zone())
	y, m, d := now.Date()
	c := &collecting{ctx: ctx, st: st, o: o, now: now, today: st.Today(), since: time.Date(y, m, d-1, 0, 0, 0, 0, st.Zone()), d: &tell.Digest{}}
	c.d.Day = c.since
	for _, part := range []func() error{c.accounts, c.host, c.queue, c.backup, c.jobs, c.replies, c.money} {
		if err := errors.Join(part(), ctx.Err()); err != nil {
			return nil, err
		}
	}
	return c.d, nil
}

// collecting is a digest under way.
type collecting struct {
	ctx   context.Context
	st    *store.Store
	o     Options
	now   time.Time
	today int       // its number
	since time.Time // the beginning of the day before
	d     *tell.Digest
}

func (c *collecting) accounts() error {
	day := c.since.Format(time.DateOnly)
	err := c.st.Overview.EachGlance(books.Wanted{Pause: c.ctx.Err}, day, func(g *overview.Glance) error {
		name := g.Account.Name
		if g.InTerm && g.Account.Status() == ledger.Active {
			switch {
			case g.Use().Overage > 0:
				note(&c.d.Over, name)
			case g.InPeriod().Parts(g.Used.Charged, 100) >= int64(c.o.Near):
				note(&c.d.Near, name)
			}
		}
		if g.Overdue {
			note(&c.d.Overdue, name)
		}
		if !g.Suspended.IsZero() && !g.Suspended.Before(c.since) {
			note(&c.d.Suspended, name)
		}
		c.d.Back, c.d.Spam = c.d.Back+g.Bounced, c.d.Spam+g.Complained
		c.returned(name, g.Signs.Sums(&c.o.Abuse, c.today, &g.Mail))
		return c.failing(name, g.Delivered, g.Failed)
	})
	slices.SortFunc(c.d.Failing, func(a, b tell.Failing) int {
		return cmp.Or(cmp.Compare(b.Failed, a.Failed), strings.Compare(a.Account, b.Account))
	})
	return err
}

func note(n *tell.Named, name string) {
	if n.Count++; len(n.Names) < mostNames {
		n.Names = append(n.Names, name)
	} else {
		n.More++
	}
}

// returned notes an account that is near a limit of what may come back, or beyond. Of many the
// worst are kept, of those alike the first by name.
func (c *collecting) returned(name string, sums []signs.Sum) {
	w := signs.Worst(sums)
	if w == nil || !w.State().Reaches(signs.Near) {
		return
	}
	next := w.Next()
	is := tell.Returning{Account: name, State: string(w.State()),
		Signs: tell.Signs{Sign: string(w.Sign), Window: string(w.Window), N: w.N, Of: w.Of, Count: next.Count, Share: next.Share}}
	at := slices.IndexFunc(c.d.Returned, func(r tell.Returning) bool { return !signs.State(r.State).Reaches(w.State()) })
	if at < 0 {
		at = len(c.d.Returned)
	}
	if c.d.Returned = slices.Insert(c.d.Returned, at, is); len(c.d.Returned) > mostReturned {
		c.d.Returned = c.d.Returned[:mostReturned]
		c.d.MoreReturned++
	}
}

// When more mail failed than usual: so many e-mails, so much of the day's, and so many times
// the usual share, which is taken to be one in a hundred where less is usual or nothing is
// known.
const (
	leastFailed = 20
	leastShare  = 0.05
	timesUsual  = 3
	leastUsual  = 0.01
	usualDays   = 28
)

// failing notes an account of whose mail more failed than usual. The days before are read
// only where much failed.
func (c *collecting) failing(name string, delivered, failed int64) error {
	sent := delivered + failed
	if failed < leastFailed || float64(failed) < leastShare*float64(sent) {
		return nil
	}
	good, bad, err := c.st.Outcomes.Between(name, c.since.AddDate(0, 0, -usualDays).Format(time.DateOnly), c.since.Format(time.DateOnly))
	if err != nil {
		return err
	}
	usual := leastUsual
	if all := good + bad; all > 0 {
		usual = max(usual, float64(bad)/float64(all))
	}
	if float64(failed) < timesUsual*usual*float64(sent) {
		return nil
	}
	is := tell.Failing{Account: name, Failed: failed, Sent: sent}
	if good+bad > 0 {
		is.Before = int64(float64(bad) / float64(good+bad) * float64(sent))
	}
	c.noteFailing(is)
	return nil
}

// noteFailing keeps the accounts of which most failed.
func (c *collecting) noteFailing(is tell.Failing) {
	if c.d.Failing = append(c.d.Failing, is); len(c.d.Failing) <= mostFailing {
		return
	}
	least := 0
	for i := range c.d.Failing {
		if c.d.Failing[i].Failed < c.d.Failing[least].Failed {
			least = i
		}
	}
	c.d.Failing = slices.Delete(c.d.Failing, least, least+1)
	c.d.MoreFailing++
}

// plenty of room is enough, however large the disk is.
const plenty = 20_000_000_000

func (c *collecting) host() error {
	h := c.o.Host(c.ctx)
	c.d.Unwell, c.d.Sources, c.d.Certificate, c.d.Refused = h.Unwell, h.Sources, h.Certificate, h.Refused
	c.d.Sites = h.Sites[:min(len(h.Sites), mostSites)]
	file, _ := c.st.Size()
	c.d.Store = tell.Size{File: file, Free: h.Free, Disk: h.Disk, Low: h.Disk > 0 && h.Free < h.Disk/10 && h.Free < plenty}
	return nil
}

func (c *collecting) queue() error {
	sum, err := c.st.Spool.Totals()
	if err != nil {
		return err
	}
	c.d.Queue.Messages, c.d.Queue.Octets = sum.Messages, sum.Bytes
	return c.st.Spool.Lanes(c.ctx, func(l *spool.LaneSum) error {
		if at := l.Oldest.Timestamp(); c.d.Queue.Oldest.IsZero() || at.Before(c.d.Queue.Oldest) {
			c.d.Queue.Oldest = at
		}
		return nil
	})
}

func (c *collecting) backup() error {
	last, ever, err := jobs.LastBackup(c.st)
	if err != nil || c.o.Backup == "" {
		c.d.Backup = last
		return err
	}
	s, err := calendar.Parse(c.o.Backup)
	if err != nil {
		return err
	}
	c.d.Backup = last
	c.d.BackupLate = !ever || c.now.After(s.Next(last.In(c.st.Zone())).Add(backupTakes))
	return nil
}

func (c *collecting) jobs() error {
	list, err := c.o.Jobs()
	for _, j := range list {
		if j.Error != "" {
			c.d.Jobs = append(c.d.Jobs, tell.FailedJob{Job: j.Job, Error: j.Error, Since: *j.Since})
		}
	}
	return err
}

func (c *collecting) replies() error {
	list, err := c.st.Sites.ReplyKinds()
	for i := range list {
		if h := &list[i]; h.Verdict.Category == string(verdict.Uncategorized) && !h.First.Before(c.since) {
			c.d.Replies++
		}
	}
	return err
}

// money of the month so far; on its first day that of the month before, which is told whole.
func (c *collecting) money() error {
	y, m, _ := c.since.Date()
	r, err := c.st.Books.RevenueSince(time.Date(y, m, 1, 0, 0, 0, 0, c.st.Zone()))
	if err != nil || r == (books.Revenue{Currency: r.Currency}) {
		return err
	}
	amount := func(minor int64) wording.Amount { return wording.Amount{Minor: minor, Currency: r.Currency} }
	c.d.Month, c.d.Invoiced, c.d.Paid, c.d.Open = c.since.Format("2006-01"), amount(r.Invoiced), amount(r.Paid), amount(r.Open)
	return nil
}
