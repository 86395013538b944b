package jobs

import (
	"cmp"
	"errors"
	"log/slog"
	"strings"
	"time"

	"relay/report/money"
	"relay/report/words"
	"relay/store"
	"relay/store/bookclock"
	"relay/store/egress"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/signing"
)

// One function per event.

const (
	cannotClose   = "an account's month cannot be closed; it is tried again each hour"
	cannotDun     = "an unpaid invoice cannot be dealt with; it is tried again each day"
	noKeys        = "signing keys cannot be looked for; it is tried again in ten minutes"
	notAsked      = "blocklists cannot be asked; it is tried again each hour"
	listUnhealthy = "a blocklist is not believed, it lists nothing or everything"
	replaced      = "a part of a mail cannot be made; the mail goes out with relay's own words, or without that part"
	cannotLook    = "what an account has used cannot be looked at; it is tried again each day"
	cannotTell    = "customers cannot be told how they stand; it is tried again each minute"
	cannotWarn    = "a customer cannot be told that the term ends; it is tried again each day"
)

func (r *Runner) logFailed(job string, err error) {
	r.log.Error("job failed; that is not logged again until it works", "job", job, "err", err)
}

func (r *Runner) logPanic(job string, p *panicError) {
	r.log.Error("job panicked; that is a fault of relay, the job runs again when it is due", "job", job, "err", p, "stack", string(p.stack))
}

func (r *Runner) logWorks(job string) {
	r.log.Info("job works again", "job", job)
}

func (r *Runner) logNotRecorded(job string, err error) {
	r.log.Error("how a job ended is not recorded", "job", job, "err", err)
}

func (r *Runner) logClockWrong(h *bookclock.Hold) {
	r.log.Warn("the clock is plainly wrong, no month closes and no term ends", "clock", r.store.Now().In(r.store.Zone()),
		"books", h.Stands.In(r.store.Zone()), "advice", ClockAdvice)
}

func (r *Runner) logClosing(c *Closing) {
	r.log.Info("month closed", "accounts", c.Accounts, "periods", c.Periods, "invoices", len(c.Invoices), "failed", len(c.Failed), "ms", c.MS)
}

func (r *Runner) logCloseInterrupted(c *Closing) {
	r.log.Info("close interrupted; it goes on at the next start", "accounts", c.Accounts)
}

func (r *Runner) logInvoice(i *ledger.Invoice) {
	r.log.Info("invoice issued", "account", i.Account, "invoice", i.Name, "period", i.Period,
		"total", money.Format(i.Total, i.Currency), "due", r.due(i))
}

func (r *Runner) logSuspended(i *ledger.Invoice) {
	r.log.Warn("account suspended, unpaid; its payment lifts that", "account", i.Account, "invoice", i.Name,
		"open", money.Format(i.Open(), i.Currency), "due", r.due(i),
		"advice", "when it is paid: relay payment record "+i.Name)
}

func (r *Runner) logExpired(i *ledger.Invoice) {
	r.log.Info("order expired, nobody has paid it; a payment revives it", "account", i.Account, "invoice", i.Name,
		"total", money.Format(i.Total, i.Currency), "due", r.due(i))
}

// due day of an invoice.
func (r *Runner) due(i *ledger.Invoice) string {
	return words.Day(i.Due, r.store.Zone())
}

func (r *Runner) logCannotClose(account string, err error) {
	r.often.Fails(slog.LevelError, account, cannotClose, slog.String("account", account), slog.Any("err", err))
}

func (r *Runner) logCannotDun(account string, invoice uint64, err error) {
	r.often.Fails(slog.LevelError, account, cannotDun, slog.String("account", account), slog.Uint64("invoice", invoice), slog.Any("err", err))
}

func (r *Runner) logCannotWarn(account string, err error) {
	r.often.Fails(slog.LevelError, account, cannotWarn, slog.String("account", account), slog.Any("err", err))
}

func (r *Runner) logWarned(w *Warning) {
	r.log.Info("the customer is told that the term ends", "account", w.Account, "last_day", w.LastDay, "days", w.Days, "to", w.To)
}

func (r *Runner) logNoContact(accounts []string) {
	r.log.Warn("terms end soon of accounts without a contact, nobody is told", "accounts", len(accounts),
		"among", words.Some(accounts), "advice", "relay account set NAME --contact ADDRESS")
}

func (r *Runner) logPruned(p *Pruning) {
	r.log.Debug("trace pruned", "events", p.Events, "ms", p.MS)
}

