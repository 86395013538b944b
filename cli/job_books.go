package cli

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"relay/report/money"
	"relay/report/words"
	"relay/store"
	"relay/store/bookclock"
	"relay/store/quiet"
)

// The books by the calendar.
//
//  1. close: what every account used in the months that are over is settled, each
//     account in a transaction of its own, from its allowance, its credit, and
//     blocks that are invoiced.
//  2. dun: accounts that have not paid within the days of grace are held back, and
//     orders that nobody has paid expire.
//
// What is done is not due any more, so that both may run late, often, and at the
// same time as a command. An account that cannot be closed holds up no other; it is
// tried again each time. A crash leaves some accounts to the next run.
const (
	closeJob = "close"
	dunJob   = "dun"
)

// Schedules of the books. Months turn at midnight, whichever hours the day has; the
// other times are a net. The dun has an hour that no change of clocks leaves out.
const (
	closeSchedule = "1 * * * *"
	dunSchedule   = "35 3 * * *"
)

// invoicesTold is the name under which the store knows the last invoice that was
// logged: one that the first message or order of a month made comes up too.
const invoicesTold = "invoices told"

// closeView is what a run came to, as programs see it.
type closeView struct {
	Job      string    `json:"job"`
	At       time.Time `json:"at"`       // what was due then is done
	Accounts int       `json:"accounts"` // that were settled
	Periods  int       `json:"closed_periods"`
	Invoices []string  `json:"invoices"` // as they are printed
	Failed   []failing `json:"errors"`   // tried again at the next run
	MS       int64     `json:"ms"`

	issued []store.Invoice
}

// failing is an account that a job cannot deal with.
type failing struct {
	Account string `json:"account"`
	Error   string `json:"error"`
}

// often logs what goes wrong again and again.
func (r *relay) often() *quiet.Log {
	r.quietly.Do(func() { r.quiet = quiet.New(r.log) })
	return r.quiet
}

// closeMonths is the job.
func (r *relay) closeMonths(ctx context.Context) {
	if h := r.store.Hold(); h != nil {
		r.logClockWrong(h)
	}
	res, err := r.settleMonths(ctx, r.store.BookTime())
	switch {
	case ctx.Err() != nil:
		r.logCloseInterrupted(&res)
		return
	case err != nil:
		r.logJobFailed(closeJob, err)
		return
	case res.Accounts > 0:
		r.logMonthClosed(&res)
	}
	if err := r.tellInvoices(); err != nil {
		r.logJobFailed(closeJob, err)
	}
}

// settleMonths closes what was due at an instant.
func (r *relay) settleMonths(ctx context.Context, at time.Time) (closeView, error) {
	res, start := closeView{Job: closeJob, At: at.UTC(), Invoices: []string{}, Failed: []failing{}}, time.Now()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	err := r.store.CloseBy(ctx, at, func(account string, is store.Receipt, err error) {
		if err != nil {
			if errors.Is(err, store.ErrFull) || r.store.Err() != nil {
				stop(err) // all others would meet it too
				return
			}
			res.Failed = append(res.Failed, failing{account, err.Error()})
			r.logCannotClose(account, err)
			return
		}
		r.often().Works(account, cannotClose)
		res.add(&is)
	})
	res.MS = time.Since(start).Milliseconds()
	slices.SortFunc(res.issued, func(a, b store.Invoice) int { return cmp.Compare(a.Number, b.Number) })
	for i := range res.issued {
		res.Invoices = append(res.Invoices, res.issued[i].Name)
	}
	if err != nil {
		return res, cmp.Or(context.Cause(ctx), err)
	}
	return res, r.didJob(closeJob, at)
}

// add a receipt; one without entries is of an account that is gone.
func (v *closeView) add(is *store.Receipt) {
	if len(is.Entries) == 0 {
		return
	}
	v.Accounts++
	for i := range is.Entries {
		switch is.Entries[i].Kind {
		case store.KindClosed:
			v.Periods++
		case store.KindInvoice:
			v.issued = append(v.issued, *is.Invoice(is.Entries[i].Ref))
		}
	}
}

// didJob notes that what was due at an instant is done. That of an earlier one than
// is noted changes nothing, unless the clock was wrong when that was.
func (r *relay) didJob(name string, at time.Time) error {
	state, err := r.store.Job(name)
	if err != nil {
		return err
	}
	now := r.store.Now()
	if last, err := time.Parse(time.RFC3339Nano, state.Last); err == nil && at.Before(last) && !last.After(now) {
		at = last
	}
	return r.store.SetJob(name, store.JobState{Last: at.UTC().Format(time.RFC3339Nano), Done: now})
}

