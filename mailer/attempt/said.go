package attempt

import (
	"time"

	"relay/mailer/pace"
	"relay/mailer/paceentry"
	"relay/mailer/verdict"
	"relay/store/sites"
)

// Said is a reply about recipients of a message.
type Said struct {
	verdict.Verdict
	Reply string
	Rcpts int // about whom it was said
}

// hear notes what was said of targets, before it is stored, and returns what must be
// stored with it: a site that stopped must stay so after a crash.
func (a *attempt) hear(targets []int, now time.Time) (keep []sites.PaceEntry) {
	blamed := false
	for _, i := range targets {
		t := &a.targets[i]
		blamed = blamed || t.verdict.Slows == verdict.Source
		v, reply := t.verdict, ""
		if v.Class != verdict.Delivered {
			reply = t.out.Reply.String()
		}
		if n := len(a.said); n > 0 && a.said[n-1].Reply == reply && a.said[n-1].Class == v.Class {
			a.said[n-1].Rcpts++
			continue
		}
		a.said = append(a.said, Said{v, reply, 1})
		if d := StopOf(v); d > 0 && a.job.Path != nil {
			keep = append(keep, paceentry.Stop(a.job.Site, pace.State{Until: now.Add(d), Since: now, Why: reply}))
		}
	}
	if e, ok := warmEntry(a.job, a.uncounted(), blamed, now); ok {
		keep = append(keep, e)
	}
	return keep
}

// uncounted are transactions of the message that the store does not count yet.
func (a *attempt) uncounted() int {
	if a.counted {
		return 0
	}
	a.counted = true
	return a.job.Sends
}

// StopOf is how long a site stops after a reply; 0: it does not.
func StopOf(v verdict.Verdict) time.Duration {
	if v.Slows == verdict.Site || v.Slows == verdict.Source {
		return max(v.Suspend, v.Wait)
	}
	return v.Suspend
}

// warmEntry counts messages of a job in the store, and whether a reply was about the
// address. Of a source without warm-up there is none.
func warmEntry(j *Job, n int, blamed bool, now time.Time) (e sites.PaceEntry, ok bool) {
	blamed = blamed && j.Provider != pace.AnyOther // see blame
	if j.Warm == "" || n == 0 && !blamed {
		return e, false
	}
	return sites.PaceEntry{Key: j.Warm, Change: paceentry.Warmed(j.From.WarmUp, n, blamed, now)}, true
}
