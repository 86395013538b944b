package mail

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	"relay/report/api/field"
	api "relay/report/api/mail"
	"relay/report/words"
	"relay/store/spool"
	"relay/store/spooled"
)

// opWords are the operations in words.
var opWords = map[spool.Op]string{
	spool.OpRetry: "will be tried now", spool.OpHold: "held", spool.OpRelease: "released", spool.OpDrop: "dropped",
}

func queueChange(e *shell.Env, ask *act.Act[api.Change, api.Changed], op spool.Op, text, more string) *cli.Command {
	g := &changing{e: e, ask: ask}
	flags := append(g.filter.flags(), &cli.BoolFlag{Name: "all", Usage: "every message in the queue", Destination: &g.all},
		&cli.BoolFlag{Name: "dry-run", Usage: "list the recipients it would change, and change nothing", Destination: &g.dryRun})
	if op == spool.OpDrop {
		flags = append(flags, &cli.BoolFlag{Name: "silent", Usage: "tell no sender", Destination: &g.silent})
	}
	g.sum = api.Changed{Op: op, Missing: []spooled.ID{}}
	return shell.Command(&cli.Command{
		Name: string(op), ArgsUsage: "[ID...]", Usage: text,
		Description: strings.TrimSpace(more + ` Name messages by their IDs, by - for IDs on standard input, by filters, which must all match, or by --all. Standard input may be a list of IDs or the output of relay queue list.

Filters on recipients (--domain, --recipient, --held, --deferred) choose recipients: others of the same message stay as they are. The counts are of what was changed.`),
		Flags: flags,
	}, g.run)
}

// changing is a change under way, a batch at a time.
type changing struct {
	e      *shell.Env
	ask    *act.Act[api.Change, api.Changed]
	filter queueFilter

	all, dryRun, silent bool

	ctx    context.Context
	batch  []spooled.ID
	sum    api.Changed // of all batches
	bad    []string    // lines that name no message, the first ones
	badAll int
	list   term.Array // of a dry run, for programs
}

// run changes each message that is selected. Without IDs, a filter or --all it refuses.
func (g *changing) run(ctx context.Context, args []string) error {
	g.ctx, g.list = ctx, term.NewArray(g.e.Stdout)
	chosen := g.all || g.filter.Filter != (api.Filter{})
	switch {
	case chosen && len(args) > 0:
		return exit.Usage("", "IDs and filters do not go together")
	case g.filter.limit != nil && !chosen:
		return exit.Usage("with --all: the oldest of all", "--limit goes with a filter or --all")
	case !chosen && len(args) == 0:
		return exit.Usage(fmt.Sprintf("name IDs, use a filter such as --account NAME, or --all; see relay queue %s --help", g.sum.Op),
			"relay queue %s: which messages?", g.sum.Op)
	}
	var err error
	switch {
	case chosen:
		err = g.byFilter()
	case slices.Equal(args, []string{"-"}):
		err = g.byLines(g.e.Stdin)
	default:
		err = g.byNames(args)
	}
	if err = errors.Join(err, g.step()); err != nil {
		if g.sum.Done > 0 && !g.dryRun {
			g.e.Note("%s %s before it came to an end", words.Plural(int64(g.sum.Done), "message"), opWords[g.sum.Op])
		}
		return err
	}
	return g.report()
}

// add puts a message into the batch.
func (g *changing) add(id spooled.ID) error {
	if g.batch = append(g.batch, id); len(g.batch) < api.MostIDs {
		return nil
	}
	return g.step()
}

// step changes the messages of the batch.
func (g *changing) step() error {
	for len(g.batch) > 0 {
		is, err := g.call(&api.ChangeBody{IDs: g.batch})
		if err != nil {
			return err
		}
		g.batch = is.Rest
	}
	return nil
}

// byFilter changes the messages that the filter chooses, until there are no more.
func (g *changing) byFilter() error {
	left := field.Or0(g.filter.limit)
	limited := left > 0
	for in := (&api.ChangeBody{Filter: &g.filter.Filter, All: g.all}); ; {
		if limited {
			in.Limit = int(min(left, api.MostIDs))
		}
		is, err := g.call(in)
		if err != nil {
			return err
		}
		left -= int64(is.Done + is.Unchanged)
		if in.Cursor = is.Next; in.Cursor == "" || limited && left <= 0 {
			return nil
		}
	}
}

