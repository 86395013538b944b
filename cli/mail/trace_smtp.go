package mail

import (
	"context"
	"fmt"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	api "relay/report/api/mail"
	"relay/report/words"
)

// traceSMTP shows what was said in the last attempts at a message that failed.
func traceSMTP(ctx context.Context, e *shell.Env, q *api.Traced) error {
	if !ofOne(q) || q.Account != "" {
		return exit.Usage("relay trace ADDRESS shows the IDs", "--smtp goes with the ID of a message alone")
	}
	list, err := api.Dialogues.Call(ctx, e.Service, &api.TraceName{ID: q.What})
	switch {
	case err != nil:
		return err
	case e.JSON:
		return term.EncodeAll(e.Stdout, *list)
	case len(*list) == 0:
		return e.Say("nothing is kept: no attempt at this message has failed")
	}
	for i := range *list {
		if err := showDialogue(e, &(*list)[i], i > 0); err != nil {
			return err
		}
	}
	return nil
}

// showDialogue writes one attempt; more: there was one before it.
func showDialogue(e *shell.Env, d *api.Dialogue, more bool) error {
	head := fmt.Sprintf("%s  to %s", words.Stamp(d.Time, e.Zone()), words.Clean(d.Domain))
	if more {
		head = "\n" + head
	}
	if err := e.Say("%s", head); err != nil {
		return err
	}
	const indent, further = "  ", "     "
	for _, line := range d.Lines {
		for i, part := range term.Wrap(words.Clean(line), term.Columns-len(further)) {
			lead := indent
			if i > 0 {
				lead = further
			}
			if err := e.Say("%s", lead+part); err != nil {
				return err
			}
		}
	}
	return nil
}
