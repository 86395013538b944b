package cli

import (
	"errors"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/report/words"
	"relay/store"
)

func (p *program) queueShow() *cli.Command {
	return p.onStore(&cli.Command{Name: "show", ArgsUsage: "ID", Usage: "a message with each of its recipients"}, work{run: func(c *call) error {
		id, err := parseID(c.args[0])
		if err != nil {
			return err
		}
		m, err := c.st.QueueMessage(id)
		if errors.Is(err, store.ErrNotFound) {
			return exit.Fail(exit.Failed, "it may be done: relay trace "+id.String(), "message %s is not in the queue", id)
		}
		if err != nil {
			return err
		}
		if c.json {
			return term.Encode(c.Stdout, viewMessage(m))
		}
		return c.showMessage(m)
	}})
}

func (c *call) showMessage(m *store.Message) error {
	fields := []term.Field{
		{"message", m.ID.String()},
		{"message-id", m.MessageID},
		{"account", m.Account},
		{"sender", orElse(m.Sender, "<>")},
		{"size", words.Number(m.Size) + " octets"},
		{"accepted", c.stamp(m.Accepted)},
		{"expires", c.stamp(m.Expires)},
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		state := string(r.State)
		switch {
		case r.State.Final():
		case r.Held:
			state += ", held"
		case r.Next.After(c.wall()):
			state += ", next try " + c.stamp(r.Next)
		default:
			state += ", due now"
		}
		if r.Tries > 0 {
			state += ", " + words.Plural(int64(r.Tries), "attempt")
		}
		fields = append(fields, term.Field{"recipient", r.Address}, term.Field{"", state}, term.Field{"", r.Reply})
	}
	return term.WriteFields(c.Stdout, fields)
}

func parseID(s string) (store.ID, error) {
	id, err := store.ParseID(strings.ToUpper(s))
	if err != nil {
		return id, exit.Usage("relay queue list shows them", "%q is not the ID of a message", s)
	}
	return id, nil
}
