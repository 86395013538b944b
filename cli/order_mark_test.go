package cli

import (
	"strings"
	"testing"
)

// A file that an editor has begun with a byte order mark is read like any other, and
// what is wrong in it stands in the line that is shown.
func TestOrderMark_isReadOver(t *testing.T) {
	c, err := ReadConfig("relay.toml", []byte("\ufeffhostname = \"smtp.example.org\"\r\n"))
	if err != nil || c.Hostname != "smtp.example.org" {
		t.Errorf("hostname %q, %v", c.Hostname, err)
	}
	_, err = ReadConfig("relay.toml", []byte("\ufeffhostnam = \"smtp.example.org\"\n"))
	if err == nil || !strings.Contains(err.Error(), `line 1: unknown key "hostnam"`) {
		t.Errorf("a wrong key behind the mark: %v", err)
	}
	list, err := readPlans("plans.toml", "\ufeff[[plan]]\nname = \"small\"\nterm = \"year\"\nbandwidth = \"90MB\"\n", "EUR")
	if err != nil || len(list) != 1 || list[0].Name != "small" {
		t.Errorf("plans %+v, %v", list, err)
	}
	if _, err := ReadConfig("relay.toml", []byte("hostname = \"a.example\"\n\ufefftimezone = \"UTC\"\n")); err == nil {
		t.Error("a mark in the middle of a file is taken")
	}
}
