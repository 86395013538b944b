package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/shell"
	"relay/report/api"
	"relay/report/api/act"
	"relay/store"
)

// A command line that comes with a reseller's token is admitted in two steps,
// each in one place; whatever is not admitted is "not found", in the same words
// and with the same exit code, so that nobody learns what there is.
//
//  1. before anything is read: the command and its flags are in resellerMay. Commands
//     not listed are refused, including new ones;
//  2. before it runs, with the store: what its arguments name is below the
//     reseller; and what lists or adds does so below it, by --reseller.
//
// The store checks again what is changed, in the transaction that changes it.

// scope is the reseller whose command it is.
type scope struct{ reseller string }

// permit is what a reseller may give a command.
type permit struct {
	args  []argKind
	flags []string
	own   bool // without arguments, or of a new account: it is given --reseller
}

type argKind int

const (
	argAccount argKind = iota // below the reseller
	argInvoice                // of an account below it
)

// resellerMay is all that a reseller may do (M23).
var resellerMay = map[string]permit{
	"invoice list": {nil, []string{"account", "open", "overdue", "period", "limit"}, true},
	"invoice show": {args: []argKind{argInvoice}, flags: []string{"format", "out"}},
}

// errNotFound is the one answer to all that is not a reseller's.
var errNotFound = exit.Fail(exit.NoAccount, "a reseller's token is for the accounts below it: relay account list", "not found")

// permitted is the first step. What only this process shows is for everybody.
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
	may, ok := resellerMay[name]
	if !ok || l.Help || len(l.Args) > len(may.args) {
		return errNotFound
	}
	for flag := range l.Given {
		ours := p.inner == nil && shell.Find(p.globals(), flag) != nil // this process's own, of which only --json is sent
		if !ours && flag != "json" && !slices.Contains(may.flags, flag) {
			return errNotFound
		}
	}
	return nil
}

// admit is the second step, with the store open.
func (c *call) admit(cc *cli.Context) error {
	if c.scope == nil {
		token, err := c.bearer()
		if err != nil || token == "" {
			return err
		}
		r, err := c.st.ResellerByToken(token)
		if errors.Is(err, store.ErrNotFound) {
			return control.ErrToken
		} else if err != nil {
			return err
		}
		c.scope = &scope{r.Name}
	}
	may, ok := resellerMay[c.named.Command()]
	if !ok || len(c.args) > len(may.args) {
		return errNotFound
	}
	for i, arg := range c.args {
		if err := c.reaches(may.args[i], arg); err != nil {
			return err
		}
	}
	if err := c.admitFlags(cc); err != nil {
		return err
	}
	if may.own && len(c.args) == 0 {
		if err := cc.Set("reseller", c.scope.reseller); err != nil { // a command without the flag is not one of these
			return errNotFound
		}
	}
	return nil
}

// reaches fails for what an argument names and the reseller does not have.
func (c *call) reaches(kind argKind, arg string) error {
	var ok bool
	var err error
	switch kind {
	case argInvoice:
		n, _ := store.ParseInvoice(arg) // 0 is none
		ok, err = c.st.InvoiceBelow(c.scope.reseller, n)
	default:
		ok, err = c.st.Below(c.scope.reseller, arg)
	}
	if err == nil && !ok {
		err = errNotFound
	}
	return err
}

var adviceRE = regexp.MustCompile(`\brelay ([a-z]+(?: [a-z]+){0,2})`)

// advised is err with a hint that a reseller can follow.
func advised(err error) error {
	f := exit.Of(err)
	for _, m := range adviceRE.FindAllStringSubmatch(f.Hint, -1) {
		may := false
		for name := m[1]; name != "" && !may; name = name[:max(0, strings.LastIndexByte(name, ' '))] {
			_, may = resellerMay[name]
			if spec := api.Spec(name); spec != nil {
				may = spec.For(act.Actor{Kind: act.Reseller})
			}
		}
		if !may {
			return exit.Fail(f.Code, "ask the operator", "%w", err)
		}
	}
	return err
}

// admitFlags checks the values that name something.
func (c *call) admitFlags(cc *cli.Context) error {
	if name := cc.String("account"); name != "" && c.named.Command() == "invoice list" {
		return c.reaches(argAccount, name)
	}
	return nil
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
			return "", exit.Fail(exit.Config, orElse(exit.Hint(err), "its first line is the token that relay reseller add showed"), "--token-file: %w", err)
		}
	}
	text := strings.TrimSpace(token)
	if text == "" && token != "" {
		return "", exit.Fail(exit.Config, "it is to be the token that relay reseller add showed", "%s is blank", from)
	}
	return text, nil
}

// reseller whose command it is, for the ledger.
func (s *scope) by() string { return fmt.Sprintf("reseller %s", s.reseller) }
