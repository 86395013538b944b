package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/report/words"
	"relay/store"
)

// opWords are how operations are told.
var opWords = map[store.Op]string{
	store.OpRetry: "will be tried now", store.OpHold: "held", store.OpRelease: "released", store.OpDrop: "dropped",
}

func (p *program) queueChange(op store.Op, text, more string) *cli.Command {
	var f queueFilter
	var w changeWish
	flags := append(f.flags(), &cli.BoolFlag{Name: "all", Usage: "every message in the queue", Destination: &w.all},
		&cli.BoolFlag{Name: "dry-run", Usage: "list the recipients it would change, and change nothing", Destination: &w.dryRun})
	if op == store.OpDrop {
		flags = append(flags, &cli.BoolFlag{Name: "silent", Usage: "tell no sender", Destination: &w.silent})
	}
	return p.onStore(&cli.Command{
		Name: string(op), ArgsUsage: "[ID...]", Usage: text,
		Description: strings.TrimSpace(more + ` Name messages by their IDs, by - for IDs on standard input, by filters that all must hold, or by --all. Standard input may be a list of IDs or what relay queue list writes.

Filters that say something about recipients (--domain, --recipient, --held, --deferred) choose recipients: others of the same message stay as they are. What is counted is what was changed.`),
		Flags: flags,
	}, work{
		stdin: func(args []string) bool { return slices.Equal(args, []string{"-"}) },
		run:   func(c *call) error { return c.queueChange(op, &f, w) },
	})
}

// changeWish is how a change is meant.
type changeWish struct{ all, dryRun, silent bool }

// queueChange applies op to each selected message. Without IDs, a filter or --all
// it refuses.
func (c *call) queueChange(op store.Op, f *queueFilter, w changeWish) error {
	g := &changing{call: c, op: store.Operation{Op: op, Tell: !w.silent}, dryRun: w.dryRun, chosen: f.set() || w.all, list: term.NewArray(c.Stdout)}
	err := g.begin(f)
	if err == nil {
		err = g.choose(f)
	}
	if err = errors.Join(err, g.step()); err != nil {
		if g.done > 0 && !g.dryRun {
			c.note("%s %s before it came to an end", words.Plural(int64(g.done), "message"), opWords[op])
		}
		return errors.Join(err, g.endList())
	}
	if op == store.OpRetry && c.inner != nil && !g.dryRun {
		g.wakeSites(f)
	}
	return errors.Join(g.endList(), g.report())
}

// begin checks how messages are chosen, and by what filter.
func (g *changing) begin(f *queueFilter) error {
	switch {
	case g.chosen && len(g.args) > 0:
		return exit.Usage("", "IDs and filters do not go together")
	case f.limit.Given && !g.chosen:
		return exit.Usage("with --all: the oldest of all", "--limit goes with a filter or --all")
	case !g.chosen && len(g.args) == 0:
		return exit.Usage(fmt.Sprintf("name IDs, use a filter such as --account NAME, or --all; see relay queue %s --help", g.op.Op),
			"relay queue %s: which messages?", g.op.Op)
	}
	if !g.chosen {
		return nil
	}
	filter, err := g.filter(f)
	g.op.Of = &filter
	return err
}

func (g *changing) choose(f *queueFilter) error {
	switch {
	case g.chosen:
		return g.byFilter(f)
	case slices.Equal(g.args, []string{"-"}):
		return g.byLines(g.Stdin)
	}
	return g.byNames(g.args)
}

// changing is a change under way, a batch at a time.
type changing struct {
	*call
	op     store.Operation
	dryRun bool
	chosen bool // by filter: what is gone when its turn comes was delivered

	batch      []store.ID
	done, same int // messages that were changed, and those with nothing to change
	recipients int64
	some       []store.ID // the first of what is done
	missing    []store.ID // not in the queue
	bad        []string   // lines that name no message, the first ones
	badAll     int
	list       term.Array // what a dry run writes for programs
}

const (
	changeBatch = 1000
	changeSome  = 1000 // of what is done, for who wants to look at it
	changeTold  = 5    // of what went wrong
)

func (g *changing) add(id store.ID) error {
	if g.batch = append(g.batch, id); len(g.batch) < changeBatch {
		return nil
	}
	return g.step()
}

