package errorlist

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/words"
	"relay/store/refusals"
)

// Refused is a recipient that an account's mail was given up for, came back from, or that complained.
type Refused struct {
	Recipient string    `json:"recipient" doc:"As the account wrote it last."`
	Category  string    `json:"category" doc:"What the last reply means, such as InvalidRecipient; Manual: it is suppressed by hand."`
	Class     string    `json:"class" enum:"failed,expired,suppressed,bounced,complained" doc:"expired: given up after its time; suppressed: not tried; bounced: it came back after it was delivered; complained: reported as spam."`
	Code      string    `json:"code" doc:"Of the last reply; empty: it has none."`
	Enhanced  string    `json:"enhanced" doc:"Enhanced code of the last reply; empty: it has none."`
	Reply     string    `json:"reply" doc:"What the next hop said, or why there was none."`
	Source    string    `json:"source" enum:"smtp,bounce,complaint" doc:"How relay knows: the next hop's reply, mail that came back, or a report of abuse."`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Count     int64     `json:"count" doc:"E-mails that were given up."`
	Advice    string    `json:"advice" enum:"remove,watch,not-yours" doc:"remove: take it off your list. watch: it may pass. not-yours: the recipient is not to blame."`
	MessageID string    `json:"message_id" doc:"Message-ID of the message that met the last reply; empty: it is not known."`
}

func view(is *refusals.Entry) Refused {
	return Refused{is.Recipient, is.Category, is.Class, is.Code, is.Enhanced, words.Clean(is.Reply), is.Source, is.First, is.Last, is.Count, is.Advice, is.MessageID}
}

// Table is a list of errors as CSV. Package relay/report/clean reads it.
var Table = act.Table[Refused]{
	Head: []string{"recipient", "category", "class", "code", "enhanced", "reply", "source", "first", "last", "count", "advice", "message_id"},
	Cells: func(r *Refused) []string {
		return []string{words.Guarded(r.Recipient), r.Category, r.Class, r.Code, r.Enhanced, words.Guarded(r.Reply), r.Source,
			r.First.UTC().Format(time.RFC3339), r.Last.UTC().Format(time.RFC3339), strconv.FormatInt(r.Count, 10), r.Advice, words.Guarded(r.MessageID)}
	},
}

// Listed is the request for a list of errors.
type Listed struct {
	act.Paging
	Account string `path:"account"`
	Since   string `query:"since" doc:"Only those that were refused again from then on: a day such as 2026-11-01, a moment, or a length of time until now such as 7d."`
	Advice  string `query:"advice" doc:"Only those with this advice: remove, watch or not-yours."`
}

// List is the act errors.
var List = act.NewList(act.Spec{Name: "errors", Route: "GET /v1/accounts/{account}/errors", Summary: "Recipients that mail of an account was given up for, the last to be refused first",
	May: act.Operator | act.Reseller | act.Customer | act.Key, Scope: "activity:read"}, list).WithCSV(Table)

func list(ctx context.Context, s *act.Service, in *Listed, page *act.Page[Refused]) error {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return err
	}
	if in.Advice != "" && !slices.Contains(refusals.Advices, in.Advice) {
		return act.Invalid("advice", "", " %q: one of %s", in.Advice, strings.Join(refusals.Advices, ", "))
	}
	since, err := sinceOf(in.Since, s.Store.Now(), s.Store.Zone())
	if err != nil {
		return err
	}
	return s.Store.Refusals.EachError(in.Account, since, page.From, func(key string, is *refusals.Entry) error {
		if in.Advice != "" && is.Advice != in.Advice {
			return page.Pass(key)
		}
		return page.Add(view(is), key)
	})
}

// sinceOf reads a moment, or a length of time until now; "" is the beginning.
func sinceOf(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := words.ParseDuration(text); err == nil {
		return now.Add(-d), nil
	}
	t, err := words.ParseMoment(text, zone)
	if err != nil {
		return t, act.Invalid("since", "such as 2026-11-01, or 7d for the last seven days", ": %q is neither a day nor a length of time", text)
	}
	return t, nil
}
