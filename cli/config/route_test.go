package config

import (
	"strings"
	"testing"

	"relay/mailer/client"
)

func TestConfig_Routes(t *testing.T) {
	c, err := Read("relay.toml", []byte("[[route]]\ndomains = [\"Example.org\", \"münchen.example\"]\nhost = \"mail.example.net\"\nport = 2525\ntls = \"starttls\"\nconnections = 3\n\n[[route]]\ndomains = [\"past.example\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	routes, err := c.Routes()
	if err != nil || len(routes) != 3 {
		t.Fatalf("%v, %v", routes, err)
	}
	for _, domain := range []string{"example.org", "xn--mnchen-3ya.example"} {
		if r := routes[domain]; r.Host != "mail.example.net" || r.Port != 2525 || r.TLS != client.TLSRequired || r.Connections != 3 {
			t.Errorf("%s goes to %+v", domain, r)
		}
	}
	if r, ok := routes["past.example"]; !ok || r.Host != "" {
		t.Errorf("past.example goes to %+v", r)
	}
}

func TestConfig_Routes_refuses(t *testing.T) {
	for text, want := range map[string]string{
		"host = \"mx.example.net\"\n":                              "line 1: route[0].domains: at least one domain",
		"domains = [\"no domain\"]\n":                              "route[0].domains[0]: \"no domain\" is not a domain",
		"domains = [\"a.example\"]\nhost = \"not a host\"\n":       "line 3: route[0].host: \"not a host\" is not a host name",
		"domains = [\"a.example\"]\nuser = \"me\"\n":               "user and password_file go together",
		"domains = [\"a.example\"]\nport = 70000\n":                "line 3: route[0].port",
		"domains = [\"a.example\"]\ntls = \"maybe\"\n":             "line 3: route[0].tls",
		"domains = [\"a.example\"]\nconnections = -1\n":            "line 3: route[0].connections",
		"domains = [\"a.example\", \"A.example\"]\nhost = \"h\"\n": "is there twice",
	} {
		c, err := Read("relay.toml", []byte("[[route]]\n"+text))
		if err == nil {
			_, err = c.Routes()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s= %v, want %s", text, err, want)
		}
	}
}
