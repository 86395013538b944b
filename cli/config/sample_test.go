package config

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The written configuration is the default one with what was chosen, and shows
// every key; with all of them uncommented it is the sample.
func TestConfigFor(t *testing.T) {
	text := For("smtp.example.org", `/srv/a "b"\c`)
	got, err := Read("relay.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Hostname, want.DataDir, want.file = "smtp.example.org", `/srv/a "b"\c`, "relay.toml"
	if d := cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })); d != "" {
		t.Errorf("not the default (-want +got):\n%s", d)
	}
	text = For("smtp.example.org", "/srv")
	for line := range strings.Lines(Sample()) {
		key := strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "hostname") || strings.HasPrefix(line, "data_dir") || strings.HasPrefix(line, "# Every key") {
			continue
		}
		key, _, _ = strings.Cut(key, " # ")
		if !strings.Contains(text, strings.TrimRight(key, " ")) {
			t.Errorf("%q is not in it", key)
		}
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if len(line) > 1 && line[0] == '#' && line[1] != ' ' {
			line = line[1:]
		}
		b.WriteString(line)
	}
	if _, err := Read("relay.toml", []byte(b.String())); err != nil {
		t.Errorf("uncommented: %v", err)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "hostname") && strings.Index(line, "# ") != 37 {
			t.Errorf("the comment is not in its column: %q", line)
		}
	}
}

func TestQuoteTOML(t *testing.T) {
	for _, s := range []string{"/var/lib/relay", `a"b\c`, "tab\tnew\nline\x7f", "ünïcode", "\u200b"} {
		var c Config
		got, err := Read("x", []byte("data_dir = "+quoteTOML(s)+"\n"))
		if c = got; err != nil || c.DataDir != s {
			t.Errorf("%q → %s → %q, %v", s, quoteTOML(s), c.DataDir, err)
		}
	}
}

// Every key of the file is a setting, and the value that is shown for it can be read
// again.
func TestConfig_settings(t *testing.T) {
	c := Default()
	for _, s := range c.settings() {
		table, key, inTable := strings.Cut(s.key, ".")
		text := s.key + " = " + s.value
		if inTable {
			text = "[" + table + "]\n" + key + " = " + s.value
		}
		again, err := Read("test", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if was := asMap(&again)[s.key]; was != s.value {
			t.Errorf("%s is read as %s", text, was)
		}
	}
}
