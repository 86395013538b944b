package config

import (
	"strings"
	"testing"
)

func TestAPI_check(t *testing.T) {
	for _, c := range []struct{ listen, tls, want string }{
		{"", "implicit", ""}, {":8443", "implicit", ""}, {"127.0.0.1:0", "none", ""}, {"[::1]:80", "none", ""}, {"localhost:80", "none", ""},
		{":8443", "none", "api.tls"}, {"0.0.0.0:80", "none", "api.tls"}, {"192.0.2.1:80", "none", "api.tls"},
		{"8443", "implicit", "api.listen"}, {":70000", "implicit", "api.listen"}, {":80", "starttls", "api.tls"},
	} {
		cfg := Default()
		cfg.API = API{c.listen, c.tls}
		got := strings.Join(cfg.problems(), "; ")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q %q: %q, want %q", c.listen, c.tls, got, c.want)
		}
	}
}
