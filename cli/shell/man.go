package shell

import (
	"context"
	"fmt"
	"io"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/term"
)

// ExitMeanings explains the exit codes, for pages with room for it.
var ExitMeanings = []struct {
	Code int
	Text string
}{
	{exit.Done, "Done."},
	{exit.Failed, "Failed. The message says what, and what to do about it."},
	{exit.WrongUsage, "Wrong usage: an unknown command or flag, or an invalid value."},
	{exit.WrongData, "A file of plans is invalid; sendmail: the message or its recipients are."},
	{exit.NoAccount, "No such account; sendmail: a recipient's address was refused."},
	{exit.Unreachable, "The relay cannot be reached; sendmail: it refused the message permanently."},
	{exit.TryAgain, "Not now: try again later."},
	{exit.NotAllowed, "Unknown token; sendmail: no account knows this machine, or the login is wrong."},
	{exit.Config, "The configuration is wrong. The message names each key."},
}

// Variables of the environment, for the same pages.
var Variables = [][2]string{
	{"RELAY_CONFIG", "The configuration, where --config is not given."},
	{"RELAY_DATA", "The data directory, where --data is not given."},
	{"RELAY_TOKEN", "A reseller's token, where --token-file is not given."},
	{"RELAY_API", "The relay that the token is for, where --api is not given."},
	{"TMPDIR", "Where sendmail keeps a long message while it reads it; default /tmp."},
}

// Manual is the content of the manual page.
type Manual struct {
	Version  string
	Globals  []cli.Flag // of every command
	Commands []*cli.Command
	Files    [][2]string // name and meaning
}

// ManCommand prints the manual page.
func ManCommand(e *Env, page func() *Manual) *cli.Command {
	return Command(&cli.Command{
		Name: "man", Usage: "print the manual page",
		Description: `The page is made from the same text as --help, in troff's format.

  relay man > /usr/local/share/man/man1/relay.1
  relay man | man -l -`,
	}, func(context.Context, []string) error {
		_, err := io.WriteString(e.Stdout, page().String())
		return err
	})
}

// Leaf is a command that can be run.
type Leaf struct {
	Name string // with all its words
	*cli.Command
}

// Leaves lists all commands that can be run, in the order of the help page.
func Leaves(all []*cli.Command, prefix string) (list []Leaf) {
	for _, c := range all {
		name := prefix + " " + c.Name
		if len(c.Subcommands) > 0 {
			list = append(list, Leaves(c.Subcommands, name)...)
			continue
		}
		list = append(list, Leaf{name, c})
	}
	return list
}

// String is the page in the macros of man(7).
func (p *Manual) String() string {
	m := &manPage{}
	m.request(`.TH RELAY 1 "" "relay %s" "relay"`, roff(p.Version))
	m.section("NAME")
	m.request(`relay \- outgoing mail relay with accounts and plans`)
	m.section("SYNOPSIS")
	m.request(`\fBrelay\fR \fICOMMAND\fR [flags] [arguments]`)
	m.section("DESCRIPTION")
	m.text(about)
	m.text("Commands do the same with and without a running relay. Results go to standard output, everything else to standard error. Flags may stand anywhere after the command's name.")
	m.section("FLAGS OF EVERY COMMAND")
	m.flags(p.Globals)
	m.tagged("--help", "", "Tells about a command.")
	m.section("COMMANDS")
	for _, l := range Leaves(p.Commands, "relay") {
		m.command(l)
	}
	m.section("EXIT STATUS")
	for _, e := range ExitMeanings {
		m.tagged(fmt.Sprint(e.Code), "", e.Text)
	}
	m.section("ENVIRONMENT")
	m.list(Variables)
	m.section("FILES")
	m.list(p.Files)
	return m.String()
}

// manPage builds a page.
type manPage struct {
	strings.Builder
	begun bool // the section has a paragraph
}

func (m *manPage) request(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

func (m *manPage) section(name string) {
	m.request(".SH %s", name)
	m.begun = false
}

// text is one paragraph.
func (m *manPage) text(s string) {
	if m.begun {
		m.request(".PP")
	}
	m.begun = true
	m.fill(s)
}

// fill breaks text into lines that do not begin with a request.
func (m *manPage) fill(s string) {
	for _, l := range term.Wrap(s, term.Columns-10) {
		m.request("%s", roffLine(l))
	}
}

// tagged is a paragraph with a tag in its margin: a word and the name of its value.
func (m *manPage) tagged(word, variable, text string) {
	m.request(".TP")
	tag := `\fB` + roff(word) + `\fR`
	if variable != "" {
		tag += ` \fI` + roff(variable) + `\fR`
	}
	m.request("%s", tag)
	m.fill(text)
}

func (m *manPage) list(all [][2]string) {
	for _, pair := range all {
		m.tagged(pair[0], "", pair[1])
	}
}

func (m *manPage) flags(all []cli.Flag) {
	for _, f := range all {
		left, text, _ := FlagPair(f)
		word, variable, _ := strings.Cut(left, " ")
		m.tagged(word, variable, text)
	}
}

func (m *manPage) command(l Leaf) {
	m.request(`.SS "%s"`, strings.ReplaceAll(roff(Synopsis(l.Name, l.Command)), `"`, `\(dq`))
	m.begun = false
	m.text(Sentence(l.Usage))
	for _, par := range Paragraphs(l.Description) {
		if !strings.HasPrefix(par, "  ") {
			m.text(par)
			continue
		}
		m.request(".PP\n.RS 4\n.nf")
		for line := range strings.SplitSeq(par, "\n") {
			m.request("%s", roffLine(strings.TrimPrefix(line, "  ")))
		}
		m.request(".fi\n.RE")
	}
	m.flags(l.Flags)
}

// Sentence is a usage text with a capital and a full stop.
func Sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// Paragraphs of a description; examples are indented.
func Paragraphs(description string) (list []string) {
	for par := range strings.SplitSeq(strings.Trim(description, "\n"), "\n\n") {
		if strings.TrimSpace(par) != "" {
			list = append(list, par)
		}
	}
	return list
}

var roffEscapes = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `^`, `\(ha`, "`", `\(ga`, `~`, `\(ti`, `'`, `\(aq`)

// roff escapes text, so that the page is ASCII and its hyphens can be copied.
func roff(s string) string {
	var b strings.Builder
	for _, r := range roffEscapes.Replace(s) {
		if r > '~' {
			fmt.Fprintf(&b, `\[u%04X]`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// roffLine escapes a whole line, which must not look like a request.
func roffLine(s string) string {
	s = roff(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		return `\&` + s
	}
	return s
}
