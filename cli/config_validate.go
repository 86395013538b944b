package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"relay/report/jobs/calendar"
	"relay/report/words"
)

// Validate names every bad field at once.
func (c *Config) Validate() error {
	bad := c.problems()
	if bad == nil {
		return nil
	}
	return errors.New(strings.Join(bad, "; "))
}

func (c *Config) problems() []string {
	var v validator
	v.host("hostname", c.Hostname)
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		v.bad("timezone", "%q is not a zone such as Europe/Rome", c.Timezone)
	}
	v.duration("trace_keep", c.TraceKeep, time.Hour)
	v.duration("drain", c.Drain, time.Second)
	for i, p := range c.Proxies {
		v.network(fmt.Sprintf("proxies[%d]", i), p)
	}
	for i, l := range c.Listen {
		v.listenAddress(fmt.Sprintf("listen[%d].addr", i), l.Addr)
		v.oneOf(fmt.Sprintf("listen[%d].tls", i), l.TLS, "starttls", "implicit", "none")
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		v.bad("tls", "cert and key go together")
	}
	v.credential("tls.cert", c.TLS.Cert)
	v.credential("tls.key", c.TLS.Key)
	c.Limits.check(&v)
	c.Delivery.check(&v)
	var level slog.Level
	if level.UnmarshalText([]byte(c.Log.Level)) != nil {
		v.bad("log.level", "%q: debug, info, warn or error", c.Log.Level)
	}
	v.oneOf("log.format", c.Log.Format, "text", "json", "postfix")
	c.Backup.check(&v)
	c.Sendmail.check(&v)
	c.Billing.check(&v)
	c.checkPayment(&v)
	c.API.check(&v)
	return v.problems
}

func (l *Limits) check(v *validator) {
	v.size("limits.max_message", l.MaxMessage, 1000)
	v.size("limits.staged_per_account", l.StagedPerAccount, 2000)
	v.atLeast("limits.connections", l.Connections, 1)
	v.atLeast("limits.connections_per_address", l.ConnectionsPerAddress, 1)
	v.atLeast("limits.connections_per_account", l.ConnectionsPerAccount, 1)
	v.atLeast("limits.messages_per_connection", l.MessagesPerConnection, 1)
	v.atLeast("limits.accounts_per_reseller", l.AccountsPerReseller, 1)
	v.atLeast("limits.errors", l.Errors, 1)
	v.atLeast("limits.failed_logins", l.FailedLogins, 1)
	v.atLeast("limits.failed_logins_per_address", l.FailedLoginsPerAddress, 1)
	v.atLeast("limits.failed_logins_per_login", l.FailedLoginsPerLogin, 1)
	v.duration("limits.ban_time", l.BanTime, time.Second)
	v.atLeast("limits.messages_per_minute", l.MessagesPerMinute, 0)
	v.atLeast("limits.recipients_per_minute", l.RecipientsPerMinute, 0)
	v.duration("limits.idle_timeout", l.IdleTimeout, time.Second)
	v.duration("limits.data_timeout", l.DataTimeout, time.Second)
}

func (d *Delivery) check(v *validator) {
	if d.Resolver != "" {
		v.address("delivery.resolver", d.Resolver, 1)
	}
	if d.Smarthost != "" {
		v.address("delivery.smarthost", d.Smarthost, 1)
	}
	v.oneOf("delivery.smarthost_tls", d.SmarthostTLS, "opportunistic", "starttls", "implicit", "none")
	if (d.SmarthostUser == "") != (d.SmarthostSecret == "") {
		v.bad("delivery", "smarthost_user and smarthost_password_file go together")
	}
	v.credential("delivery.smarthost_password_file", d.SmarthostSecret)
	if d.Port < 1 || d.Port > 65535 {
		v.bad("delivery.port", "%d: 1 to 65535", d.Port)
	}
	if len(d.Retry) == 0 {
		v.bad("delivery.retry", "at least one wait")
	}
	for i, r := range d.Retry {
		v.duration(fmt.Sprintf("delivery.retry[%d]", i), r, time.Second)
	}
	v.duration("delivery.expire", d.Expire, time.Minute)
	v.duration("delivery.notice_expire", d.NoticeExpire, time.Minute)
	v.atLeast("delivery.notices_per_hour", d.NoticesPerHour, 0)
	v.duration("delivery.delay_after", d.DelayAfter, time.Minute)
	v.atLeast("delivery.connections", d.Connections, 1)
	v.atLeast("delivery.site_connections", d.SiteConnections, 0)
	v.atLeast("delivery.messages_per_connection", d.MessagesPerConnection, 0)
}

