package jobs

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"relay/quota"
	"relay/report/letter"
	"relay/store/orders"
)

// Warnings is what warn did. A term with a price does not renew by itself (M19), so the
// customer gets letters some days before its end. The entry of the ledger and the news are
// one transaction, so each letter is sent once. After downtime only the nearest one is sent.
type Warnings struct {
	Job       string    `json:"job"`
	At        time.Time `json:"at"`
	DryRun    bool      `json:"dry_run"`
	Accounts  int       `json:"accounts"` // whose customers got a letter, or would
	Warned    []Warning `json:"warned"`
	NoContact []string  `json:"no_contact"` // accounts whose term ends too, without an address to write to
	Failed    []Failure `json:"errors"`
	MS        int64     `json:"ms"`
}

// Warning is one letter.
type Warning struct {
	Account string  `json:"account"`
	LastDay string  `json:"last_day"`
	Days    int64   `json:"days"` // before it
	To      string  `json:"to"`
	Invoice *string `json:"invoice"` // the renewal that waits for its payment
}

// mayTell fails for a customer with an address that no mail can go to.
func mayTell(w *orders.Warning) error {
	if _, _, ok := letter.Recipient(w.To()); !ok {
		return fmt.Errorf("its contact %q is no address that mail can go to", w.To())
	}
	return nil
}

// Failures implements Result.
func (w *Warnings) Failures() []Failure { return w.Failed }

// runWarn is the scheduled warn.
func (r *Runner) runWarn(ctx context.Context) error {
	res, err := r.Warn(ctx, false)
	return cmp.Or(err, unable(res))
}

// Warn writes to the customers whose last term ends soon. With an error it also returns
// what it did before.
func (r *Runner) Warn(ctx context.Context, dryRun bool) (*Warnings, error) {
	at, start, letters := r.store.BookTime(), time.Now(), r.config().Letters
	res := &Warnings{Job: Warn, At: at, DryRun: dryRun, Warned: []Warning{}, NoContact: []string{}, Failed: []Failure{}}
	err := r.each(ctx, func(ctx context.Context, stop func(error) bool) error {
		return r.store.Orders.Warn(ctx, orders.Endings{DryRun: dryRun, Steps: letters.WarnDays, May: mayTell,
			Told: func(w *orders.Warning, err error) {
				if err == nil || !stop(err) {
					r.warned(res, w, err)
				}
			}})
	})
	if res.MS = time.Since(start).Milliseconds(); err != nil || dryRun {
		return res, err
	}
	if len(res.NoContact) > 0 {
		r.logNoContact(res.NoContact)
	}
	return res, r.did(Warn, at)
}

// warned notes and logs what came of an account.
func (r *Runner) warned(res *Warnings, w *orders.Warning, err error) {
	name := w.Account.Name
	switch {
	case err != nil:
		res.Failed = append(res.Failed, Failure{name, err.Error()})
		r.logCannotWarn(name, err)
		return
	case w.To() == "":
		res.NoContact = append(res.NoContact, name)
		return
	}
	v := Warning{Account: name, LastDay: quota.LastDay(w.Contract.End, r.store.Zone()).Format(time.DateOnly), Days: w.Days, To: w.To()}
	if w.Renewal != nil {
		v.Invoice = new(w.Renewal.Name)
	}
	if !res.DryRun {
		r.often.Works(name, cannotWarn)
		r.logWarned(&v)
	}
	res.Accounts++
	res.Warned = append(res.Warned, v)
}
