package cli

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/shell"
	"relay/report/api"
	"relay/report/api/act"
)

// errNotFound has the words in which the service refuses what a reseller may not see.
var errNotFound = exit.Fail(exit.NoAccount, "a reseller's token is for the accounts below it: relay account list", "not found")

// permitted refuses a command that is not for resellers when it comes with a reseller's
// token: this process must not do its own part of it as the operator. The service
// refuses the rest.
func (p *program) permitted(l *shell.Line) error {
	if !p.hasToken(l.Given) || l.Help || slices.Contains([]string{"completion", "man", "version"}, l.Command()) {
		return nil
	}
	if spec := api.Spec(behind(l.Command())); spec != nil && spec.For(act.Actor{Kind: act.Reseller}) {
		return nil
	}
	return errNotFound
}

// behind is the act that a command asks for.
func behind(command string) string {
	if command == "list clean" {
		return "errors"
	}
	return command
}

// hasToken reports whether the command line is a reseller's.
func (p *program) hasToken(given map[string]bool) bool {
	return given["token-file"] || given["api"] || p.where.Env("RELAY_TOKEN") != "" || p.where.Env("RELAY_API") != ""
}

// bearer is the token of --token-file or RELAY_TOKEN; "": the operator's command.
// A blank one fails: it must not become the operator's.
func (p *program) bearer() (string, error) {
	token, from := p.where.Env("RELAY_TOKEN"), "RELAY_TOKEN"
	if p.named.Given["token-file"] {
		from = "--token-file"
		var err error
		if token, err = config.Secret(p.tokenFile); err != nil {
			return "", exit.Fail(exit.Config, cmp.Or(exit.Hint(err), "its first line is the token that relay reseller add showed"), "--token-file: %w", err)
		}
	}
	text := strings.TrimSpace(token)
	const hint = "it must be the token that relay reseller add showed"
	switch {
	case text == "" && token != "":
		return "", exit.Fail(exit.Config, hint, "%s is blank", from)
	case strings.ContainsFunc(text, unicode.IsControl): // no request can carry it
		return "", exit.Fail(exit.Config, hint, "%s has more than one line, or control characters", from)
	}
	return text, nil
}

// away is the address of the relay that a reseller's commands go to; "": this machine's.
func (p *program) away() string {
	if p.api == "" {
		return p.where.Env("RELAY_API")
	}
	return p.api
}

// checkAPI refuses an address to which a token would travel unencrypted.
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
