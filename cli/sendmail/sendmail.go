// Package sendmail takes mail from this host's own programs, as sendmail does.
//
//  1. The command line is read as sendmail's (args.go).
//  2. The message is read to its end (input.go), and its header is completed.
//  3. It goes to a relay by SMTP, whole or not at all (send.go).
//
// Nothing is kept when that fails: the caller still has the message, and the exit code
// says whether to try again. Only the relay's 250 is exit code 0. A crash leaves nothing.
package sendmail

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"os/user"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/mailer/client"
	"relay/report/words"
)

// Command describes sendmail for help and manual. App.Run never gets to its action, because
// the arguments are read by Split and Program.Run.
func Command() *cli.Command {
	return shell.Command(&cli.Command{
		Name: "sendmail", ArgsUsage: "[ADDRESS...]", Usage: "take mail from this host's own programs",
		Description: `For cron, PHP and everything else that calls sendmail: it takes a message from standard input and hands it to the relay on this machine, or to [sendmail] server. It is the same when relay is called through a link named sendmail.

  ln -s /usr/local/bin/relay /usr/sbin/sendmail
  relay sendmail -t -i -f office@example.org < message.eml

Without user and password_file in [sendmail] an account must know this machine:

  relay account network add NAME 127.0.0.1

Missing From is added; names without a domain, such as root, get the host's name, or are replaced by [sendmail] local. A line with a lone dot ends the message unless -i is given. A message is accepted for all its recipients or not at all; one that is refused is not kept.

With -t the addresses of the command line are recipients too, as in Postfix; sendmail itself would remove them. Other flags of sendmail are accepted and ignored. -bp, or the name mailq, shows the queue; -bs speaks SMTP on standard input and output. --config and --data are not read here, since programs may pass on text from others: give them before the word sendmail, or in RELAY_CONFIG and RELAY_DATA. Exit codes are sysexits.h's: 64 wrong usage, 65 the message or its recipients, 67 recipient refused, 69 refused, 75 try again, 77 not allowed, 78 configuration.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "t", Usage: "take recipients from To, Cc and Bcc too; Bcc is removed"},
			&cli.BoolFlag{Name: "i", Usage: "a line with a lone dot does not end the message (or: -oi)"},
			&cli.StringFlag{Name: "f", Usage: "`ADDRESS` envelope sender; \"\" the null one (default this user at this host)"},
			&cli.StringFlag{Name: "F", Usage: "`NAME` of the sender, for a message without From"},
			&cli.StringFlag{Name: "N", Usage: "`LIST` when to tell the sender: never, or success,failure,delay"},
			&cli.StringFlag{Name: "R", Usage: "`full|hdrs` what to return with a failure"},
			&cli.StringFlag{Name: "V", Usage: "`ID` of the envelope, for such notices"},
			&cli.BoolFlag{Name: "v", Usage: "say what the relay answered"},
		},
	}, func(context.Context, []string) error {
		return errors.New("sendmail is read by a parser of its own")
	})
}

// Program is what sendmail needs of the program that it is a part of.
type Program struct {
	Env   *shell.Env
	Where *place.Flags
	Relay func(ctx context.Context, args []string) error // runs one of relay's own command lines
}

// Run does what a command line of sendmail's asks for. own are relay's flags before the
// word sendmail.
func (p *Program) Run(ctx context.Context, own, args []string) error {
	a, err := parse(args)
	if err = errors.Join(err, p.ownFlags(own)); err != nil {
		return err
	}
	switch a.task {
	case taskHelp:
		return p.Relay(ctx, []string{"sendmail", "--help"})
	case taskNone:
		return nil
	}
	p.Env.JSON = p.Env.JSON || a.json
	cfg, dir, blind, err := p.home()
	if err != nil {
		return err
	}
	if a.task == taskQueue {
		if blind != nil || dir.IsNew() { // a user who cannot see the queue must not get a store of their own
			return exit.Fail(exit.Unreachable, "run it as the user that runs the relay, or as root", "cannot see the queue in %s", dir)
		}
		return p.Relay(ctx, p.queueLine())
	}
	s := &sending{Program: p, args: a, cfg: &cfg, dir: dir, blind: blind, host: cfg.Host()}
	if a.task == taskSMTP {
		return s.speak(ctx)
	}
	if err := s.handOver(ctx, p.Env.Stdin); err != nil {
		return err
	}
	return s.said(s.answer)
}

// handOver reads a message and sends it.
func (s *sending) handOver(ctx context.Context, r io.Reader) error {
	defer s.text.close()
	if err := s.read(r); err != nil {
		return err
	}
	return s.send(ctx)
}

// queueLine is the command line that shows the queue.
func (p *Program) queueLine() []string {
	line := []string{"queue", "list"}
	if p.Where.Config != "" {
		line = append(line, "--config="+p.Where.Config)
	}
	if p.Where.Data != "" {
		line = append(line, "--data="+p.Where.Data)
	}
	if p.Env.JSON {
		line = append(line, "--json")
	}
	return line
}

// home is the configuration and the data directory. The host's programs run as users that
// may not be able to read the configuration: then the defaults hold, and blind says why. A
// configuration named on the command line must be readable. A service without HOME has the
// system's data directory.
func (p *Program) home() (cfg config.Config, dir place.Dir, blind error, err error) {
	cfg, err = p.Where.Load()
	if errors.Is(err, os.ErrPermission) && p.Where.Config == "" {
		cfg, blind, err = config.Default(), err, nil
	}
	if err != nil {
		return cfg, dir, nil, err
	}
	if dir, err = p.Where.Dir(&cfg); err != nil {
		dir = place.System
	}
	return cfg, dir, blind, nil
}

// sending is one message on its way from standard input to the relay.
type sending struct {
	*Program
	args  *arguments
	cfg   *config.Config
	dir   place.Dir
	blind error  // why the configuration could not be read
	host  string // domain of names without one

	sender string
	rcpts  []string
	text   spooled
	answer client.Reply // the relay's last word on it; zero: none
}

// read takes the message and decides on its envelope.
func (s *sending) read(stdin io.Reader) error {
	in := &inputLines{r: bufio.NewReaderSize(stdin, 64<<10), dots: s.args.dots}
	fields, rest, err := in.header()
	if err != nil {
		return err
	}
	s.sender = s.args.sender
	if !s.args.senderSet {
		s.sender = loginName()
	}
	s.sender = s.qualified(s.sender)
	if err := s.recipients(fields); err != nil {
		return err
	}
	if err := s.header(fields); err != nil {
		return err
	}
	if rest != nil {
		if err := s.text.line(rest); err != nil {
			return err
		}
	}
	return in.spool(&s.text)
}

// recipients are those of the command line and, with -t, of the header: of the
// Resent fields, where there are any (RFC 5322 §3.6.6).
func (s *sending) recipients(fields []headerField) error {
	all := slices.Clone(s.args.rcpts)
	if s.args.headers {
		prefix := ""
		if slices.ContainsFunc(fields, func(f headerField) bool { return isRecipientField(f.name, "resent-") }) {
			prefix = "resent-"
		}
		for i := range fields {
			if !isRecipientField(fields[i].name, prefix) {
				continue
			}
			value, _ := fields[i].value()
			list, err := mailboxes(value)
			if err != nil {
				return exit.Fail(exit.WrongData, "correct the field; commas separate several addresses", "the message's %s: %w", title(fields[i].name), err)
			}
			all = append(all, list...)
		}
	}
	for _, m := range all {
		if addr := s.delivered(m.addr); !slices.Contains(s.rcpts, addr) {
			s.rcpts = append(s.rcpts, addr)
		}
	}
	switch {
	case len(s.rcpts) > 0:
		return nil
	case s.args.headers:
		return exit.Fail(exit.WrongData, "add a To field, or name recipients on the command line", "the message has no recipients")
	}
	return exit.Usage("relay sendmail -t takes them from the message, or name them: relay sendmail ADDRESS...", "no recipients")
}

func isRecipientField(name, prefix string) bool {
	return name == prefix+"to" || name == prefix+"cc" || name == prefix+"bcc"
}

// title is a field's name as people write it.
func title(name string) string {
	words := strings.Split(name, "-")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "-")
}

// delivered is where mail to addr goes: mail to a name of this machine goes to
// [sendmail] local, where there is one.
func (s *sending) delivered(addr string) string {
	name, domain, ok := strings.Cut(addr, "@")
	if (!ok || strings.EqualFold(domain, "localhost")) && name != "" && s.cfg.Sendmail.Local != "" {
		return s.cfg.Sendmail.Local
	}
	return s.qualified(addr)
}

// qualified gives a name its domain. The null reverse-path has none.
func (s *sending) qualified(addr string) string {
	if addr == "" || strings.Contains(addr, "@") {
		return addr
	}
	return addr + "@" + s.host
}

// header writes the fields that go out, and the blank line.
func (s *sending) header(fields []headerField) error {
	from := false
	for i := range fields {
		f := &fields[i]
		switch f.name {
		case "bcc", "resent-bcc", "return-path":
			continue
		case "from", "sender", "reply-to", "to", "cc", "resent-from", "resent-to", "resent-cc":
			if value, _ := f.value(); strings.TrimSpace(value) == "" {
				continue
			}
			from = from || f.name == "from"
			s.qualify(f)
		}
		if err := s.text.line(f.text); err != nil {
			return err
		}
	}
	if !from {
		if err := s.text.line([]byte("From: " + s.author())); err != nil {
			return err
		}
	}
	return s.text.line(nil)
}

// qualify gives the names in a field their domain. A field that cannot be read stays as it
// is.
func (s *sending) qualify(f *headerField) {
	value, start := f.value()
	list, err := mailboxes(value)
	if err != nil {
		return
	}
	for _, m := range slices.Backward(list) {
		if m.bare() {
			f.text = slices.Insert(f.text, start+m.end, []byte("@"+s.host)...)
		}
	}
}

// author is the From of a message without one.
func (s *sending) author() string {
	addr := cmp.Or(s.sender, s.qualified(loginName()))
	name := s.args.fullName
	if u, err := user.Current(); err == nil && name == "" && !s.args.senderSet {
		name = u.Name
	}
	if name == "" {
		return addr
	}
	quoted, _ := strings.CutSuffix((&mail.Address{Name: name}).String(), "<@>") // an address would be quoted again
	return quoted + "<" + addr + ">"
}

// loginName is the name of the user that runs this process.
func loginName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return fmt.Sprintf("uid%d", os.Geteuid())
}

// said shows the relay's answer to a message that it took, and the message's ID there.
func (s *sending) said(r client.Reply) error {
	_, id, _ := strings.Cut(r.Text, "queued as ")
	switch {
	case s.Env.JSON:
		return term.Encode(s.Env.Stdout, struct {
			ID         string   `json:"id"`
			Recipients []string `json:"recipients"`
		}{id, s.rcpts})
	case s.args.verbose:
		s.Env.Note("the relay said: %s", words.Clean(r.String()))
	}
	return nil
}