// call asks for a batch and adds up what it did.
func (g *changing) call(in *api.ChangeBody) (*api.Changed, error) {
	in.Silent, in.DryRun = g.silent, g.dryRun
	is, err := g.ask.Call(g.ctx, g.e.Service, &api.Change{Body: *in})
	if err != nil {
		return nil, err
	}
	g.sum.Done += is.Done
	g.sum.Recipients += is.Recipients
	g.sum.Unchanged += is.Unchanged
	g.sum.Missing = append(g.sum.Missing, is.Missing...)
	for i := range is.Affected {
		if err := g.showAffected(&is.Affected[i]); err != nil {
			return nil, err
		}
	}
	return is, nil
}

// byNames changes nothing when one of the words cannot be an ID.
func (g *changing) byNames(args []string) error {
	ids := make([]spooled.ID, len(args))
	for i, w := range args {
		var err error
		if ids[i], err = parseID(w); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if err := g.add(id); err != nil {
			return err
		}
	}
	return nil
}

const listAdvice = "a line begins with an ID, as relay queue list shows them"

// byLines takes the first word of each line. Of what relay queue list writes it
// takes the lines of messages; any other line that does not begin with an ID is
// remembered, and the rest done.
func (g *changing) byLines(r io.Reader) error {
	lines := bufio.NewScanner(r)
	n := 1
	for ; lines.Scan(); n++ {
		word, _, _ := strings.Cut(strings.TrimRight(lines.Text(), " \t\r"), " ")
		if ofList(word) {
			continue
		}
		id, err := parseID(strings.TrimRight(word, "*!"))
		if err != nil {
			if g.badAll++; len(g.bad) < words.Shown {
				g.bad = append(g.bad, fmt.Sprintf("line %d: %q", n, words.Cut(word, 40)))
			}
			continue
		}
		if err := g.add(id); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return exit.Fail(exit.WrongUsage, listAdvice, "line %d of standard input is too long to begin with an ID", n)
	case err != nil:
		return fmt.Errorf("standard input: %w", err)
	}
	return nil
}

// ofList reports whether the first word of a line makes it one of the list's that
// name no message: its first and its last, what is indented, and nothing. An ID
// that is indented is in the words of a next hop, or of an address.
func ofList(word string) bool {
	return word == "" || word == "ID" || word == "--" || word[0] == '\t'
}

// report says what was done, and what could not be.
func (g *changing) report() error {
	var err error
	switch {
	case g.e.JSON && g.dryRun:
		err = g.list.End()
	case g.e.JSON:
		err = term.Encode(g.e.Stdout, &g.sum)
	default:
		err = g.e.Say("%s", g.summary())
	}
	if n := len(g.sum.Missing); n > 0 {
		var list []string
		for _, id := range g.sum.Missing[:min(n, words.Shown)] {
			list = append(list, id.String())
		}
		err = errors.Join(err, exit.Fail(exit.Failed, "the trace has what was delivered: relay trace ID", "%s not in the queue: %s",
			words.Plural(int64(n), "message"), words.First(list, n)))
	}
	if g.badAll > 0 {
		err = errors.Join(err, exit.Fail(exit.WrongUsage, listAdvice, "%s of standard input without an ID: %s",
			words.Plural(int64(g.badAll), "line"), words.First(g.bad, g.badAll)))
	}
	return err
}

// summary counts what was changed, or would be.
func (g *changing) summary() string {
	done := opWords[g.sum.Op]
	if g.dryRun {
		done = "would be " + strings.TrimPrefix(done, "will be ")
	}
	text := fmt.Sprintf("%s %s, %s", words.Plural(int64(g.sum.Done), "message"), done, words.Plural(g.sum.Recipients, "recipient"))
	if g.sum.Unchanged > 0 {
		text += fmt.Sprintf("; %s as before", words.Number(int64(g.sum.Unchanged)))
	}
	return text
}

// showAffected shows what a dry run would change of a message.
func (g *changing) showAffected(v *api.Affected) error {
	if g.e.JSON {
		return g.list.Add(v)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s, from %s\n", v.ID, v.Account, words.Clean(cmp.Or(v.Sender, "<>")))
	for _, to := range v.Recipients {
		for _, part := range term.Chop(words.Clean(to), term.Columns-listIndent) {
			b.WriteString(strings.Repeat(" ", listIndent) + part + "\n")
		}
	}
	_, err := g.e.Stdout.Write([]byte(b.String()))
	return err
}
