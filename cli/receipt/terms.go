package receipt

import (
	"time"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
)

// LastDay before an end that is excluded; "-": there is no end.
func LastDay(e *shell.Env, end time.Time) string {
	if end.IsZero() {
		return "-"
	}
	return words.Day(quota.LastDay(end, e.Zone()), e.Zone())
}

// End of a term: its last day, where that is a whole one.
func End(e *shell.Env, t time.Time) string {
	local := t.In(e.Zone())
	if t.IsZero() || !local.Equal(time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, local.Location())) {
		return words.Stamp(t, e.Zone())
	}
	return "at the end of " + LastDay(e, t)
}

// Through names the last day before an instant that is excluded.
func Through(e *shell.Env, end time.Time) string { return "to the end of " + LastDay(e, end) }

// Owed is what an account owes without an invoice, under a name, and how that is paid.
func Owed(name string, v *answer.Owed) []term.Field {
	if v == nil {
		return nil
	}
	text := money.Format(v.Amount, v.Currency) + " without an invoice: by corrections or payments taken back"
	return []term.Field{{name, text}, {"pay at", field.Or0(v.Link)}, {"pay by", field.Or0(v.Text)}}
}

// termEnds is when the term ends, before and after where that differs; "": there is
// and was no term.
func termEnds(e *shell.Env, before, after *time.Time) string {
	switch was, is := End(e, field.Or0(before)), End(e, field.Or0(after)); {
	case before == nil && after == nil:
		return ""
	case before == nil || was == is:
		return is
	case after == nil:
		return was + " -> none"
	default:
		return was + " -> " + is
	}
}
