package reports

import (
	"context"

	"relay/report/api/act"
	"relay/report/tell"
)

// Kind of mail.
type Kind struct {
	Kind    string   `json:"kind"`
	Topic   string   `json:"topic" doc:"By which accounts choose it, and which its List-Id names."`
	To      []string `json:"to" doc:"contact, billing (the contact for invoices, else the contact), abuse (where that is the reason) or operator."`
	Must    bool     `json:"must" doc:"It is told whatever the account has chosen."`
	Default bool     `json:"default" doc:"It is told to accounts that have chosen nothing."`
	When    string   `json:"when"`
}

// List is of the kinds of mail.
var List = act.New(act.Spec{Name: "report list", Route: "GET /v1/reports", Summary: "The kinds of mail that relay writes by itself", May: act.Operator}, list)

func list(context.Context, *act.Service, *act.None) (*[]Kind, error) {
	all := []Kind{}
	for _, k := range tell.Kinds {
		one := Kind{Kind: string(k.Name), Topic: string(k.Topic), Must: k.Must(), Default: k.ByDefault(), When: k.Text}
		for _, r := range k.To {
			one.To = append(one.To, string(r))
		}
		all = append(all, one)
	}
	return &all, nil
}
