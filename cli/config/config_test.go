package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relay/cli/exit"
)

func TestDefault_isValid(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

// The sample shows every key with its default.
func TestReadConfig_sample(t *testing.T) {
	got, err := Read("relay.toml", []byte(Sample()))
	if err != nil {
		t.Fatal(err)
	}
	got.file = ""
	want := Default()
	want.Listen = []Listen{{Addr: ":587", TLS: "starttls"}, {Addr: ":465", TLS: "implicit"}, {Addr: ":2525", TLS: "starttls"}}
	want.Source = []Source{{Address: "192.0.2.25", EHLO: "mail.example.org", TLS: "opportunistic"}}
	want.Route = []Route{{Domains: []string{"example.org"}, Host: "mail.example.net", TLS: "opportunistic", Connections: 20}}
	want.Payment = []PayBy{{Method: "bank", Countries: []string{}}}
	if d := cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })); d != "" {
		t.Errorf("sample differs from Default (-want +got):\n%s", d)
	}
}

// Each field of Config has its key, with everything that belongs to one.
func TestSections(t *testing.T) {
	for _, s := range Sections() {
		for _, table := range s.tables(sampled()) {
			named := map[string]bool{}
			for _, k := range s.Keys {
				named[k.Name] = true
				value := valueIn(table, k.Name)
				if reflect.TypeOf(k.Default) != value.Type() {
					t.Errorf("%s: the default is of type %T, the field of type %s", k.Name, k.Default, value.Type())
				}
				if k.Text == "" || k.Effect == "" {
					t.Errorf("%s: %q, %q", k.Name, k.Effect, k.Text)
				}
				switch k.Default.(type) {
				case Size, Duration, []Duration:
					if k.check == nil {
						t.Errorf("%s: a %T that cannot be read is not refused", k.Name, k.Default)
					}
				}
			}
			for f := range table.Type().Fields() {
				name := f.Tag.Get("toml")
				isSection := slices.ContainsFunc(Sections(), func(s *Section) bool { return s.Name == name })
				if f.IsExported() && name != "-" && !named[name] && !(s.Name == "" && isSection) {
					t.Errorf("[%s]: %s has no key", s.Name, f.Name)
				}
			}
		}
		for _, k := range s.Keys {
			if s.Many && k.Effect != s.Keys[0].Effect {
				t.Errorf("%s is taken over at once with the others of [[%s]]", k.Name, s.Name)
			}
		}
	}
}

func TestReadConfig(t *testing.T) {
	c, err := Read("relay.toml", []byte(`
hostname = "smtp.example.org"
timezone = "Europe/Rome"
trace_keep = "2w"
[[listen]]
addr = "127.0.0.1:0"
tls = "none"
[limits]
max_message = "200MB"
[delivery]
retry = ["1m", "1h30m"]
expire = "1d12h"
`))
	if err != nil {
		t.Fatal(err)
	}
	if c.Limits.MaxMessage.Bytes != 200_000_000 || c.TraceKeep.Duration != 14*24*time.Hour || c.Delivery.Expire.Duration != 36*time.Hour {
		t.Errorf("max_message %d, trace_keep %v, expire %v", c.Limits.MaxMessage.Bytes, c.TraceKeep, c.Delivery.Expire)
	}
	if got := durations(c.Delivery.Retry); !slices.Equal(got, []time.Duration{time.Minute, 90 * time.Minute}) {
		t.Errorf("retry %v", got)
	}
	if got := c.Listeners(); len(got) != 1 || got[0].Optional {
		t.Errorf("listen %v", got)
	}
	if c.Zone().String() != "Europe/Rome" {
		t.Errorf("zone %v", c.Zone())
	}
}

