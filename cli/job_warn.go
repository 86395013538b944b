package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"relay/quota"
	"relay/report/invoice"
	"relay/report/letter"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
	"relay/store/maildomain"
)

// Nothing that has a price renews by itself (M19). On the days that [billing] warn_days names, the
// customer of an account is told by mail that its last term ends. The entry of the
// ledger and the mail are one transaction, so that each step is told once; what was
// due while relay was down is told at the start, the nearest step only.
const warnJob = "warn"

// warnSchedule is when people read their mail.
const warnSchedule = "30 8 * * *"

// warnView is what a run came to, as programs see it.
type warnView struct {
	Job       string       `json:"job"`
	At        time.Time    `json:"at"`
	DryRun    bool         `json:"dry_run"`
	Accounts  int          `json:"accounts"` // whose customers were told, or would be
	Warned    []warnedView `json:"warned"`
	NoContact []string     `json:"no_contact"` // whose term ends too, and nobody can be told
	Failed    []failing    `json:"errors"`     // tried again at the next run
	MS        int64        `json:"ms"`
}

// warnedView is a warning as programs see it.
type warnedView struct {
	Account string  `json:"account"`
	LastDay string  `json:"last_day"`
	Days    int64   `json:"days"` // before it
	To      string  `json:"to"`
	Invoice *string `json:"invoice"` // the renewal that waits for its payment
	ID      *string `json:"id"`      // of the mail; null: a dry run
}

// warn is the job.
func (r *relay) warn(ctx context.Context) {
	_, err := r.warnEndings(ctx, false)
	if err != nil && ctx.Err() == nil {
		r.logJobFailed(warnJob, err)
	}
}

// warnEndings tells whose term ends soon.
func (r *relay) warnEndings(ctx context.Context, dryRun bool) (warnView, error) {
	at, start := r.store.BookTime(), time.Now()
	res := warnView{Job: warnJob, At: at, DryRun: dryRun, Warned: []warnedView{}, NoContact: []string{}, Failed: []failing{}}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	err := r.store.Warn(ctx, store.Endings{DryRun: dryRun, Steps: r.config().Billing.WarnDays, Write: r.writeWarning,
		Told: func(w *store.Warning, err error) {
			if err != nil && (errors.Is(err, store.ErrFull) || r.store.Err() != nil) {
				stop(err)
				return
			}
			r.told(&res, w, err)
		}})
	res.MS = time.Since(start).Milliseconds()
	if err != nil {
		return res, cmp.Or(context.Cause(ctx), err)
	}
	if dryRun {
		return res, nil
	}
	if len(res.NoContact) > 0 {
		r.logNobodyToWarn(res.NoContact)
	}
	return res, r.didJob(warnJob, at)
}

// told notes and logs what came of an account.
func (r *relay) told(res *warnView, w *store.Warning, err error) {
	name := w.Account.Name
	switch {
	case err != nil:
		res.Failed = append(res.Failed, failing{name, err.Error()})
		r.logCannotWarn(name, err)
		return
	case w.Account.Contact == "":
		res.NoContact = append(res.NoContact, name)
		return
	}
	v := warnedView{Account: name, LastDay: r.lastDay(w).Format(time.DateOnly), Days: w.Days, To: w.Account.Contact}
	if w.Renewal != nil {
		v.Invoice = new(w.Renewal.Name)
	}
	if w.Mail != nil {
		v.ID = new(w.Mail.ID.String())
		r.often().Works(name, cannotWarn)
		r.logWarned(w, v.LastDay)
	}
	res.Accounts++
	res.Warned = append(res.Warned, v)
}

// lastDay of a term, in the operator's zone.
func (r *relay) lastDay(w *store.Warning) time.Time {
	return quota.LastDay(w.Contract.End, r.store.Zone())
}

// writeWarning is the mail.
func (r *relay) writeWarning(w *store.Warning, id store.ID) (n store.Notice, err error) {
	to, domain, ok := recipientOf(w.Account.Contact)
	if !ok {
		return n, fmt.Errorf("its contact %q is no address that mail can go to", w.Account.Contact)
	}
	now, c := r.store.Now(), r.config()
	e := r.ending(w)
	html, err := e.HTML()
	if err != nil {
		return n, err
	}
	l := letter.Letter{Host: r.hostname, Name: e.Seller, To: to, ID: id.String(), Date: now.In(r.store.Zone()),
		Subject: e.Subject(), Text: e.Text(), HTML: html}
	for _, contact := range []string{e.Contact, c.Billing.Contact} { // a reseller may have named none that mail can go to
		if reply, _, ok := recipientOf(contact); ok && l.ReplyTo == "" {
			l.ReplyTo = reply
		}
	}
	m, err := l.Build()
	return store.Notice{Body: m.Content, Message: store.Message{
		Expires: now.Add(c.Delivery.Expire.Duration), MessageID: m.MessageID, SMTPUTF8: m.SMTPUTF8, EightBit: m.SMTPUTF8,
		Recipients: []store.Recipient{{Address: to, Domain: domain}},
	}}, err
}

