package cli

import (
	"cmp"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/shell"
	"relay/report/api"
	"relay/report/api/act"
)

// A command line that comes with a reseller's token runs where its act is for resellers;
// the service says the rest. All others are "not found", in the same words and with the
// same exit code, so that nobody learns what there is.

// scope is the reseller whose command it is.
type scope struct{ reseller string }

// errNotFound is the one answer to all that is not a reseller's.
var errNotFound = exit.Fail(exit.NoAccount, "a reseller's token is for the accounts below it: relay account list", "not found")

// permitted admits a command. What only this process shows is for everybody.
func (p *program) permitted(l *shell.Line) error {
	if p.scope == nil && !p.hasToken(l.Given) {
		return nil
	}
	name := l.Command()
	if spec := api.Spec(name); spec != nil && !l.Help {
		if !spec.For(act.Actor{Kind: act.Reseller}) {
			return errNotFound
		}
		if p.inner != nil && slices.ContainsFunc(p.globals(), func(f cli.Flag) bool { return f.Names()[0] != "json" && l.Given[f.Names()[0]] }) {
			return errNotFound
		}
		return nil // the service says the rest
	}
	if p.inner == nil && (l.Help || slices.Contains([]string{"completion", "man", "version"}, name)) {
		return nil
	}
	return errNotFound
}

// hasToken reports a command line that is a reseller's.
func (p *program) hasToken(given map[string]bool) bool {
	return p.inner == nil && (given["token-file"] || given["api"] || p.getenv("RELAY_TOKEN") != "" || p.getenv("RELAY_API") != "")
}

// bearer is the token of --token-file or RELAY_TOKEN; "": the operator's command.
// One that is blank fails: it must not become the operator's.
func (p *program) bearer() (string, error) {
	if p.inner != nil {
		return "", nil
	}
	token, from := p.getenv("RELAY_TOKEN"), "RELAY_TOKEN"
	if p.named.Given["token-file"] {
		from = "--token-file"
		var err error
		if token, err = config.Secret(p.tokenFile); err != nil {
			return "", exit.Fail(exit.Config, cmp.Or(exit.Hint(err), "its first line is the token that relay reseller add showed"), "--token-file: %w", err)
		}
	}
	text := strings.TrimSpace(token)
	if text == "" && token != "" {
		return "", exit.Fail(exit.Config, "it is to be the token that relay reseller add showed", "%s is blank", from)
	}
	return text, nil
}
