package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"relay/report/jobs/calendar"
	"relay/report/words"
	"relay/store/netblock"
)

// check reports what is wrong with a value to the validator. key is its place in the file.
type check func(v *validator, key string, value any)

// validator gathers what is wrong with a configuration, in the order of the file.
type validator struct {
	c        *Config
	problems []string
	seen     map[string]bool // see onlyOnce
}

// Validate names every bad field at once.
func (c *Config) Validate() error {
	bad := c.problems()
	if bad == nil {
		return nil
	}
	return errors.New(strings.Join(bad, "; "))
}

func (c *Config) problems() []string {
	v := validator{c: c, seen: map[string]bool{}}
	for _, e := range c.entries() {
		if e.check != nil {
			e.check(&v, e.path, e.value.Interface())
		}
	}
	return v.problems
}

func (v *validator) bad(key, format string, args ...any) {
	v.problems = append(v.problems, key+": "+fmt.Sprintf(format, args...))
}

// all runs one check after the other.
func all(list ...check) check {
	return func(v *validator, key string, value any) {
		for _, c := range list {
			c(v, key, value)
		}
	}
}

// each checks the items of a list.
func each(c check) check {
	return func(v *validator, key string, value any) {
		for i, item := range reflect.ValueOf(value).Seq2() {
			c(v, fmt.Sprintf("%s[%d]", key, i.Int()), item.Interface())
		}
	}
}

// unlessEmpty checks a text only if there is one.
func unlessEmpty(c check) check {
	return func(v *validator, key string, value any) {
		if value != "" {
			c(v, key, value)
		}
	}
}

// passes makes a check of a function of another package.
func passes(check func(string) error) check {
	return func(v *validator, key string, value any) {
		if err := check(value.(string)); err != nil {
			v.bad(key, "%v", err)
		}
	}
}

func countFrom(least int) check {
	return func(v *validator, key string, value any) {
		if n := value.(int); n < least {
			v.bad(key, "%d: at least %d", n, least)
		}
	}
}

func sizeFrom(least string) check {
	return func(v *validator, key string, value any) {
		switch s, least := value.(Size), octets(least); {
		case s.bad != "":
			v.bad(key, "%q is not a size such as 100MB", s.bad)
		case s.Bytes < least.Bytes:
			v.bad(key, "%d: at least %s", s.Bytes, least)
		}
	}
}

func timeFrom(least string) check {
	return func(v *validator, key string, value any) {
		switch d, least := value.(Duration), Lasting(least); {
		case d.bad != "":
			v.bad(key, "%q is not a length of time such as 90s, 5m, 4h or 4d", d.bad)
		case d.Duration < least.Duration:
			v.bad(key, "%s: at least %s", d.Duration, words.Span(least.Duration))
		}
	}
}

func oneOf(words ...string) check {
	return func(v *validator, key string, value any) {
		if !slices.Contains(words, value.(string)) {
			last := len(words) - 1
			v.bad(key, "%q: %s or %s", value, strings.Join(words[:last], ", "), words[last])
		}
	}
}

// onlyOnce refuses a value that an earlier table of the same name has.
func onlyOnce(v *validator, key string, value any) {
	_, name, _ := strings.Cut(key, "]")
	id := fmt.Sprint(name, "=", value)
	if v.seen[id] {
		v.bad(key, "%q is there twice", value)
	}
	v.seen[id] = true
}

// with refuses a key that is set without another of its section, or the other
// without it.
func with(other string) check {
	return func(v *validator, key string, value any) {
		section, name, _ := strings.Cut(key, ".")
		beside := valueIn(v.table(section), other)
		if (value == "") != (beside.String() == "") {
			v.bad(section, "%s and %s go together", name, other)
		}
	}
}

// table is a section, such as limits or route[0].
func (v *validator) table(path string) reflect.Value {
	name, index, many := strings.Cut(strings.TrimSuffix(path, "]"), "[")
	table := valueIn(reflect.ValueOf(v.c).Elem(), name)
	if !many {
		return table
	}
	i, _ := strconv.Atoi(index) // as entries wrote it
	return table.Index(i)
}

func isPort(v *validator, key string, value any) {
	if n := value.(int); n < 1 || n > 65535 {
		v.bad(key, "%d: 1 to 65535", n)
	}
}

// isPeer is host:port; isListener may have port 0, which is any free one.
func isPeer(v *validator, key string, value any)     { isAddress(v, key, value.(string), 1) }
func isListener(v *validator, key string, value any) { isAddress(v, key, value.(string), 0) }

func isAddress(v *validator, key, addr string, least int) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		v.bad(key, "%q is not host:port", addr)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < least || n > 65535 {
		v.bad(key, "%q: port %d to 65535", addr, least)
	}
}

// isNetwork is an address or a CIDR.
func isNetwork(v *validator, key string, value any) {
	if _, err := netblock.Parse(value.(string)); err != nil {
		v.bad(key, "%q is neither an address nor a network such as 192.0.2.0/24", value)
	}
}

// isSchedule is five fields in cron's notation, or a word such as @daily.
func isSchedule(v *validator, key string, value any) {
	if _, err := calendar.Parse(value.(string)); err != nil {
		v.bad(key, "%q is not a schedule in cron's notation, such as \"0 3 * * *\": %v", value, err)
	}
}

var hostRE = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

// IsHostName reports a text that may be the name of a host, full or not.
func IsHostName(name string) bool { return hostRE.MatchString(name) }

func isHost(v *validator, key string, value any) {
	if name := value.(string); len(name) > 253 || !IsHostName(name) {
		v.bad(key, "%q is not a host name", name)
	}
}

func isZone(v *validator, key string, value any) {
	if _, err := time.LoadLocation(value.(string)); err != nil {
		v.bad(key, "%q is not a zone such as Europe/Rome", value)
	}
}

func isLogLevel(v *validator, key string, value any) {
	var level slog.Level
	if level.UnmarshalText([]byte(value.(string))) != nil {
		v.bad(key, "%q: debug, info, warn or error", value)
	}
}

func isFullPath(v *validator, key string, value any) {
	if dir := value.(string); !filepath.IsAbs(dir) {
		v.bad(key, "%q: a path from the root, such as /var/backups/relay", dir)
	}
}
