package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"relay/cli/build"
	"relay/cli/control"
	"relay/cli/place"
	"relay/cli/reach"
	"relay/cli/shell"
	"relay/report/api/field"
	"relay/report/api/owners"
)

// complete offers the words that fit a command line.
func (p *program) complete(ctx context.Context, words []string) error {
	p.env = p.newEnv()
	c := shell.Completion{Commands: p.commands(), Globals: p.globals(), Names: p.names}
	return c.Complete(ctx, p.Stdout, words)
}

// names asks the running relay, and never opens a store. Command lines with a token
// get none: names that the socket tells are the operator's.
func (p *program) names(ctx context.Context, k shell.Kind, t *shell.Typing, add func(word, text string)) error {
	given := map[string]bool{}
	for name := range t.Given {
		given[name] = true
	}
	if p.hasToken(given) {
		return nil
	}
	p.where.Config, p.where.Data = t.Given["config"], t.Given["data"]
	_, dir, err := p.where.Home()
	if err != nil {
		return err
	}
	s := &reach.Service{Version: build.Read().Version, Socket: dir.Socket()}
	defer s.Close()
	switch k {
	case shell.Customers:
		return owners.ListCustomers.Each(ctx, s, &owners.All{}, 0, func(c *owners.Customer) error {
			add(c.Customer, field.Or0(c.Contact))
			return nil
		})
	case shell.Resellers:
		return owners.ListResellers.Each(ctx, s, &owners.All{}, 0, func(r *owners.Reseller) error {
			add(r.Reseller, field.Or0(r.Contact))
			return nil
		})
	}
	return p.listed(ctx, dir, k, t.Args, add)
}

// lists are the commands that list names, with the members of the name and its text.
var lists = map[shell.Kind]struct {
	line      []string
	key, text string
}{
	shell.Accounts:     {[]string{"account", "list"}, "account", "plan"},
	shell.Plans:        {[]string{"plan", "list"}, "name", ""},
	shell.Invoices:     {[]string{"invoice", "list"}, "invoice", "account"},
	shell.OpenInvoices: {[]string{"invoice", "list", "--open"}, "invoice", "account"},
	shell.Jobs:         {[]string{"job", "list"}, "job", ""},
	shell.Logins:       {[]string{"account", "credential", "list"}, "login", "note"},
	shell.Networks:     {[]string{"account", "network", "list"}, "network", ""},
}

// listed adds the names that a command of the running relay lists.
func (p *program) listed(ctx context.Context, dir place.Dir, k shell.Kind, args []string, add func(word, text string)) error {
	l := lists[k]
	line := append([]string{"--json"}, l.line...)
	if k == shell.Logins || k == shell.Networks {
		line = append(line, args[0])
	}
	c := control.NewClient(dir.Socket())
	defer c.Close()
	var out bytes.Buffer
	if _, err := c.Run(ctx, control.Request{Args: line}, nil, &out, io.Discard); err != nil && ctx.Err() == nil {
		return err
	}
	in := json.NewDecoder(&out)
	if _, err := in.Token(); err != nil { // the bracket
		return err
	}
	for in.More() {
		var one map[string]any
		if err := in.Decode(&one); err != nil {
			return err
		}
		word, _ := one[l.key].(string)
		text, _ := one[l.text].(string)
		add(word, text)
	}
	return nil
}
