package cli

import (
	"relay/report/api/answer"
	"relay/report/money"
)

// owedText is what an account owes without an invoice; "": nothing.
func owedText(v *answer.Owed) string {
	if v == nil {
		return ""
	}
	return money.Format(v.Amount, v.Currency) + " without an invoice: by corrections or payments taken back"
}

func owedLink(v *answer.Owed) string {
	if v == nil {
		return ""
	}
	return value(v.Link)
}

func owedHow(v *answer.Owed) string {
	if v == nil {
		return ""
	}
	return value(v.Text)
}