func (r *Runner) logBackup(c *Copying) {
	r.log.Info("backup made", "file", c.File, "size", c.made.Size, "sha256", c.made.SHA256, "removed", c.Removed, "ms", c.MS)
}

func (r *Runner) logBackupFailed(c *Copies, err error) {
	r.log.Error("backup failed; it is tried again at the next time", "dir", c.Dir, "err", err,
		"advice", cmp.Or(c.Shelf.Hint(err), "see to the directory and the disk, then: relay backup"))
}

func (r *Runner) logBackupInterrupted(c *Copies) {
	r.log.Info("backup interrupted; it is made at the next start", "dir", c.Dir)
}

func (r *Runner) logNotRemoved(c *Copies, err error) {
	r.log.Warn("older backups are not removed", "dir", c.Dir, "err", err, "advice", c.Shelf.Hint(err))
}

func (r *Runner) logChecked(c *Check) {
	if c.Problems == 0 {
		r.log.Info("store proved", "accounts", c.Accounts, "messages", c.Messages, "ms", c.MS)
		return
	}
	r.log.Error("store is damaged", "problems", c.Problems, "among", words.Some(c.Found), "ms", c.MS,
		"advice", "relay check --store lists the problems; restore the newest backup that is whole: relay restore FILE")
}

func (r *Runner) logNotAsked(err error) {
	advice := "see resolver in [delivery]"
	if errors.Is(err, ErrPublicResolver) {
		advice = "run a resolver of your own, such as unbound, and name it as resolver in [delivery]"
	}
	r.often.Fails(slog.LevelWarn, "", notAsked, slog.Any("err", err), slog.String("advice", advice))
}

func (r *Runner) logListUnhealthy(list string, err error) {
	r.often.Fails(slog.LevelInfo, list, listUnhealthy, slog.String("list", list), slog.Any("err", err))
}

func (r *Runner) logListed(source string, l *egress.Listing, culprit string, told bool) {
	r.log.Warn("source listed on a blocklist", "egress", source, "list", l.List, "drains", l.Drains, "says", l.Text,
		"account", culprit, "told", told, "advice", "find the cause, then: relay source list")
}

func (r *Runner) logClean(source string) {
	r.log.Info("source on no blocklist any more", "egress", source)
}

func (r *Runner) logNoKeys(err error) {
	r.often.Fails(slog.LevelWarn, "", noKeys, slog.Any("err", err))
}

// logRotation tells the operator, once a rotation, what to publish.
func (r *Runner) logRotation(d *Delegation) {
	r.often.Works("", noKeys)
	for _, s := range d.Began {
		r.log.Info("signing key in use", "selector", s)
	}
	for _, s := range d.Ended {
		r.log.Info("signing key out of use; it stays published until its last signature has expired", "selector", s)
	}
	for _, l := range d.Publish {
		r.log.Warn("new signing key, publish it in place of the old one", "name", l.Name, "type", l.Type, "value", l.Value,
			"advice", "relay domain keys has it as a line of a zone file")
	}
}

func (r *Runner) logDelegated(d *signing.Domain) {
	r.log.Info("domain delegated, its mail is signed", "account", d.Account, "domain", d.Name)
}

func (r *Runner) logLost(d *signing.Domain, left []string) {
	r.log.Warn("domain no longer delegated as it was", "account", d.Account, "domain", d.Name, "left", strings.Join(left, " "),
		"advice", "relay domain check "+d.Name+" --account "+d.Account)
}

func (r *Runner) logTold(n *news.Item, mails int) {
	r.log.Info("told", "kind", n.Kind, "account", n.Account, "about", n.About, "mails", mails)
}

func (r *Runner) logReplaced(err error) {
	r.often.Fails(slog.LevelWarn, "", replaced, slog.Any("err", err), slog.String("advice", "relay check names what is wrong with templates"))
}

func (r *Runner) logPutOff(n *news.Item, until time.Time, err error) {
	r.log.Error("a report cannot be written; it is tried again later", "kind", n.Kind, "account", n.Account, "about", n.About,
		"next_attempt", until.In(r.store.Zone()), "err", err)
}

// logReturns logs what follows for an account from what came back of its mail; nothing of other
// news.
func (r *Runner) logReturns(told *store.Told) {
	f := told.Signs
	if f == nil {
		return
	}
	text := "much came back of an account's mail"
	if told.News.Kind == news.Suspended {
		text = "account suspended, too much came back of its mail"
	}
	r.log.Warn(text, "account", told.Account.Name, "sign", string(f.Sign), "count", f.N, "of", f.Of, "window", string(f.Window))
}
