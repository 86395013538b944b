// Package config is relay.toml: its keys, their checks, and the settings that the parts of
// relay take from it.
//
// A key has a field in Config or one of its sections, and a line in the list beside it:
// default, check, when a change takes effect, and its text. From these lists come
//
//   - Default, and Read, which reads a file over the defaults and checks it;
//   - Sample, For (the file of relay init) and docs/configuration.md;
//   - Changes and TakeOver, which a reload uses.
//
// Each section also makes the settings of intake, delivery, store or invoices.
package config

import (
	"log/slog"
	"os"
	"time"
	_ "time/tzdata" // a small host may have none of its own

	"relay/store/mailsyntax"
)

// Config is relay.toml. The list of keys below each struct says what its fields are.
type Config struct {
	Hostname   string   `toml:"hostname"`
	Timezone   string   `toml:"timezone"`
	DataDir    string   `toml:"data_dir"`
	TraceKeep  Duration `toml:"trace_keep"`
	Drain      Duration `toml:"drain"`
	TrustClock bool     `toml:"trust_clock"`
	Proxies    []string `toml:"proxies"`

	Listen   []Listen `toml:"listen"` // none: DefaultListen
	TLS      TLS      `toml:"tls"`
	Limits   Limits   `toml:"limits"`
	Delivery Delivery `toml:"delivery"`
	DKIM     DKIM     `toml:"dkim"`
	Log      Log      `toml:"log"`
	Backup   Backup   `toml:"backup"`
	Sendmail Sendmail `toml:"sendmail"`
	Billing  Billing  `toml:"billing"`
	Report   Report   `toml:"report"`
	Abuse    Abuse    `toml:"abuse"`
	Source   []Source `toml:"source"` // none: the system chooses an address
	Route    []Route  `toml:"route"`
	Payment  []PayBy  `toml:"payment"` // none: all methods, by billing.payment_text and payment_link
	API      API      `toml:"api"`
	Metrics  Metrics  `toml:"metrics"`
	Bounce   Bounce   `toml:"bounce"`

	file string // see File
}

var topKeys = Section{Keys: []Key{
	{"hostname", "", unlessEmpty(isHost), OnRestart, `greeting, EHLO, Message-ID; default the system's name`},
	{"timezone", "", isZone, OnRestart, `in which months turn, "Europe/Rome"; default the system's`},
	{"data_dir", "", nil, OnRestart, `/var/lib/relay for root, else ~/.local/share/relay`},
	{"trace_keep", Lasting("30d"), timeFrom("1h"), OnReload, `how long the trace of a message is kept`},
	{"drain", Lasting("25s"), timeFrom("1s"), OnReload, `what is under way may take so long when relay stops`},
	{"trust_clock", false, nil, OnReload, `let months close and terms end by a clock that is plainly wrong`},
	{"proxies", []string{}, each(isNetwork), OnReload, `balancers that send the PROXY protocol: "192.0.2.10", "10.0.0.0/8"`},
}}

// Log is the [log] section: what relay writes to standard error while it runs.
type Log struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

var logKeys = Section{Name: "log", Keys: []Key{
	{"level", "info", isLogLevel, OnReload, `debug | info | warn | error`},
	{"format", "text", oneOf("text", "json", "postfix"), OnReload, `text | json | postfix (for tools that read Postfix's log)`},
}}

// Backup is the [backup] section: the copy of the store that a schedule makes.
type Backup struct {
	Schedule string `toml:"schedule"` // in the operator's zone; "": none is made
	Dir      string `toml:"dir"`
	Keep     int    `toml:"keep"`
	Check    string `toml:"check"` // when the store is proved, likewise
}

var backupKeys = Section{Name: "backup", Keys: []Key{
	{"schedule", "", unlessEmpty(isSchedule), OnReload, `cron's notation, "0 3 * * *"; default none is made`},
	{"dir", "", unlessEmpty(isFullPath), OnReload, `default backup in the data directory`},
	{"keep", 7, countFrom(1), OnReload, `so many of the newest`},
	{"check", "20 4 * * 0", unlessEmpty(isSchedule), OnReload, `when the store is proved, by a copy that needs room in dir for a while; "" never`},
}}

// Sendmail is the [sendmail] section, which relay sendmail reads at each call.
type Sendmail struct {
	Server string `toml:"server"`
	User   string `toml:"user"`
	Secret string `toml:"password_file"`
	Local  string `toml:"local"`
}

var sendmailKeys = Section{Name: "sendmail", Beside: "how relay sendmail hands over the host's own mail", Keys: []Key{
	{"server", "", unlessEmpty(isPeer), OnCall, `host:port; default relay's own listener on this machine`},
	{"user", "", with("password_file"), OnCall, `default none: the machine's network is known to an account`},
	{"password_file", "", nil, OnCall, `its first line is the password`},
	{"local", "", unlessEmpty(isRecipient), OnCall, `gets mail to a name without a domain, root; default NAME@hostname`},
}}

func isRecipient(v *validator, key string, value any) {
	if !mailsyntax.IsAddress(value.(string)) {
		v.bad(key, "%q is not an address", value)
	}
}

// Zone is the zone of the operator. Validate has checked it.
func (c *Config) Zone() *time.Location {
	if c.Timezone == "" {
		return time.Local
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// File is the one it was read from; "": there was none.
func (c *Config) File() string { return c.file }

// Host is the configured host name, else the system's.
func (c *Config) Host() string {
	if c.Hostname != "" {
		return c.Hostname
	}
	name, err := os.Hostname()
	if err != nil || !IsHostName(name) {
		return "localhost"
	}
	return name
}

// LogLevel is the least level that is logged. Validate has checked it.
func (c *Config) LogLevel() slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return slog.LevelInfo
	}
	return l
}
