package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/mailer/client"
)

func TestConfig_Sources(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("pass\nnext"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Read("relay.toml", []byte("timezone = \"Europe/Rome\"\n[[source]]\naddress = \"::ffff:192.0.2.25\"\nehlo = \"mail.example.org\"\nwarm_up = 50\nsince = \"2026-12-01\"\n\n"+
		"[[source]]\nsmarthost = \"mail.example.net:587\"\ntls = \"starttls\"\nuser = \"me\"\npassword_file = \""+secret+"\"\nstandby = true\n\n[[source]]\naddress = \"2001:db8::1\"\npool = \"own\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.Sources()
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	a, b := list[0], list[1]
	if a.Addr != netip.MustParseAddr("192.0.2.25") || a.EHLO != "mail.example.org" || a.WarmUp != 50 || !a.Since.Equal(time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)) || a.Name() != "192.0.2.25" {
		t.Errorf("%+v", a)
	}
	if b.Name() != "mail.example.net:587" || !b.Standby || b.Via == nil || b.Via.TLS != client.TLSRequired || b.Via.Auth == nil || b.Via.Auth.Password != "pass" {
		t.Errorf("%+v", b)
	}
	if list[2].Pool != "own" || c.Source[0].Name() != "192.0.2.25" {
		t.Errorf("%+v", list[2])
	}
}

func TestConfig_Sources_refuses(t *testing.T) {
	const first = "[[source]]\naddress = \"192.0.2.1\"\n"
	for text, want := range map[string]string{
		"[[source]]\nehlo = \"a.test\"\n":                                             "it needs an address, or a smarthost",
		"[[source]]\naddress = \"192.0.2.1\"\nsmarthost = \"a.test:25\"\n":            "exclude each other",
		"[[source]]\naddress = \"0.0.0.0\"\n":                                         "is not an address of a host",
		"[[source]]\naddress = \"192.0.2.0/24\"\n":                                    "is not an address of a host",
		first + "[[source]]\naddress = \"::ffff:192.0.2.1\"\n":                        "is there twice",
		first + "standby = true\n":                                                    "one without pool and standby is needed",
		first + "[[source]]\naddress = \"192.0.2.2\"\npool = \"p\"\nstandby = true\n": "the pool \"p\" has standbys only",
		first + "warm_up = -1\n":                                                      "at least 0",
		first + "since = \"1 May\"\n":                                                 "is not a day such as",
		first + "user = \"me\"\n":                                                     "user and password_file go together",
		first + "pools = \"p\"\n":                                                     "unknown key",
	} {
		if _, err := Read("relay.toml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
