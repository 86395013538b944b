package trial

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"unicode/utf8"

	cli "github.com/urfave/cli/v2"
	"golang.org/x/net/idna"

	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/cli/visit"
	"relay/report/letter"
	"relay/store/mailsyntax"
)

// outside is relay test --server: the test of a relay from a machine that has none.
type outside struct {
	server, ports, login string
	stdin, untrusted     bool
}

func (o *outside) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "server", Usage: "`HOST` to test from here, as a mail program reaches it", Destination: &o.server},
		&cli.StringFlag{Name: "ports", Usage: "`LIST` of its ports (default 587,465,2525); 2465/tls has TLS from the first octet", Destination: &o.ports},
		&cli.StringFlag{Name: "login", Usage: "`NAME` to log in with there", Destination: &o.login},
		&cli.BoolFlag{Name: "password-stdin", Usage: "take its password from standard input, the first line, instead of asking for it", Destination: &o.stdin},
		&cli.BoolFlag{Name: "untrusted", Usage: "log in although the certificate is not trusted", Destination: &o.untrusted},
	}
}

// unused is what only makes sense with --server.
func (o *outside) unused() error {
	for _, f := range []struct {
		given bool
		name  string
	}{{o.ports != "", "ports"}, {o.login != "", "login"}, {o.stdin, "password-stdin"}, {o.untrusted, "untrusted"}} {
		if f.given {
			return exit.Usage("relay test --server smtp.example.org tests a relay elsewhere", "--%s needs --server", f.name)
		}
	}
	return nil
}

// run tests the server.
func (o *outside) run(ctx context.Context, e *shell.Env, from, to string) error {
	v, err := o.options(from, to)
	if err == nil && o.login != "" {
		v.Password, err = o.password(e)
	}
	if err != nil {
		return err
	}
	found, code := v.Run(ctx)
	if err := showFindings(e, found); err != nil {
		return err
	}
	if code != exit.Done {
		return exit.Code(code)
	}
	return nil
}

// patient dials as long as a mail program would wait.
var patient = net.Dialer{}

func (o *outside) options(from, to string) (v visit.Options, err error) {
	v = visit.Options{Server: o.server, Ports: visit.Ports, Login: o.login, To: to, From: from, Untrusted: o.untrusted,
		Look: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}, Dial: patient.DialContext}
	if _, ip := netip.ParseAddr(o.server); ip != nil {
		if v.Server, err = idna.Lookup.ToASCII(strings.TrimSuffix(o.server, ".")); err != nil || strings.ContainsAny(o.server, ":/@ ") {
			return v, exit.Usage("--ports 587 chooses the port", "--server %q is no name of a host", o.server)
		}
	}
	if o.ports != "" {
		if v.Ports, err = visit.ParsePorts(o.ports); err != nil {
			return v, exit.Usage("", "--ports %v", err)
		}
	}
	if v.To == "" && strings.Contains(o.login, "@") && o.login != "" {
		v.To = o.login // the customer's own address
	}
	if o.login == "" && (to != "" || from != "") {
		return v, exit.Usage("--login NAME logs in there", "a message needs --login")
	}
	for name, address := range map[string]*string{"to": &v.To, "from": &v.From} {
		if *address == "" {
			continue
		}
		is, _, ok := letter.Recipient(*address)
		if !ok || !mailsyntax.IsAddress(is) {
			return v, exit.Usage("", "--%s %q is no address that mail can go to", name, *address)
		}
		*address = is
	}
	return v, nil
}

// password is asked for without an echo, or read.
func (o *outside) password(e *shell.Env) (string, error) {
	if o.stdin {
		line, err := bufio.NewReader(io.LimitReader(e.Stdin, 4096)).ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", exit.Usage("", "there is no password on standard input")
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return line, err
	}
	secret, err := term.AskSecret(e.Stdin, e.Stderr, fmt.Sprintf("Password of %s: ", o.login))
	if errors.Is(err, term.ErrNoTerminal) {
		return "", exit.Usage("relay test --server "+o.server+" --login "+o.login+" --password-stdin <file", "the password is asked for on a terminal; without one use --password-stdin")
	}
	return secret, err
}

func showFindings(e *shell.Env, found []finding.Finding) error {
	if e.JSON {
		return term.EncodeAll(e.Stdout, found)
	}
	width := 0
	for _, f := range found {
		width = max(width, utf8.RuneCountInString(f.Check))
	}
	return finding.WriteAll(e.Stdout, found, width, term.Coloured(e.Stdout, os.Getenv))
}
