package cli

import (
	"bufio"
	"errors"
	"fmt"
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
		Description: strings.TrimSpace(more + ` Name messages by their IDs, by - for a list of IDs on standard input, by filters that all must hold, or by --all.`),
		Flags:       append(f.flags(), &cli.BoolFlag{Name: "all", Usage: "every message in the queue", Destination: &all}),
	}, work{
		stdin: func(args []string) bool { return slices.Equal(args, []string{"-"}) },
		run:   func(c *call) error { return c.queueChange(op, &f, all) },
	})
}

func (c *call) queueChange(op store.Op, f *queueFilter, all bool) error {
	ids, err := c.choose(op, f, all)
	if err != nil {
		return err
	}
	done, missing, err := c.st.Change(op, ids)
	if err != nil {
		return err
	}
	if op == store.OpRetry && c.inner != nil {
		c.wakeSites(f, done)
	}
	if f.set() || all {
		missing = nil // chosen here, and delivered before their turn came
	}
	return c.changed(op, done, missing)
}

// choose says which messages are meant. Nothing is meant by saying nothing.
func (c *call) choose(op store.Op, f *queueFilter, all bool) ([]store.ID, error) {
	byFilter := f.set() || all
	switch {
	case byFilter && len(c.args) > 0:
		return nil, usage("", "IDs and filters do not go together")
	case slices.Equal(c.args, []string{"-"}):
		return readIDs(bufio.NewScanner(c.Stdin))
	case len(c.args) > 0:
		return parseIDs(c.args)
	case !byFilter:
		return nil, usage(fmt.Sprintf("name IDs, use a filter such as --account NAME, or --all; see relay queue %s --help", op),
			"relay queue %s: which messages?", op)
	}
	filter, err := c.filter(f)
	if err != nil {
		return nil, err
	}
	var ids []store.ID
	err = c.queue(filter, func(m *store.Message) error {
		ids = append(ids, m.ID)
		return nil
	})
	return ids, err
}

func parseIDs(words []string) ([]store.ID, error) {
	ids := make([]store.ID, 0, len(words))
	for _, w := range words {
		id, err := parseID(w)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// readIDs takes the first word of each line.
func readIDs(lines *bufio.Scanner) ([]store.ID, error) {
	var words []string
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 0 {
			words = append(words, f[0])
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return parseIDs(words)
}

// wakeSites makes the mailer forget that next hops are down, for the domains
// that a retry is about; for all of them when it is about many messages.
func (c *call) wakeSites(f *queueFilter, ids []store.ID) {
	const many = 1000
	switch {
	case f.domain != "":
		c.inner.mail.Retry(strings.ToLower(f.domain))
		return
	case len(ids) > many:
		c.inner.mail.Retry("")
		return
	}
	woken := map[string]bool{}
	for _, id := range ids {
		m, err := c.st.QueueMessage(id)
		if err != nil {
			continue // done meanwhile
		}
		for _, d := range m.Domains() {
			if !woken[d] {
				woken[d] = true
				c.inner.mail.Retry(d)
			}
		}
	}
}

func (c *call) changed(op store.Op, done, missing []store.ID) error {
	var err error
	if c.json {
		err = encode(c.Stdout, struct {
			Op      store.Op   `json:"op"`
			Done    int        `json:"done"`
			Missing []store.ID `json:"missing"` // not in the queue
		}{op, len(done), append([]store.ID{}, missing...)})
	} else {
		err = c.say("%s %s", plural(int64(len(done)), "message"), opWords[op])
	}
	if len(missing) > 0 {
		const most = 5
		list := make([]string, 0, most)
		for _, id := range missing[:min(len(missing), most)] {
			list = append(list, id.String())
		}
		text := strings.Join(list, ", ")
		if len(missing) > most {
			text += ", …"
		}
		err = errors.Join(err, fail(exitFailed, "what is done is in the trace: relay trace ID", "%s not in the queue: %s",
			plural(int64(len(missing)), "message"), text))
	}
	return err
}
