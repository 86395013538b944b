package config

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"strings"

	"relay/cli/exit"
)

// TLS is the [tls] section: the certificate of the listeners.
type TLS struct {
	Cert string `toml:"cert"`
	Key  string `toml:"key"`

	Contact   string   `toml:"acme"` // "": no authority is asked
	Names     []string `toml:"acme_names"`
	HTTP      string   `toml:"acme_http"`
	ALPN      string   `toml:"acme_tls"`
	Directory string   `toml:"acme_directory"`
	CA        string   `toml:"acme_ca"`
}

var tlsKeys = Section{Name: "tls", Before: `The certificate of the listeners: files, or one that relay gets from an authority
and renews (acme). With neither it is self-signed, and the log warns.`, Keys: []Key{
	{"cert", "", all(with("key"), isCredential), OnReload, `PEM with the chain`},
	{"key", "", isCredential, OnReload, `PEM; both are read again when they change`},
	{"acme", "", unlessEmpty(all(isRecipient, notWithFiles, isProvable)), OnRestart, `your mail address: relay gets a certificate, and you agree to the authority's terms`},
	{"acme_names", []string{}, each(all(isFullHost, onlyOnce)), OnRestart, `in the certificate; default hostname`},
	{"acme_http", ":80", unlessEmpty(isListenAddress), OnRestart, `where the authority looks for the proof; "" nowhere`},
	{"acme_tls", "", unlessEmpty(isListenAddress), OnRestart, `where it looks for the proof by TLS, ":443"; a listener for mail on 443 does it too`},
	{"acme_directory", "https://acme-v02.api.letsencrypt.org/directory", isHTTPS, OnRestart, `the authority's address`},
	{"acme_ca", "", nil, OnRestart, `PEM of the authorities that vouch for acme_directory; default the system's`},
}, After: `"credential:NAME", in cert, key and smarthost_password_file, is a file that
systemd reads as root and passes: LoadCredential=NAME:FILE in relay.service.`}

// notWithFiles refuses an authority beside a certificate in files.
func notWithFiles(v *validator, key string, _ any) {
	if v.c.TLS.Cert != "" {
		v.bad(key, "either cert and key, or acme")
	}
}

// isProvable wants a listener where an authority can look for its proof.
func isProvable(v *validator, key string, _ any) {
	if t := &v.c.TLS; t.HTTP == "" && t.ALPN == "" && !v.c.OnHTTPS() {
		v.bad(key, "the authority wants a proof: set acme_http or acme_tls")
	}
	if len(v.c.TLS.Names) == 0 && !strings.Contains(v.c.Host(), ".") {
		v.bad(key, "hostname %q is not a full name: set it, or acme_names", v.c.Host())
	}
}

func isFullHost(v *validator, key string, value any) {
	isHost(v, key, value)
	if name := value.(string); IsHostName(name) && !strings.Contains(name, ".") {
		v.bad(key, "%q is not a full name such as smtp.example.org", name)
	}
}

func isHTTPS(v *validator, key string, value any) {
	if u, err := url.Parse(value.(string)); err != nil || u.Scheme != "https" || u.Host == "" {
		v.bad(key, "%q is not an https URL", value)
	}
}

// CertificateNames are the names that the certificate of an authority has, the host's own
// or the first configured one first.
func (c *Config) CertificateNames() []string {
	var list []string
	for _, name := range c.TLS.Names {
		list = append(list, strings.ToLower(name))
	}
	if list == nil {
		list = []string{strings.ToLower(c.Host())}
	}
	return list
}

// OnHTTPS reports whether a listener with implicit TLS is on port 443, where an authority
// looks for a proof by TLS.
func (c *Config) OnHTTPS() bool {
	for _, l := range c.Listeners() {
		if l.TLS == "implicit" && PortOf(l.Addr) == 443 {
			return true
		}
	}
	return c.API.NeedsTLS() && PortOf(c.API.Listen) == 443
}

// Roots are the authorities that vouch for acme_directory; nil: the system's.
func (t *TLS) Roots() (*x509.CertPool, error) {
	if t.CA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(t.CA)
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(text) {
		err = fmt.Errorf("%s has no certificate in PEM", t.CA)
	}
	if err != nil {
		return nil, exit.Fail(exit.Config, cmp.Or(exit.Hint(err), "it must be there and readable for relay's user"), "tls.acme_ca: %w", err)
	}
	return pool, nil
}
