package receipt

import (
	"time"

	"relay/cli/shell"
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

// OwedText is what an account owes without an invoice; "": nothing.
func OwedText(v *answer.Owed) string {
	if v == nil {
		return ""
	}
	return money.Format(v.Amount, v.Currency) + " without an invoice: by corrections or payments taken back"
}

// OwedLink is where that is paid; "": nowhere.
func OwedLink(v *answer.Owed) string {
	if v == nil {
		return ""
	}
	return field.Or0(v.Link)
}

// OwedHow is how that is paid; "": it is not said.
func OwedHow(v *answer.Owed) string {
	if v == nil {
		return ""
	}
	return field.Or0(v.Text)
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
