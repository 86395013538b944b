package cli

import (
	"context"

	"relay/cli/build"
	"relay/cli/offer"
	"relay/cli/reach"
	"relay/cli/shell"
)

// complete offers the words that fit a command line.
func (p *program) complete(ctx context.Context, words []string) error {
	p.env = p.newEnv()
	c := shell.Completion{Commands: p.commands(), Globals: p.globals(), Names: p.names}
	return c.Complete(ctx, p.Stdout, words)
}

// names asks the running relay, and never opens a store. Command lines with a token
// get none, because the socket answers with the operator's names.
func (p *program) names(ctx context.Context, k shell.Kind, t *shell.Typing, add func(word, text string) error) error {
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
	return offer.Names(ctx, s, k, t, add)
}
