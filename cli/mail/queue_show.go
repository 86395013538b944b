package mail

import (
	"cmp"
	"context"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	api "relay/report/api/mail"
	"relay/report/words"
	"relay/store"
)

func queueShow(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "show", ArgsUsage: "ID", Usage: "a message with each of its recipients",
	}, func(ctx context.Context, args []string) error {
		m, err := api.ShowMessage.Call(ctx, e.Service, &api.MessageName{ID: args[0]})
		if err != nil {
			return err
		}
		if e.JSON {
			return term.Encode(e.Stdout, m)
		}
		return showMessage(e, m)
	})
}

func showMessage(e *shell.Env, m *api.Message) error {
	stamp := words.Stamp
	fields := []term.Field{
		{"message", m.ID.String()},
		{"message-id", m.MessageID},
		{"account", m.Account},
		{"sender", cmp.Or(m.Sender, "<>")},
		{"size", words.Number(m.Size) + " octets"},
		{"accepted", stamp(m.Accepted, e.Zone())},
		{"expires", stamp(m.Expires, e.Zone())},
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		state := string(r.State)
		switch {
		case r.State.Final():
		case r.Held:
			state += ", held"
		case r.Next != nil && r.Next.After(e.Now()):
			state += ", next try " + stamp(*r.Next, e.Zone())
		default:
			state += ", due now"
		}
		if r.Tries > 0 {
			state += ", " + words.Plural(int64(r.Tries), "attempt")
		}
		fields = append(fields, term.Field{"recipient", r.Address}, term.Field{"", state}, term.Field{"", r.Reply})
	}
	return term.WriteFields(e.Stdout, fields)
}

// parseID reads the ID of a message, in either case.
func parseID(s string) (store.ID, error) {
	id, err := store.ParseID(strings.ToUpper(s))
	if err != nil {
		return id, exit.Usage("relay queue list shows them", "%q is not the ID of a message", s)
	}
	return id, nil
}
