package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/store"
)

// opWords are how operations are told.
var opWords = map[store.Op]string{
	store.OpRetry: "will be tried now", store.OpHold: "held", store.OpRelease: "released", store.OpDrop: "dropped",
}

func (p *program) queueChange(op store.Op, text, more string) *cli.Command {
	var f queueFilter
	var all bool
	return p.onStore(&cli.Command{
		Name: string(op), ArgsUsage: "[ID...]", Usage: text,
		Description: strings.TrimSpace(more + ` Name messages by their IDs, by - for IDs on standard input, by filters that all must hold, or by --all. Standard input may be a list of IDs or what relay queue list writes.`),
		Flags:       append(f.flags(), &cli.BoolFlag{Name: "all", Usage: "every message in the queue", Destination: &all}),
	}, work{
		stdin: func(args []string) bool { return slices.Equal(args, []string{"-"}) },
		run:   func(c *call) error { return c.queueChange(op, &f, all) },
	})
}

// queueChange does op to what is meant, as it is found. Nothing is meant by
// saying nothing.
func (c *call) queueChange(op store.Op, f *queueFilter, all bool) error {
	g := &changing{call: c, op: op, chosen: f.set() || all}
	var err error
	switch {
	case g.chosen && len(c.args) > 0:
		return usage("", "IDs and filters do not go together")
	case f.limit.set && !g.chosen:
		return usage("with --all: the oldest of all", "--limit goes with a filter or --all")
	case g.chosen:
		err = g.byFilter(f)
	case slices.Equal(c.args, []string{"-"}):
		err = g.byLines(c.Stdin)
	case len(c.args) > 0:
		err = g.byNames(c.args)
	default:
		return usage(fmt.Sprintf("name IDs, use a filter such as --account NAME, or --all; see relay queue %s --help", op),
			"relay queue %s: which messages?", op)
	}
	if err = errors.Join(err, g.step()); err != nil {
		if g.done > 0 {
			c.note("%s %s before it came to an end", plural(int64(g.done), "message"), opWords[op])
		}
		return err
	}
	if op == store.OpRetry && c.inner != nil {
		g.wakeSites(f)
	}
	return g.report()
}

// changing is a change under way, a batch at a time.
type changing struct {
	*call
	op     store.Op
	chosen bool // by filter: what is gone when its turn comes was delivered

	batch   []store.ID
	done    int
	some    []store.ID // the first of what is done
	missing []store.ID // not in the queue
	bad     []string   // lines that name no message, the first ones
	badAll  int
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
	done, missing, err := g.st.Change(g.op, g.batch)
	g.batch = g.batch[:0]
	g.done += len(done)
	g.some = append(g.some, done[:min(len(done), changeSome+1-len(g.some))]...)
	if !g.chosen {
		g.missing = append(g.missing, missing...)
	}
	return err
}

func (g *changing) byFilter(f *queueFilter) error {
	filter, err := g.filter(f)
	if err != nil {
		return err
	}
	err = g.queue(&filter, f.limit.n, func(m *store.Message) error { return g.add(m.ID) })
	if errors.Is(err, errEnough) {
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
				g.bad = append(g.bad, fmt.Sprintf("line %d: %q", n, cut(word, 40)))
			}
			continue
		}
		if err := g.add(id); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fail(exitUsage, listAdvice, "line %d of standard input is too long to begin with an ID", n)
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
		for _, d := range m.Domains() {
			if !woken[d] {
				woken[d] = true
				mail.Retry(d)
			}
		}
	}
}

// report says what was done, and what could not be.
func (g *changing) report() error {
	var err error
	if g.json {
		err = encode(g.Stdout, struct {
			Op      store.Op   `json:"op"`
			Done    int        `json:"done"`
			Missing []store.ID `json:"missing"` // not in the queue
		}{g.op, g.done, append([]store.ID{}, g.missing...)})
	} else {
		err = g.say("%s %s", plural(int64(g.done), "message"), opWords[g.op])
	}
	if n := len(g.missing); n > 0 {
		var list []string
		for _, id := range g.missing[:min(n, changeTold)] {
			list = append(list, id.String())
		}
		err = errors.Join(err, fail(exitFailed, "what is done is in the trace: relay trace ID", "%s not in the queue: %s",
			plural(int64(n), "message"), firstOf(list, n)))
	}
	if g.badAll > 0 {
		err = errors.Join(err, fail(exitUsage, listAdvice, "%s of standard input without an ID: %s",
			plural(int64(g.badAll), "line"), firstOf(g.bad, g.badAll)))
	}
	return err
}

// firstOf joins the first of n.
func firstOf(list []string, n int) string {
	text := strings.Join(list, ", ")
	if n > len(list) {
		text += ", …"
	}
	return text
}
