package suppressions

import (
	"context"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/maildomain"
	"relay/store/refusals"
)

// Suppression is a recipient that an account's mail is not tried for.
type Suppression struct {
	Recipient string     `json:"recipient"`
	Reason    string     `json:"reason" doc:"Category of the replies that led to it, such as InvalidRecipient, or Manual."`
	Reply     string     `json:"reply" doc:"What the next hop said, or a note."`
	Since     time.Time  `json:"since"`
	Expires   *time.Time `json:"expires" doc:"null: never."`
}

func view(is *refusals.Suppression) Suppression {
	return Suppression{is.Recipient, is.Reason, is.Reply, is.Since, field.OrNull(is.Expires)}
}

// SuppressionFilter chooses suppressions. All that is given must hold; the zero value chooses all.
type SuppressionFilter struct {
	Reason string `query:"reason" json:"reason,omitempty" doc:"Only those with this reason."`
	Domain string `query:"domain" json:"domain,omitempty" doc:"Only recipients of this domain."`
	Since  string `query:"since" json:"since,omitempty" doc:"Only those of this time until now: 90m, 4h, 2d."`
}

// filter is a SuppressionFilter that was read.
type filter struct {
	reason, domain string
	after          time.Time
}

func (f *SuppressionFilter) read(now time.Time) (out filter, err error) {
	if out.reason = f.Reason; f.Reason != "" && reason(f.Reason) == refusals.ByHand && !strings.EqualFold(f.Reason, refusals.ByHand) {
		return out, act.Invalid("reason", "", " %q: one of %s", f.Reason, reasons())
	}
	if f.Domain != "" {
		_, ascii, ok := maildomain.Parse(strings.TrimPrefix(f.Domain, "@"))
		if !ok {
			return out, act.Invalid("domain", "such as example.com", ": %q is not a domain", f.Domain)
		}
		out.domain = "@" + ascii
	}
	if f.Since != "" {
		d, err := words.ParseDuration(f.Since)
		if err != nil {
			return out, act.Invalid("since", "", ": %v", err)
		}
		out.after = now.Add(-d)
	}
	return out, nil
}

func (f *filter) match(mailbox string, is *refusals.Suppression) bool {
	return (f.reason == "" || strings.EqualFold(f.reason, is.Reason)) && strings.HasSuffix(mailbox, f.domain) && !is.Since.Before(f.after)
}

// Listed is the request for suppressions.
type Listed struct {
	act.Paging
	SuppressionFilter
	Account string `path:"account"`
}

// List is the act suppression list.
var List = act.NewList(act.Spec{Name: "suppression list", Route: "GET /v1/accounts/{account}/suppressions", Summary: "Recipients that mail of an account is not tried for, by address",
	May: everyone, Scope: reads}, list)

func list(ctx context.Context, s *act.Service, in *Listed, page *act.Page[Suppression]) error {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return err
	}
	f, err := in.SuppressionFilter.read(s.Store.Now())
	if err != nil {
		return err
	}
	return s.Store.Refusals.EachSuppression(in.Account, page.From, func(mailbox string, is *refusals.Suppression) error {
		if !f.match(mailbox, is) {
			return page.Pass(mailbox)
		}
		return page.Add(view(is), mailbox)
	})
}
