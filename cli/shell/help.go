package shell

import (
	"io"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/term"
)

const about = `relay takes mail from your programs, charges it to the account that sent it, keeps it safe on disk and delivers it.`

// Codes are the exit codes as the help page and the README tell them.
const Codes = `Exit codes: 0 done, 1 failed, 64 wrong usage, 65 wrong data in a file, 67 no such account, 69 relay not reachable, 75 try again, 77 not allowed, 78 configuration. Results go to standard output, everything else to standard error. Commands work with and without a running relay; flags may stand anywhere after the command's name.`

// Help writes the page of a command.
func Help(w io.Writer, l *Line, globals []cli.Flag) error {
	h := newPage(w)
	c := l.Cmd()
	switch {
	case len(l.path) == 1:
		h.text(about)
		h.blank()
		h.line("Usage: relay COMMAND [flags]")
		h.blank()
		h.commands(c.Subcommands, "")
		h.blank()
		h.line("Flags of every command:")
		h.flags(globals)
		h.blank()
		h.text(Codes)
		h.line("relay COMMAND --help tells more.")
	case len(c.Subcommands) > 0:
		h.text(l.Name() + ": " + c.Usage + ".")
		h.blank()
		h.commands(c.Subcommands, strings.TrimPrefix(l.Name(), "relay")+" ")
		h.blank()
		h.text("Flags of every command: --config FILE, --data DIR, --json. " + l.Name() + " COMMAND --help tells more.")
	default:
		h.text(l.Name() + ": " + c.Usage + ".")
		h.blank()
		h.line("Usage: " + Synopsis(l.Name(), c))
		for paragraph := range strings.SplitSeq(strings.TrimSpace(c.Description), "\n\n") {
			if paragraph != "" {
				h.blank()
				h.paragraph(paragraph)
			}
		}
		if len(c.Flags) > 0 {
			h.blank()
			h.line("Flags:")
			h.flags(c.Flags)
		}
		h.blank()
		h.line("Flags of every command: --config FILE, --data DIR, --json")
	}
	_, err := io.WriteString(w, h.String())
	return err
}

// Synopsis is a command with its arguments and required flags.
func Synopsis(name string, c *cli.Command) string {
	parts := []string{name}
	if c.ArgsUsage != "" {
		parts = append(parts, c.ArgsUsage)
	}
	optional := false
	for _, f := range c.Flags {
		if r, ok := f.(cli.RequiredFlag); ok && r.IsRequired() {
			head, _ := FlagText(f)
			parts = append(parts, head)
			continue
		}
		optional = true
	}
	if optional {
		parts = append(parts, "[flags]")
	}
	return strings.Join(parts, " ")
}

// helpPage builds a page with no line wider than a screen.
type helpPage struct {
	strings.Builder
	width int
}

// newPage begins a page for w. Prose reads well up to 80 columns, however wide a
// terminal is.
func newPage(w io.Writer) *helpPage { return &helpPage{width: min(term.Width(w), term.Columns)} }

func (h *helpPage) line(s string) { h.WriteString(s + "\n") }
func (h *helpPage) blank()        { h.line("") }

func (h *helpPage) text(s string) {
	for _, l := range term.Wrap(s, h.width) {
		h.line(l)
	}
}

// paragraph wraps text, but keeps the lines of an example, which is indented.
func (h *helpPage) paragraph(s string) {
	if !strings.HasPrefix(s, "  ") {
		h.text(s)
		return
	}
	h.line(s)
}

func (h *helpPage) pair(left, right string, width int) {
	const indent = 2
	room := h.width - indent - width - term.Gap
	for i, l := range term.Wrap(right, room) {
		if i > 0 {
			left = ""
		}
		if len(left) > width { // on a line of its own
			h.line(strings.Repeat(" ", indent) + left)
			left = ""
		}
		h.line(strings.Repeat(" ", indent) + term.Pad(left, width, false) + strings.Repeat(" ", term.Gap) + l)
	}
}

// commands lists commands, and the members of groups.
func (h *helpPage) commands(all []*cli.Command, prefix string) {
	for _, c := range all {
		if len(c.Subcommands) > 0 {
			h.commands(c.Subcommands, prefix+c.Name+" ")
			continue
		}
		h.pair(strings.TrimSpace(strings.TrimPrefix(prefix, " ")+c.Name+" "+c.ArgsUsage), c.Usage, 36)
	}
}

func (h *helpPage) flags(all []cli.Flag) {
	for _, f := range all {
		h.pair(FlagPair(f))
	}
}

// FlagPair is a flag and its meaning for two columns; width is the first one's.
func FlagPair(f cli.Flag) (left, right string, width int) {
	left, right = FlagText(f)
	if r, ok := f.(cli.RequiredFlag); ok && r.IsRequired() {
		right += " (needed)"
	}
	return left, right, 20
}

// FlagText is "--plan PLAN" and its meaning. The usage text has the value's name in
// backquotes.
func FlagText(f cli.Flag) (head, text string) {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return dashed(f.Names()[0]), ""
	}
	head, text = dashed(f.Names()[0]), d.GetUsage()
	if before, rest, found := strings.Cut(text, "`"); found {
		value, after, _ := strings.Cut(rest, "`")
		head += " " + value
		text = before + after
	} else if d.TakesValue() {
		head += " VALUE"
	}
	return head, strings.TrimSpace(text)
}

// dashed is a flag as it is typed; flags of sendmail have one letter.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// Chapter is a line of the first screen: a purpose, and the commands for it.
type Chapter struct {
	Purpose  string
	Commands string // separated by spaces
}

// Overview writes the first screen, which fits 24 lines of 80 columns.
func Overview(w io.Writer, chapters []Chapter) error {
	h, width := newPage(w), 0
	for _, c := range chapters {
		width = max(width, len(c.Purpose))
	}
	h.text(about)
	h.blank()
	h.line("Usage: relay COMMAND [flags]")
	h.blank()
	for _, c := range chapters {
		h.line("  " + term.Pad(c.Purpose, width, false) + "  " + strings.ReplaceAll(c.Commands, " ", ", "))
	}
	h.blank()
	h.line("To begin:")
	h.pair("relay sandbox", "try everything; no mail leaves this machine", 30)
	h.pair("relay init --hostname NAME", "set up a server", 30)
	h.blank()
	h.line("relay COMMAND --help explains a command, relay --help lists all of them.")
	_, err := io.WriteString(w, h.String())
	return err
}