func (b *Backup) check(v *validator) {
	v.schedule("backup.schedule", b.Schedule)
	if b.Dir != "" && !filepath.IsAbs(b.Dir) {
		v.bad("backup.dir", "%q: a path from the root, such as /var/backups/relay", b.Dir)
	}
	v.atLeast("backup.keep", b.Keep, 1)
}

func (s *Sendmail) check(v *validator) {
	if s.Server != "" {
		v.address("sendmail.server", s.Server, 1)
	}
	if (s.User == "") != (s.Secret == "") {
		v.bad("sendmail", "user and password_file go together")
	}
	if s.Local != "" && checkAddress(s.Local) != nil {
		v.bad("sendmail.local", "%q is not an address", s.Local)
	}
}

// validator gathers what is wrong, in the order of the file.
type validator struct{ problems []string }

func (v *validator) bad(key, format string, args ...any) {
	v.problems = append(v.problems, key+": "+fmt.Sprintf(format, args...))
}

func (v *validator) atLeast(key string, n, least int) {
	if n < least {
		v.bad(key, "%d: at least %d", n, least)
	}
}

func (v *validator) oneOf(key, value string, words ...string) {
	if !slices.Contains(words, value) {
		last := len(words) - 1
		v.bad(key, "%q: %s or %s", value, strings.Join(words[:last], ", "), words[last])
	}
}

func (v *validator) size(key string, s Size, least int64) {
	switch {
	case s.bad != "":
		v.bad(key, "%q is not a size such as 100MB", s.bad)
	case s.Bytes < least:
		v.bad(key, "%d: at least %s", s.Bytes, words.Size(least))
	}
}

func (v *validator) duration(key string, d Duration, least time.Duration) {
	switch {
	case d.bad != "":
		v.bad(key, "%q is not a length of time such as 90s, 5m, 4h or 4d", d.bad)
	case d.Duration < least:
		v.bad(key, "%s: at least %s", d.Duration, words.Span(least))
	}
}

// address is host:port; the least port is 0 where any free one will do.
func (v *validator) address(key, addr string, least int) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		v.bad(key, "%q is not host:port", addr)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < least || n > 65535 {
		v.bad(key, "%q: port %d to 65535", addr, least)
	}
}

// listenAddress is host:port, or a socket that the service manager passes.
func (v *validator) listenAddress(key, addr string) {
	name, passed := strings.CutPrefix(addr, systemdPrefix)
	switch {
	case !passed:
		v.address(key, addr, 0)
	case name == "":
		v.bad(key, "%q: the socket's name is missing, systemd:NAME", addr)
	}
}

// network is an address or a CIDR.
func (v *validator) network(key, s string) {
	if _, err := parseNetwork(s); err != nil {
		v.bad(key, "%q is neither an address nor a network such as 192.0.2.0/24", s)
	}
}

// schedule is five fields in cron's notation, or a word such as @daily.
func (v *validator) schedule(key, s string) {
	if s == "" {
		return
	}
	if _, err := calendar.Parse(s); err != nil {
		v.bad(key, "%q is not a schedule in cron's notation, such as \"0 3 * * *\": %v", s, err)
	}
}

var hostRE = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

func (v *validator) host(key, name string) {
	if name != "" && (len(name) > 253 || !hostRE.MatchString(name)) {
		v.bad(key, "%q is not a host name", name)
	}
}
