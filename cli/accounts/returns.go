package accounts

import (
	"fmt"

	"relay/cli/term"
	"relay/report/api/accounts"
	"relay/report/words"
)

// returnNames are what comes back, in words.
var returnNames = map[string]string{"complaint": "complaints", "bounce": "unknown recipients", "listed": "refused as listed"}

// returnFields has a line for each kind of what came back, and each window.
func returnFields(list []accounts.Return) (fields []term.Field) {
	for i := range list {
		r := &list[i]
		span := "today"
		if r.Window == "week" {
			span = "in 7 days"
		}
		text := fmt.Sprintf("%s of %s %s (%s)", words.Number(r.Count), words.Plural(r.Of, "e-mail"), span, words.English.Share(r.Count, r.Of))
		switch {
		case r.State == "fine":
		case r.State == "over", r.Suspend != nil && r.State == "warned":
			text += fmt.Sprintf("; %s, suspends at %s", r.State, limitText(r.Suspend))
		case r.Warn != nil:
			text += fmt.Sprintf("; %s, limit %s", r.State, limitText(r.Warn))
		}
		fields = append(fields, term.Field{words.If(i == 0 || list[i-1].Sign != r.Sign, returnNames[r.Sign]), text})
	}
	return fields
}

func limitText(l *accounts.Limit) string { return fmt.Sprintf("%d and %g%%", l.Count, l.Percent) }