func TestReadConfig_refuses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"unknown keys, with line and a guess", "hostname = 'a.b'\n\nhostnam = 'x'\n[limits]\nconections = 3\n[nothing]\nx = 1\n",
			[]string{`line 3: unknown key "hostnam"; did you mean "hostname"?`, `line 5: unknown key "limits.conections"; did you mean "limits.connections"?`, `line 6: unknown key "nothing"`}},
		{"an unknown key and a bad value together", "x = 1\n[delivery]\nport = 0\n", []string{`line 1: unknown key "x"`, "line 3: delivery.port: 0"}},
		{"a wrong type", "[delivery]\nport = 'smtp'\n", []string{"line 2: delivery.port: cannot be of type string"}},
		{"broken TOML", "hostname = \n", []string{"line 1"}},
		{"a text without quotes", "hostname = relay.test\n", []string{"line 1: unexpected character U+0072 'r' at start of value, as of a text without its quotes"}},
		{"bad reports", "[report]\nfrom = 'Rossi'\nlanguage = 'fr'\nschedule = 'daily'\nnear = 100\nchoice_link = 'www.example.org'\n", []string{
			"line 2: report.from:", `line 3: report.language: "fr": en, de or it`, `line 4: report.schedule: "daily" is not a schedule`, "line 5: report.near: 100: 50 to 99 percent", "line 6: report.choice_link:"}},
		{"every bad field", `
hostname = "a b"
timezone = "Rome"
trace_keep = "long"
drain = "0s"
[[listen]]
addr = "587"
tls = "yes"
[tls]
cert = "x"
[limits]
max_message = "big"
connections = 0
connections_per_address = -1
connections_per_account = 0
messages_per_connection = 0
errors = 0
failed_logins = 0
failed_logins_per_address = 0
ban_time = "x"
idle_timeout = "1ms"
data_timeout = "never"
[delivery]
resolver = "1.1.1.1"
smarthost = "host:0"
smarthost_tls = "maybe"
smarthost_user = "u"
port = 70000
retry = []
expire = "4 days"
notice_expire = "1s"
notices_per_hour = -1
delay_after = ""
connections = 0
site_connections = -1
messages_per_connection = -1
[log]
level = "loud"
format = "xml"
`, []string{"line 2: hostname:", "line 3: timezone:", "trace_keep:", "drain:", "line 7: listen[0].addr:", "line 8: listen[0].tls:", "line 9: tls: cert and key",
			"line 12: limits.max_message:", "line 13: limits.connections:", "limits.connections_per_address:", "limits.connections_per_account:",
			"limits.messages_per_connection:", "limits.errors:", "limits.failed_logins:", "limits.failed_logins_per_address:",
			"limits.ban_time:", "limits.idle_timeout:", "limits.data_timeout:",
			"delivery.resolver:", "delivery.smarthost:", "delivery.smarthost_tls:", "delivery: smarthost_user", "delivery.port:", "line 29: delivery.retry:",
			"delivery.expire:", "delivery.notice_expire:", "delivery.notices_per_hour:", "delivery.delay_after:", "delivery.connections:", "delivery.site_connections:",
			"delivery.messages_per_connection:", "log.level:", "log.format:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read("relay.toml", []byte(c.text))
			f, ok := errors.AsType[*exit.Error](err)
			if !ok || f.Code != exit.Config {
				t.Fatalf("ReadConfig: %v, want exit code 78", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not told in: %v", w, err)
				}
			}
		})
	}
}

// A listener that says nothing of TLS has what is usual on its port, as the page of
// keys says.
func TestReadConfig_listenTLS(t *testing.T) {
	c, err := Read("relay.toml", []byte("hostname = 'relay.test'\n[[listen]]\naddr = ':2587'\n[[listen]]\naddr = '[::1]:465'\n"))
	if err != nil {
		t.Fatal(err)
	}
	if l := c.Listeners(); len(l) != 2 || l[0].TLS != "starttls" || l[1].TLS != "implicit" {
		t.Errorf("it listens on %v", l)
	}
}

// A file that an editor has begun with a byte order mark is read like any other, and
// what is wrong in it stands in the line that is shown.
func TestReadConfig_orderMark(t *testing.T) {
	c, err := Read("relay.toml", []byte("\ufeffhostname = \"smtp.example.org\"\r\n"))
	if err != nil || c.Hostname != "smtp.example.org" {
		t.Errorf("hostname %q, %v", c.Hostname, err)
	}
	_, err = Read("relay.toml", []byte("\ufeffhostnam = \"smtp.example.org\"\n"))
	if err == nil || !strings.Contains(err.Error(), `line 1: unknown key "hostnam"`) {
		t.Errorf("a wrong key behind the mark: %v", err)
	}
	if _, err := Read("relay.toml", []byte("hostname = \"a.example\"\n\ufefftimezone = \"UTC\"\n")); err == nil {
		t.Error("a mark in the middle of a file is taken")
	}
}

func TestLinesOf(t *testing.T) {
	const text = `hostname = "x"
# a comment = 1

[[listen]]
addr = ":1"
[[ listen ]]
tls  = "none"
[limits]   # with a comment
errors=3
retry = [
  "5m",
]
`
	l := linesOf(text)
	for key, want := range map[string]int{"hostname": 1, "listen[0].addr": 5, "listen[1].tls": 7, "listen[1].addr": 6, "limits.errors": 9,
		"limits.retry[1]": 10, "limits": 8, "timezone": 0, "delivery.port": 0} {
		if got := l.of(key); got != want {
			t.Errorf("line of %s: %d, want %d", key, got, want)
		}
	}
}
