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
	"relay/mailer/verdict"
	"relay/report/api/act"
)

// config is the configuration in force: cfg, the one the relay started with,
// with what it has taken over since. Where the two may differ, ask for it at
// each use.
func (r *Relay) config() *config.Config {
	if c := r.live.Load(); c != nil {
		return c
	}
	return &r.cfg
}

// reload reads the configuration again and takes over what can be changed while
// the relay runs. All that can be wrong is found first: on an error nothing has
// changed.
//
//  1. read and check the file, and the certificate, the password, the rules and the rows it names;
//  2. compare with what is in force;
//  3. hand it to the parts: listeners, deliveries, log, and last to who asks
//     config. Sessions and deliveries under way go on.
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
	r.notify.reloaded("%s", host.ReloadSummary(list))
	return list, nil
}

func (r *Relay) takeOver(now *config.Config) ([]act.Change, error) {
	next, err := r.Reread()
	if err != nil {
		return nil, err
	}
	if now.File() != "" && next.File() == "" { // for the moment in which it is replaced, perhaps
		return nil, exit.Fail(exit.Config, "put it back; a restart takes the defaults", "configuration: %s is gone", now.File())
	}
	live := config.TakeOver(*now, next)
	var cert *certificate
	if r.cert != nil && (live.TLS.Cert != "" || now.TLS.Cert != "") {
		if cert, err = r.certificate(&live); err != nil {
			return nil, err
		}
	}
	hop, err := next.Delivery.NextHop() // for after the restart, but to be told now
	if err != nil {
		return nil, err
	}
	if _, err := next.Routes(); err != nil { // likewise
		return nil, err
	}
	if err := r.store.CheckCurrency(live.Billing.Currency); err != nil {
		return nil, err
	}
	verdicts, err := live.Delivery.Verdicts()
	if err != nil {
		return nil, err
	}
	rows, err := live.Delivery.Rows()
	if err != nil {
		return nil, err
	}
	mail := r.mailerConfig(&live)
	mail.Rules, mail.Rows = verdicts, rows
	if err := r.mail.Reconfigure(mail); err != nil {
		return nil, exit.Fail(exit.Config, "see [delivery] in the configuration", "%w", err)
	}
	list := append(config.Changes(now, &next, &live), r.contents(now, &next, cert, &hop, verdicts, rows)...)
	r.verdicts.Store(verdicts)
	r.rows.Store(rows)
	r.smtp.Reconfigure(r.smtpConfig(&live))
	r.store.SetBilling(live.Billing.Store())
	r.store.TrustClock(live.TrustClock)
	if cert != nil {
		r.cert.take(cert)
	}
	if live.Log != now.Log {
		r.logs.set(newLog(r.host.Stderr, &live).Handler())
	}
	r.live.Store(&live)
	return list, nil
}

// contents are the changes in files that are named as before: what cert, hop, verdicts
// and rows were made of now, and what is in use.
func (r *Relay) contents(now, next *config.Config, cert *certificate, hop *route.Route, verdicts *verdict.Rules, rows *pace.Rows) (list []act.Change) {
	other := func(key, file string, restart bool) {
		name := strconv.Quote(file)
		list = append(list, act.Change{Key: key, Old: name, New: name + ", other content", Restart: restart})
	}
	if cert != nil && next.TLS == now.TLS && cert.fingerprint() != r.cert.fingerprint() {
		other("tls.cert", next.TLS.Cert, false)
	}
	file := next.Delivery.SmarthostSecret
	if file == now.Delivery.SmarthostSecret && hop.Auth != nil && r.hop.Auth != nil && hop.Auth.Password != r.hop.Auth.Password {
		other("delivery.smarthost_password_file", file, true)
	}
	if file := next.Delivery.Rules; file != "" && file == now.Delivery.Rules && !verdicts.Same(r.verdicts.Load()) {
		other("delivery.rules", file, false)
	}
	if file := next.Delivery.Providers; file != "" && file == now.Delivery.Providers && !rows.Same(r.rows.Load()) {
		other("delivery.providers", file, false)
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
			_, _ = r.reload() // it says in the log what came of it
		}
	}
}

// keepJobs starts the calendar again when a schedule in it has changed.
func (r *Relay) keepJobs(before *config.Config) {
	if r.config().Backup.Schedule != before.Backup.Schedule && r.parts != nil {
		r.parts.again(context.Background(), "jobs")
	}
}
