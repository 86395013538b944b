package reports

import (
	"context"
	"strings"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/letter"
	"relay/store"
	"relay/store/spool"
)

// Sending is the request to send a mail now.
type Sending struct {
	Kind string `path:"kind" doc:"Of the list of kinds."`
	Body struct {
		Account string `json:"account"`
		To      string `json:"to,omitempty" doc:"Address that gets it; empty: those who get this kind."`
	}
}

// Sent is what was queued.
type Sent struct {
	Kind    string   `json:"kind"`
	Account string   `json:"account"`
	To      []string `json:"to"`
	IDs     []string `json:"ids" doc:"Of the messages."`
}

// Send queues a mail.
var Send = act.New(act.Spec{Name: "report send", Route: "POST /v1/reports/{kind}/send", Summary: "Send a mail about an account now, with the facts as they are", May: act.Operator}, send)

func send(ctx context.Context, s *act.Service, in *Sending) (*Sent, error) {
	if in.Body.Account == "" {
		return nil, act.Invalid("account", "", " is missing")
	}
	if _, _, ok := letter.Recipient(in.Body.To); in.Body.To != "" && !ok {
		return nil, act.Invalid("to", "", ": no mail can go to %q", in.Body.To)
	}
	t, invented, err := facts(ctx, s, in.Kind, in.Body.Account)
	if err != nil {
		return nil, err
	}
	if len(invented) > 0 && in.Body.To == "" {
		return nil, act.Fail(act.Refused, "{report preview} shows a sample; --to sends one to an address of yours",
			"nothing has happened to account %q that mail of kind %s tells: its %s would be invented", in.Body.Account, in.Kind, strings.Join(invented, " and "))
	}
	to := s.Jobs.Writer().Readers(t)
	if in.Body.To != "" {
		to = []string{in.Body.To}
	}
	if len(to) == 0 {
		return nil, act.Fail(act.Refused, "{account set} has --contact and --notify; --to sends it to another address", "account %q gets no mail of kind %s", in.Body.Account, in.Kind)
	}
	return queue(s, t, to)
}

// queue writes a mail to each address, and stores them together.
func queue(s *act.Service, t *store.Told, to []string) (*Sent, error) {
	var mails []spool.Notice
	w, v := s.Jobs.Writer(), &Sent{Kind: string(t.News.Kind), Account: t.News.Account, To: field.OrNone(to)}
	for _, address := range to {
		n, err := w.WriteTo(address, t, s.Store.NewID())
		if err != nil {
			return nil, err
		}
		mails = append(mails, n)
	}
	ids, err := s.Store.Send(&t.News, mails)
	for _, id := range ids {
		v.IDs = append(v.IDs, id.String())
	}
	return v, err
}
