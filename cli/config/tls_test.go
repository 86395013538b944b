package config

import (
	"slices"
	"strings"
	"testing"
)

func TestTLS_check(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a contact is enough", `acme = "you@relay.test"`, ""},
		{"names", `acme = "you@relay.test"` + "\n" + `acme_names = ["mail.relay.test", "relay.test"]`, ""},
		{"by TLS only", `acme = "you@relay.test"` + "\n" + `acme_http = ""` + "\n" + `acme_tls = ":443"`, ""},
		{"a socket of the service manager", `acme = "you@relay.test"` + "\n" + `acme_http = "systemd:acme"`, ""},
		{"no contact", `acme = "you"`, `line 3: tls.acme: "you" is not an address`},
		{"with files", `acme = "you@relay.test"` + "\n" + `cert = "c"` + "\n" + `key = "k"`, "tls.acme: either cert and key, or acme"},
		{"no listener", `acme = "you@relay.test"` + "\n" + `acme_http = ""`, "tls.acme: the authority wants a proof"},
		{"a short name", `acme = "you@relay.test"` + "\n" + `acme_names = ["relay"]`, `tls.acme_names[0]: "relay" is not a full name`},
		{"a name twice", `acme = "you@relay.test"` + "\n" + `acme_names = ["a.test", "a.test"]`, `"a.test" is there twice`},
		{"a directory without TLS", `acme_directory = "http://ca.test/"`, "not an https URL"},
	} {
		_, err := Read("relay.toml", []byte("hostname = \"relay.test\"\n[tls]\n"+c.text))
		if got := errText(err); (c.want == "") != (err == nil) || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A listener for mail or for the API on port 443 shows the proof too.
func TestConfig_OnHTTPS(t *testing.T) {
	for text, want := range map[string]bool{
		"": false,
		"[[listen]]\naddr = \":443\"\ntls = \"implicit\"": true,
		"[[listen]]\naddr = \":443\"\ntls = \"starttls\"": false,
		"[api]\nlisten = \":443\"":                        true,
		"[api]\nlisten = \":8443\"":                       false,
	} {
		c, err := Read("relay.toml", []byte(text))
		if err != nil || c.OnHTTPS() != want {
			t.Errorf("%q: %v, %v", text, c.OnHTTPS(), err)
		}
	}
}

func TestConfig_CertificateNames(t *testing.T) {
	c := Config{Hostname: "Relay.Test"}
	if got := c.CertificateNames(); !slices.Equal(got, []string{"relay.test"}) {
		t.Error(got)
	}
	c.TLS.Names = []string{"Mail.Relay.Test", "relay.test"}
	if got := c.CertificateNames(); !slices.Equal(got, []string{"mail.relay.test", "relay.test"}) {
		t.Error(got)
	}
}