// recipientOf is an address as it goes out, its domain in A-labels, and that domain.
func recipientOf(address string) (to, domain string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	_, domain, ok = maildomain.Parse(strings.TrimSuffix(address[at+1:], "."))
	return address[:max(at, 0)] + "@" + domain, domain, ok && at > 0
}

// ending is what the mail says.
func (r *relay) ending(w *store.Warning) *letter.Ending {
	c := r.config()
	e := &letter.Ending{Seller: c.Billing.seller(), Host: r.hostname,
		Account: w.Account.Name, Reference: w.Account.Reference, Plan: w.Contract.Plan.Name, Holds: viewAllowance(w.Contract.Plan).text() + " " + perPeriod(w.Contract.Plan.Term), LastDay: r.lastDay(w), Days: w.Days,
		Contact: c.Billing.Contact, RenewLink: c.Billing.RenewLink, RenewText: c.Billing.RenewText}
	if w.Reseller != nil {
		e.Resold, e.Seller, e.Contact, e.RenewLink, e.RenewText = true, w.Reseller.Name, w.Reseller.Contact, "", ""
	}
	if w.Account.Status() == store.Suspended {
		e.State = strings.TrimRight("suspended: "+cmp.Or(w.Account.Reason, w.Account.Hold), ": ")
	}
	if w.Sold != nil && w.Reseller == nil {
		e.Price, e.Amount = priceOf(w), money.Plain(w.Price, w.Currency)
	}
	if w.Credit > 0 {
		e.Credit = unitsText(w.Credit, w.Contract.Plan.Unit())
	}
	if w.Renewal != nil {
		doc := invoice.New(w.Renewal, c.invoices(r.store.Zone()))
		e.Renewal = &letter.Renewal{Title: doc.Title(), Left: money.Format(doc.Left(), doc.Currency), Link: doc.Link, Instructions: doc.Instructions}
		if len(doc.Lines) > 0 {
			e.Renewal.For = doc.Lines[0].Text
		}
	}
	return e
}

// priceOf a further term of the same plan.
func priceOf(w *store.Warning) string {
	if w.Price == 0 {
		return "free"
	}
	text := money.Format(w.Price, w.Currency) + " a year"
	if w.Sold.Term == quota.Month {
		text = money.Format(w.Price, w.Currency) + " for 30 days"
	}
	if w.TaxRate != 0 {
		text += ", with " + w.TaxRate.String() + " tax"
	}
	return text
}

func (r *relay) warnNow(ctx context.Context, _ time.Time) (any, string, error) {
	v, err := r.warnEndings(ctx, false)
	return v, v.text("warned"), err
}

func (r *relay) warnTry(ctx context.Context) (any, string, error) {
	v, err := r.warnEndings(ctx, true)
	return v, v.text("would warn"), err
}

// text for people.
func (v *warnView) text(did string) string {
	text := "nobody to warn"
	if n := v.Accounts; n > 0 {
		var names []string
		for i := range v.Warned[:min(n, changeTold)] {
			names = append(names, v.Warned[i].Account)
		}
		text = fmt.Sprintf("%s %s: %s", did, words.Plural(int64(n), "account"), firstOf(names, n))
	}
	if n := len(v.NoContact); n > 0 {
		text += fmt.Sprintf("\n%s without a contact: %s", words.Plural(int64(n), "account"), firstOf(v.NoContact[:min(n, changeTold)], n))
	}
	return text
}

func (r *relay) logWarned(w *store.Warning, lastDay string) {
	m := w.Mail
	r.log.Info("warning queued", "account", m.Account, "last_day", lastDay, "days", w.Days, "spool_id", m.ID.String(),
		"to", m.Recipients[0].Address, "size", m.Size, "rcpt", len(m.Recipients), "message_id", m.MessageID)
}

func (r *relay) logNobodyToWarn(names []string) {
	r.log.Warn("terms end soon of accounts without a contact, nobody is told", "accounts", len(names),
		"among", firstOf(names[:min(len(names), changeTold)], len(names)), "advice", "relay account set NAME --contact ADDRESS")
}

const cannotWarn = "a customer cannot be told that the term ends; it is tried again each day"

func (r *relay) logCannotWarn(account string, err error) {
	r.often().Fails(slog.LevelError, account, cannotWarn, slog.String("account", account), slog.Any("err", err))
}
