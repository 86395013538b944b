package serve

import (
	"context"
	"errors"
	"strconv"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/host"
	"relay/mailer/pace"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/source"
	"relay/mailer/suppress"
	"relay/mailer/verdict"
	"relay/report/api/act"
	"relay/report/letter/wording"
)

// config returns the configuration in force: cfg, with which the relay started, and
// what reloads have changed since. Ask for it at each use.
func (r *Relay) config() *config.Config {
	if c := r.live.Load(); c != nil {
		return c
	}
	return &r.cfg
}

// reload reads the configuration again and takes over what can be changed while
// the relay runs. Every mistake is found first: after an error nothing has changed.
//
//  1. read and check the file, and the certificate, the password, the rules and the
//     rows that it names;
//  2. compare with what is in force;
//  3. hand it to the parts: deliveries, listeners, store, log. From then on config
//     returns it. Sessions and deliveries under way go on.
func (r *Relay) reload() ([]act.Change, error) {
	r.reloading.Lock()
	defer r.reloading.Unlock()
	if r.Reread == nil {
		return nil, errors.New("this relay was started without a configuration that could be read again")
	}
	if r.drains() {
		return nil, act.ErrStopping
	}
	r.notify.reloading()
	now := r.config()
	list, err := r.takeOver(now)
	if err != nil {
		r.logRefused(err)
		r.notify.reloaded("the new configuration was refused, the old one holds: %v", err)
		return nil, err
	}
	r.logReloaded(list)
	r.keepJobs(now)
	if r.keeper != nil {
		r.keeper.Again()
	}
	r.notify.reloaded("%s", host.ReloadSummary(list))
	return list, nil
}

// update is a configuration that was read again, with what was made of the files it names.
type update struct {
	next, live config.Config // as the file has it; what of it can be in force without a restart
	cert       *certificate  // nil: as before
	hop        route.Route
	verdicts   *verdict.Rules
	rows       *pace.Rows
	sources    []source.Source
	suppress   *suppress.Rows
	words      *wording.Set
}

func (r *Relay) takeOver(now *config.Config) ([]act.Change, error) {
	u, err := r.readUpdate(now)
	if err != nil {
		return nil, err
	}
	mail := r.mailerConfig(&u.live)
	mail.Rules, mail.Rows, mail.Suppress = u.verdicts, u.rows, u.suppress
	mail.Sources = u.sources
	if err := lackedSource(r.mail.Reconfigure(mail)); err != nil {
		if errors.Is(err, settings.ErrLacked) {
			return nil, err
		}
		return nil, exit.Fail(exit.Config, "see [delivery] in the configuration", "%w", err)
	}
	list := append(config.Changes(now, &u.next, &u.live), r.contents(now, u)...)
	r.verdicts.Store(u.verdicts)
	r.rows.Store(u.rows)
	r.suppress.Store(u.suppress)
	r.words.Store(u.words)
	r.smtp.Reconfigure(r.smtpConfig(&u.live))
	if r.returns != nil {
		r.returns.Reconfigure(r.backMailConfig(&u.live))
	}
	r.store.Books.SetBilling(u.live.Billing.Store())
	r.store.SetLook(u.live.NextLook)
	r.store.Abuse.SetRules(*u.live.Abuse.Rules())
	r.store.Access.SetTheft(u.live.Abuse.Theft())
	r.store.TrustClock(u.live.TrustClock)
	if u.cert != nil {
		r.cert.take(u.cert)
	}
	if u.live.Log != now.Log {
		r.logs.set(newLog(r.host.Stderr, &u.live).Handler())
	}
	r.live.Store(&u.live)
	return list, nil
}

