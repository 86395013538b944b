package cli

import (
	"relay/cli/control"
	"relay/cli/term"
)

// colours reports whether standard output may be coloured. A command that was sent to
// a running relay brings the answer with it.
func (p *program) colours() bool {
	if p.inner != nil {
		return p.coloured
	}
	return term.Coloured(p.Stdout, p.getenv)
}

// request is this command line for a running relay.
func (p *program) request() control.Request {
	return control.Request{Args: p.argv, Colour: p.colours()}
}