// step changes what was added.
func (g *changing) step() error {
	if err := g.ctx.Err(); err != nil || len(g.batch) == 0 {
		return err
	}
	operate := g.st.Operate
	if g.dryRun {
		operate = g.preview
	}
	is, err := operate(g.op, g.batch)
	g.batch = g.batch[:0]
	g.done += len(is.Done)
	g.same += len(is.Same)
	g.recipients += is.Recipients
	g.some = append(g.some, is.Done[:min(len(is.Done), changeSome+1-len(g.some))]...)
	if !g.chosen {
		g.missing = append(g.missing, is.Missing...)
	}
	return err
}

// byFilter adds what the filter of the operation chooses.
func (g *changing) byFilter(f *queueFilter) error {
	err := g.queue(g.op.Of, f.limit.N, func(m *store.Message) error { return g.add(m.ID) })
	if errors.Is(err, term.ErrEnough) {
		return nil
	}
	return err
}

// byNames changes nothing when one of the words cannot be an ID.
func (g *changing) byNames(words []string) error {
	ids := make([]store.ID, len(words))
	for i, w := range words {
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
			if g.badAll++; len(g.bad) < changeTold {
				g.bad = append(g.bad, fmt.Sprintf("line %d: %q", n, term.Cut(word, 40)))
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

// wakeSites makes the mailer forget that next hops are down, for the domains
// that a retry is about; for all of them when it is about many messages.
func (g *changing) wakeSites(f *queueFilter) {
	mail := g.inner.mail
	if domain, err := domainName(f.domain); err == nil && domain != "" {
		mail.Retry(domain)
		return
	}
	if g.done > changeSome {
		mail.Retry("")
		return
	}
	woken := map[string]bool{}
	for _, id := range g.some {
		m, err := g.st.QueueMessage(id)
		if err != nil {
			continue // done meanwhile
		}
		for i := range m.Recipients {
			r := &m.Recipients[i]
			if !woken[r.Domain] && (g.op.Of == nil || g.op.Of.MatchRecipient(r)) {
				woken[r.Domain] = true
				mail.Retry(r.Domain)
			}
		}
	}
}

// report says what was done, and what could not be.
func (g *changing) report() error {
	var err error
	switch {
	case g.json && g.dryRun: // the list is all
	case g.json:
		err = term.Encode(g.Stdout, struct {
			Op         store.Op   `json:"op"`
			Done       int        `json:"done"`       // messages
			Recipients int64      `json:"recipients"` // of these, that were changed
			Unchanged  int        `json:"unchanged"`  // messages with nothing to change
			Missing    []store.ID `json:"missing"`    // not in the queue
		}{g.op.Op, g.done, g.recipients, g.same, append([]store.ID{}, g.missing...)})
	default:
		err = g.say("%s", g.summary())
	}
	if n := len(g.missing); n > 0 {
		var list []string
		for _, id := range g.missing[:min(n, changeTold)] {
			list = append(list, id.String())
		}
		err = errors.Join(err, exit.Fail(exit.Failed, "what is done is in the trace: relay trace ID", "%s not in the queue: %s",
			words.Plural(int64(n), "message"), firstOf(list, n)))
	}
	if g.badAll > 0 {
		err = errors.Join(err, exit.Fail(exit.WrongUsage, listAdvice, "%s of standard input without an ID: %s",
			words.Plural(int64(g.badAll), "line"), firstOf(g.bad, g.badAll)))
	}
	return err
}

// summary counts what was changed, or would be.
func (g *changing) summary() string {
	done := opWords[g.op.Op]
	if g.dryRun {
		done = "would be " + strings.TrimPrefix(done, "will be ")
	}
	text := fmt.Sprintf("%s %s, %s", words.Plural(int64(g.done), "message"), done, words.Plural(g.recipients, "recipient"))
	if g.same > 0 {
		text += fmt.Sprintf("; %s as before", words.Number(int64(g.same)))
	}
	return text
}

// firstOf joins the first of n.
func firstOf(list []string, n int) string {
	text := strings.Join(list, ", ")
	if n > len(list) {
		text += ", …"
	}
	return text
}
