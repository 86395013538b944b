package reports

import (
	"context"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/tell"
	"relay/report/words"
	"relay/store/news"
)

// Wanted is the request for a preview.
type Wanted struct {
	Kind     string `path:"kind" doc:"Of the list of kinds."`
	Account  string `query:"account" doc:"Whose facts it has; empty: an invented account's."`
	Language string `query:"language" doc:"en, de or it; empty: the reader's."`
}

// Shown is a preview.
type Shown struct {
	Kind     string   `json:"kind"`
	Account  string   `json:"account" doc:"Empty: an invented one."`
	Language string   `json:"language"`
	To       []string `json:"to" doc:"All who would get it; none: nobody has an address."`
	Subject  string   `json:"subject"`
	Text     string   `json:"text"`
	HTML     string   `json:"html" doc:"With its picture in it."`
	Message  string   `json:"message" doc:"The whole message, as it would be sent."`
	Invented []string `json:"invented" doc:"Facts that the account does not have: account, use, invoice, event."`
	Wrong    []string `json:"wrong" doc:"Mistakes of your own templates, and parts that cannot be made: relay's own words stand in their place."`
}

// Preview shows a mail.
var Preview = act.New(act.Spec{Name: "report preview", Route: "GET /v1/reports/{kind}/preview", Summary: "A mail as it would be written now", May: act.Operator}, preview)

func preview(ctx context.Context, s *act.Service, in *Wanted) (*Shown, error) {
	if in.Language != "" && string(words.Spoken(in.Language)) != in.Language {
		return nil, act.Invalid("language", "", " %q: en, de or it", in.Language)
	}
	t, invented, err := facts(ctx, s, in.Kind, in.Account)
	if err != nil {
		return nil, err
	}
	w, v := s.Jobs.Writer(), &Shown{Kind: in.Kind, Account: in.Account, Invented: field.OrNone(invented), Wrong: []string{}}
	w.Wrong = func(err error) { v.Wrong = append(v.Wrong, err.Error()) }
	p, err := w.Preview(t, in.Language)
	if err != nil {
		return nil, err
	}
	v.Language, v.To, v.Subject, v.Text, v.HTML, v.Message = p.Language, field.OrNone(p.To), p.Subject, p.Text, p.HTML, string(p.Message)
	return v, nil
}

// kindOf finds a kind that has words.
func kindOf(name string) (k tell.Kind, err error) {
	k, ok := tell.Find(news.Kind(name))
	if !ok || !k.HasWords() {
		return k, act.Fail(act.NoSuch, "{report list} shows all", "no kind of mail %q", name)
	}
	return k, nil
}
