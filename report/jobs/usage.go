package jobs

import (
	"context"
	"log/slog"
	"time"

	"relay/report/jobs/calendar"
	"relay/store/news"
	"relay/store/standing"
)

// Watching is what the job usage did. What it found is stored as news, which RunNews tells.
type Watching struct {
	Job    string    `json:"job"`
	At     time.Time `json:"at"`
	Found  []Watched `json:"found"`
	Failed []Failure `json:"errors"`
	MS     int64     `json:"ms"`
}

// Watched is an account that is told how it stands.
type Watched struct {
	Account string `json:"account"`
	Kind    string `json:"kind"`           // of news: "usage", "daily", "near", "overage-step" or "access-daily"
	Tenth   int    `json:"tenth"`          // of usage and overage-step: that is passed
	Also    string `json:"also,omitempty"` // kind of news beside it: "access-daily"
}

// found adds news of an account. What a look finds of one comes in a row.
func (w *Watching) found(account string, n *news.Item) {
	is := Watched{Account: account, Kind: string(n.Kind)}
	if n.Kind != news.AccessDaily {
		is.Tenth = n.Step
	}
	if last := len(w.Found) - 1; last >= 0 && w.Found[last].Account == account {
		is.Also = w.Found[last].Kind
		w.Found = w.Found[:last]
	}
	w.Found = append(w.Found, is)
}

// Near is the percentage of the allowance at which customers are told that the limit is near.
func (r *Runner) Near() int { return r.config().Looks.Near }

// Failures implements Result.
func (w *Watching) Failures() []Failure { return w.Failed }

// runUsage is the scheduled job, which also runs at each start. The first time of all it only
// notes the time: a relay that was just installed or upgraded looks when it is due.
func (r *Runner) runUsage(ctx context.Context) error {
	due, err := r.lookDue()
	if err != nil {
		return err
	}
	if !due {
		return errNotDue
	}
	_, err = r.Usage(ctx)
	return err
}

// lookDue reports whether a time of the schedule has passed since the last look. After a look
// that is yet to come the clock was wrong then, and one is due.
func (r *Runner) lookDue() (bool, error) {
	state, err := r.store.Jobs.State(Usage)
	if err != nil {
		return false, err
	}
	now := r.store.Now()
	last, err := time.Parse(time.RFC3339Nano, state.Last)
	if err != nil {
		return false, r.did(Usage, now)
	}
	s, err := calendar.Parse(r.config().Looks.Schedule)
	if err != nil {
		return false, err
	}
	return last.After(now) || !s.Next(last.In(r.store.Zone())).After(now), nil
}

// Usage looks at what accounts have used. After downtime it looks once. With an error it also
// returns what it found before.
func (r *Runner) Usage(ctx context.Context) (*Watching, error) {
	at, start := r.store.Now(), time.Now()
	res := &Watching{Job: Usage, At: at, Found: []Watched{}, Failed: []Failure{}}
	err := r.each(ctx, func(ctx context.Context, stop func(error) bool) error {
		return r.store.Standings.LookAtUse(ctx, standing.Look{Near: r.config().Looks.Near, Day: at.In(r.store.Zone()).AddDate(0, 0, -1).Format(time.DateOnly),
			Found: func(account string, n *news.Item, err error) {
				switch {
				case err == nil:
					res.found(account, n)
				case !stop(err):
					res.Failed = append(res.Failed, Failure{account, err.Error()})
					r.often.Fails(slog.LevelError, account, cannotLook, slog.String("account", account), slog.Any("err", err))
				}
			}})
	})
	if res.MS = time.Since(start).Milliseconds(); err != nil {
		return res, err
	}
	r.log.Info("looked at use", "told", len(res.Found), "failed", len(res.Failed), "ms", res.MS)
	return res, r.did(Usage, at)
}
