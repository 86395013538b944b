package mail

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/mail"
	"relay/report/words"
	"relay/store/spooled"
)

func queueShow(e *shell.Env) *cli.Command {
	var headers, raw bool
	return shell.Command(&cli.Command{
		Name: "show", ArgsUsage: "ID", Usage: "a message with each of its recipients",
		Description: "--headers writes its header fields, --raw all of its content, as stored: what the mail program submitted, with the fields that the relay added or removed. On a terminal control characters are shown as \uFFFD.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "headers", Usage: "only its header fields", Destination: &headers},
			&cli.BoolFlag{Name: "raw", Usage: "its content, octet by octet", Destination: &raw},
		},
	}, func(ctx context.Context, args []string) error {
		switch {
		case headers && raw:
			return exit.Usage("--raw has the headers too", "--headers and --raw do not go together")
		case (headers || raw) && e.JSON:
			return exit.Usage("leave out --json", "--headers and --raw write the message itself, which is no JSON")
		case headers:
			return showContent(ctx, e, &api.Content{ID: args[0], Part: "headers"})
		case raw:
			return showContent(ctx, e, &api.Content{ID: args[0]})
		}
		return shell.Show(ctx, e, api.ShowMessage, &api.MessageName{ID: args[0]}, showMessage)
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
		case r.Next != nil && r.Next.After(e.Now()) && (r.Wait == nil || r.Wait.Until == nil):
			state += ", next try " + stamp(*r.Next, e.Zone())
		default:
			state += ", " + waiting(r, e.Now(), e.Zone())
		}
		if r.Tries > 0 {
			state += ", " + words.Plural(int64(r.Tries), "attempt")
		}
		fields = append(fields, term.Field{"recipient", r.Address}, term.Field{"", state}, term.Field{"", heard(r)})
		if r.Verdict != nil {
			fields = append(fields, term.Field{"", words.English.Verdict(r.Verdict)})
		}
	}
	return term.WriteFields(e.Stdout, fields)
}

// showContent writes the content of a message as it comes.
func showContent(ctx context.Context, e *shell.Env, in *api.Content) error {
	_, err := api.MessageContent.Copy(ctx, e.Service, in, func(http.Header) (io.Writer, error) {
		if term.IsTerminal(e.Stdout) {
			return tame{e.Stdout}, nil
		}
		return e.Stdout, nil
	})
	if !errors.Is(err, act.ErrBroken) || ctx.Err() != nil {
		return err
	}
	if _, gone := api.ShowMessage.Call(ctx, e.Service, &api.MessageName{ID: in.ID}); gone != nil {
		return exit.Fail(exit.Failed, "it may have been delivered: relay trace "+in.ID, "message %s left the queue while it was read: its end is missing", in.ID)
	}
	return err
}

// tame writes lines of strangers to a terminal.
type tame struct{ w io.Writer }

func (t tame) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		text, end := strings.CutSuffix(line, "\n")
		text = words.Clean(strings.TrimSuffix(text, "\r"))
		if end {
			text += "\n"
		}
		if _, err := io.WriteString(t.w, text); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// parseID reads the ID of a message, in either case.
func parseID(s string) (spooled.ID, error) {
	id, err := spooled.ParseID(strings.ToUpper(s))
	if err != nil {
		return id, exit.Usage("relay queue list shows them", "%q is not the ID of a message", s)
	}
	return id, nil
}
