package cli

import (
	"net/url"
	"strings"

	"relay/cli/config"
	"relay/cli/exit"
)

// away is where a reseller's commands go to; "": to the relay of this machine.
func (p *program) away() string {
	if p.api == "" {
		return p.getenv("RELAY_API")
	}
	return p.api
}

// checkAPI: a token does not go over a network that others can read.
func checkAPI(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return exit.Usage("such as https://relay.example.org:8443", "--api %q is not the address of a relay", base)
	case u.Scheme == "https", u.Scheme == "http" && config.IsLoopback(u.Hostname()):
		return nil
	}
	return exit.Usage("write https://"+u.Host, "--api %q: a token goes over https, or stays on this machine", base)
}