// tellInvoices logs the invoices for overage that there are since the last time, also
// those that a message or an order made.
func (r *relay) tellInvoices() error {
	state, err := r.store.Job(invoicesTold)
	if err != nil {
		return err
	}
	told, _ := strconv.ParseUint(state.Last, 10, 64) // "": none
	last := told
	err = r.store.Invoices(told+1, func(i *store.Invoice) error {
		last = i.Number
		if i.Kind == store.ForOverage {
			r.logInvoice(i)
		}
		return nil
	})
	if err != nil || last == told {
		return err
	}
	return r.store.SetJob(invoicesTold, store.JobState{Last: strconv.FormatUint(last, 10), Done: r.store.Now()})
}

// dunView is what a dun came to, as programs see it.
type dunView struct {
	Job      string    `json:"job"`
	At       time.Time `json:"at"`
	Accounts int       `json:"accounts"`          // that are held back now
	Held     []string  `json:"held"`              // their names
	Checked  int       `json:"checked"`           // invoices that were looked at
	Expired  []string  `json:"expired,omitempty"` // orders that nobody paid: their invoices, cancelled now
	Failed   []failing `json:"errors"`            // tried again at the next run
	MS       int64     `json:"ms"`
}

// dun is the job.
func (r *relay) dun(ctx context.Context) {
	_, err := r.holdUnpaid(ctx, r.store.BookTime())
	if err != nil && ctx.Err() == nil {
		r.logJobFailed(dunJob, err)
	}
}

// holdUnpaid holds back who was to have paid by an instant.
func (r *relay) holdUnpaid(ctx context.Context, at time.Time) (dunView, error) {
	res, start := dunView{Job: dunJob, At: at.UTC(), Held: []string{}, Failed: []failing{}}, time.Now()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	err := r.store.DunBy(ctx, at, func(i store.Invoice, is store.Receipt, err error) {
		if err != nil {
			if errors.Is(err, store.ErrFull) || r.store.Err() != nil {
				stop(err)
				return
			}
			name := orElse(i.Account, "invoice "+strconv.FormatUint(i.Number, 10))
			res.Failed = append(res.Failed, failing{name, err.Error()})
			r.logCannotDun(name, i.Number, err)
			return
		}
		r.often().Works(i.Account, cannotDun)
		res.Checked++
		if now := is.Invoice(strconv.FormatUint(i.Number, 10)); now != nil && now.Lapsed != nil {
			res.Expired = append(res.Expired, i.Name)
			r.logExpired(&i)
		}
		if is.Before.Hold == "" && is.After.Hold != "" {
			res.Accounts++
			res.Held = append(res.Held, i.Account)
			r.logHeldBack(&i)
		}
	})
	res.MS = time.Since(start).Milliseconds()
	slices.Sort(res.Held)
	if err != nil {
		return res, cmp.Or(context.Cause(ctx), err)
	}
	return res, r.didJob(dunJob, at)
}

// One function per event.

func (r *relay) logClockWrong(h *bookclock.Hold) {
	r.log.Warn("the clock is plainly wrong, no month closes and no term ends", "clock", r.store.Now().In(r.store.Zone()),
		"books", h.Stands.In(r.store.Zone()), "advice", clockAdvice)
}

func (r *relay) logMonthClosed(v *closeView) {
	r.log.Info("month closed", "accounts", v.Accounts, "periods", v.Periods, "invoices", len(v.Invoices), "failed", len(v.Failed), "ms", v.MS)
}

func (r *relay) logCloseInterrupted(v *closeView) {
	r.log.Info("close interrupted; it goes on at the next start", "accounts", v.Accounts)
}

func (r *relay) logInvoice(i *store.Invoice) {
	r.log.Info("invoice issued", "account", i.Account, "invoice", i.Name, "period", i.Period,
		"total", money.Format(i.Total, i.Currency), "due", words.Day(i.Due, r.store.Zone()))
}

func (r *relay) logHeldBack(i *store.Invoice) {
	r.log.Warn("account suspended, unpaid; its payment lifts that", "account", i.Account, "invoice", i.Name,
		"open", money.Format(i.Open(), i.Currency), "due", words.Day(i.Due, r.store.Zone()),
		"advice", "when it is paid: relay payment record "+i.Name)
}

func (r *relay) logExpired(i *store.Invoice) {
	r.log.Info("order expired, nobody has paid it; a payment revives it", "account", i.Account, "invoice", i.Name,
		"total", money.Format(i.Total, i.Currency), "due", words.Day(i.Due, r.store.Zone()))
}

const (
	cannotClose = "an account's month cannot be closed; it is tried again each hour"
	cannotDun   = "an unpaid invoice cannot be dealt with; it is tried again each day"
)

func (r *relay) logCannotClose(account string, err error) {
	r.often().Fails(slog.LevelError, account, cannotClose, slog.String("account", account), slog.Any("err", err))
}

func (r *relay) logCannotDun(account string, invoice uint64, err error) {
	r.often().Fails(slog.LevelError, account, cannotDun, slog.String("account", account), slog.Uint64("invoice", invoice), slog.Any("err", err))
}
