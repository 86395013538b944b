package cli

import (
	"errors"
	"fmt"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/store"
)

func (p *program) credentialCommand() *cli.Command {
	return shell.Group("credential", "logins of an account", p.credentialAdd(), p.credentialList(), p.credentialRevoke())
}

func (p *program) credentialAdd() *cli.Command {
	var a struct {
		login, note   string
		passwordStdin bool
	}
	return p.onStore(&cli.Command{
		Name: "add", ArgsUsage: "NAME", Usage: "add a login to an account",
		Description: "Each device or program can have its own, so that one can be revoked alone. The password is shown only this once.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "login", Usage: "`LOGIN` (default the account's name and a number)", Destination: &a.login},
			&cli.StringFlag{Name: "note", Usage: "`TEXT` that tells logins apart", Destination: &a.note},
			shell.PasswordFlag(&a.passwordStdin),
		},
	}, work{
		stdin: func([]string) bool { return a.passwordStdin },
		run:   func(c *call) error { return c.credentialAdd(c.args[0], a.login, a.note, a.passwordStdin) },
	})
}

func (c *call) credentialAdd(name, login, note string, passwordStdin bool) error {
	if login != "" && !quota.ValidName(login) {
		return exit.Usage("", "login %q: up to 64 of a-z 0-9 . _ @ + -, the first one a letter or digit", login)
	}
	if _, err := c.account(name); err != nil {
		return err
	}
	cred, secret, err := c.newCredential(name, login, passwordStdin)
	if err != nil {
		return err
	}
	cred.Note = term.Cut(term.Clean(note), 200)
	for n := 1; ; n++ {
		if login == "" {
			cred.Login = numbered(name, n)
		}
		err := c.st.AddCredential(c.order(false), cred)
		switch {
		case err == nil:
			return c.showSecret(cred, secret)
		case !errors.Is(err, store.ErrExists):
			return c.noAccount(name, err)
		case login != "":
			return exit.Fail(exit.Failed, "choose another one", "there is a login %q already", login)
		}
	}
}

// numbered is the n-th login of an account, the first being its name.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	suffix := fmt.Sprintf("-%d", n)
	return name[:min(len(name), 64-len(suffix))] + suffix
}

// showSecret shows what a mail program has to be told. A password that was
// brought along is not repeated.
func (c *call) showSecret(cred store.Credential, secret *string) error {
	if c.json {
		return term.Encode(c.Stdout, struct {
			Account  string  `json:"account"`
			Login    string  `json:"login"`
			Password *string `json:"password"`
		}{cred.Account, cred.Login, secret})
	}
	fields := []term.Field{{"account", cred.Account}, {"login", cred.Login}, {"password", "as given"}}
	if secret != nil {
		fields[2][1] = *secret
		defer c.note("the password is shown only this once")
	}
	return term.WriteFields(c.Stdout, fields)
}

// credentialView is a login as programs see it; its hash stays here.
type credentialView struct {
	Account string    `json:"account"`
	Login   string    `json:"login"`
	Kind    string    `json:"kind"`
	Note    string    `json:"note"`
	Created time.Time `json:"created"`
}

func (p *program) credentialList() *cli.Command {
	return p.onStore(&cli.Command{Name: "list", ArgsUsage: "NAME", Usage: "the logins of an account"}, work{run: func(c *call) error {
		if _, err := c.account(c.args[0]); err != nil {
			return err
		}
		list, err := c.st.Credentials(c.args[0])
		if err != nil {
			return err
		}
		var views []credentialView
		t := term.NewTable(term.Column{Head: "LOGIN", Least: 20}, term.Column{Head: "KIND"}, term.Column{Head: "CREATED"}, term.Column{Head: "NOTE", Least: 10})
		for _, cred := range list {
			views = append(views, credentialView{cred.Account, cred.Login, string(cred.Kind), cred.Note, cred.Created})
			t.Add(cred.Login, string(cred.Kind), c.stamp(cred.Created), cred.Note)
		}
		if c.json {
			return term.EncodeAll(c.Stdout, views)
		}
		return t.Print(c.Stdout)
	}})
}

func (p *program) credentialRevoke() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "revoke", ArgsUsage: "NAME LOGIN", Usage: "delete a login: it stops at once",
	}, work{run: func(c *call) error {
		name, login := c.args[0], store.FoldLogin(c.args[1])
		if _, err := c.account(name); err != nil {
			return err
		}
		if err := c.st.RemoveCredential(c.order(false), name, login); errors.Is(err, store.ErrNotFound) {
			return exit.Fail(exit.Failed, "relay account credential list "+name, "account %s has no login %q", name, login)
		} else if err != nil {
			return err
		}
		return c.done(map[string]string{"account": name, "revoked": login}, "login %s is revoked", login)
	}})
}