// readUpdate reads and checks the configuration and the files it names, and changes
// nothing. What needs a restart is checked too, so that its mistakes are reported now.
func (r *Relay) readUpdate(now *config.Config) (u *update, err error) {
	u = &update{}
	if u.next, err = r.Reread(); err != nil {
		return nil, err
	}
	if now.File() != "" && u.next.File() == "" { // perhaps only while an editor replaces it
		return nil, exit.Fail(exit.Config, "put it back; a restart takes the defaults", "configuration: %s is gone", now.File())
	}
	u.live = config.TakeOver(*now, u.next)
	switch {
	case (u.next.TLS.Contact == "") != (now.TLS.Contact == ""):
		u.live.TLS = now.TLS // else no certificate would be left until the restart
	case r.cert != nil && r.keeper == nil && (u.live.TLS.Cert != "" || now.TLS.Cert != ""):
		if u.cert, err = r.certificate(&u.live); err != nil {
			return nil, err
		}
	}
	if u.hop, err = u.next.Delivery.NextHop(); err != nil {
		return nil, err
	}
	if _, err := u.next.Routes(); err != nil {
		return nil, err
	}
	if err := r.store.Books.CheckCurrency(u.live.Billing.Currency); err != nil {
		return nil, err
	}
	return u, u.readFiles()
}

// readFiles reads what the configuration names.
func (u *update) readFiles() (err error) {
	d := &u.live.Delivery
	if u.verdicts, err = d.Verdicts(); err != nil {
		return err
	}
	if u.sources, err = u.live.Sources(); err != nil {
		return err
	}
	if _, err = d.Lists(); err != nil {
		return err
	}
	if u.rows, err = d.Rows(); err != nil {
		return err
	}
	if u.suppress, err = d.Suppressing(); err != nil {
		return err
	}
	u.words, err = u.live.Report.Templates()
	return err
}

// contents lists the files that keep their names and have other content than what is
// in use.
func (r *Relay) contents(now *config.Config, u *update) (list []act.Change) {
	next := &u.next
	other := func(key, file string, restart bool) {
		name := strconv.Quote(file)
		list = append(list, act.Change{Key: key, Old: name, New: name + ", other content", Restart: restart})
	}
	if u.cert != nil && next.TLS.Cert == now.TLS.Cert && next.TLS.Key == now.TLS.Key && u.cert.fingerprint() != r.cert.fingerprint() {
		other("tls.cert", next.TLS.Cert, false)
	}
	file := next.Delivery.SmarthostSecret
	if file == now.Delivery.SmarthostSecret && u.hop.Auth != nil && r.hop.Auth != nil && u.hop.Auth.Password != r.hop.Auth.Password {
		other("delivery.smarthost_password_file", file, true)
	}
	if file := next.Delivery.Rules; file != "" && file == now.Delivery.Rules && !u.verdicts.Same(r.verdicts.Load()) {
		other("delivery.rules", file, false)
	}
	if file := next.Delivery.Providers; file != "" && file == now.Delivery.Providers && !u.rows.Same(r.rows.Load()) {
		other("delivery.providers", file, false)
	}
	if dir := next.Report.Words; dir != "" && dir == now.Report.Words && !u.words.Same(r.wordings(now)) {
		other("report.templates", dir, false)
	}
	if file := next.Delivery.Suppress; file != "" && file == now.Delivery.Suppress && !u.suppress.Same(r.suppress.Load()) {
		other("delivery.suppress", file, false)
	}
	return list
}

// runReloads reads the configuration again at each hangup, until ctx is done.
func (r *Relay) runReloads(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.Hangups:
			_, _ = r.reload() // it logs the result
		}
	}
}

// keepJobs starts the calendar again when a schedule in it has changed.
func (r *Relay) keepJobs(before *config.Config) {
	now := r.config()
	changed := now.Backup.Schedule != before.Backup.Schedule || now.Backup.Check != before.Backup.Check || now.Report.Schedule != before.Report.Schedule ||
		now.Report.Digest != before.Report.Digest
	if changed && r.parts != nil {
		r.parts.again(context.Background(), "jobs")
	}
}
