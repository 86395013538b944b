package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
)

// away is where a reseller's commands go to; "": to the relay of this machine.
func (p *program) away() string {
	if p.api == "" {
		return p.getenv("RELAY_API")
	}
	return p.api
}

// sendAway has a relay elsewhere run the command.
func (p *program) sendAway(ctx context.Context, base string, w work, args []string) error {
	token, err := p.bearer()
	if err != nil {
		return err
	}
	if token == "" {
		return exit.Usage("name it with --token-file FILE, or RELAY_TOKEN", "--api needs a reseller's token")
	}
	if err := checkAPI(base); err != nil {
		return err
	}
	client := control.NewRemote(base, token)
	defer client.Close()
	var stdin io.Reader
	if w.stdin != nil && w.stdin(args) { // a password: one line, for which nobody has to end the input
		line, err := bufio.NewReader(io.LimitReader(p.Stdin, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("standard input: %w", err)
		}
		stdin = strings.NewReader(line)
	}
	code, err := client.Run(ctx, p.request(), stdin, p.Stdout, p.Stderr)
	if err == nil && code != exit.Done {
		err = exit.Code(code)
	}
	return err
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
