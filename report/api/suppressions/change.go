package suppressions

import (
	"context"
	"errors"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/words"
	"relay/store/maildomain"
	"relay/store/mailsyntax"
	"relay/store/refusals"
)

// most is how many recipients one transaction changes, and one request names.
const most = 1000

// NewSuppressions is the request to suppress recipients.
type NewSuppressions struct {
	Account string `path:"account"`
	Body    struct {
		Recipients []string `json:"recipients" minItems:"1" maxItems:"1000"`
		Note       string   `json:"note,omitempty" maxLength:"500" doc:"Why; it is shown as the reply."`
		For        string   `json:"for,omitempty" doc:"How long, such as 30d. Default: until they are lifted."`
	}
}

// AddedSuppressions is the answer when recipients were suppressed.
type AddedSuppressions struct {
	Account string `json:"account"`
	Added   int    `json:"added" doc:"That were not suppressed before."`
	Known   int    `json:"known" doc:"That were suppressed already; they stay as they are."`
	Ended   int    `json:"ended" doc:"Rows of a document whose time was over."`
	DryRun  bool   `json:"dry_run" doc:"Nothing was changed."`
}

// ToLift says which suppressions are lifted.
type ToLift struct {
	Account string `path:"account"`
	Body    struct {
		Recipients []string           `json:"recipients,omitempty" maxItems:"1000"`
		Filter     *SuppressionFilter `json:"filter,omitempty" doc:"Those that it chooses."`
		All        bool               `json:"all,omitempty" doc:"All of the account."`
		DryRun     bool               `json:"dry_run,omitempty" doc:"List them, and lift nothing."`
		Cursor     string             `json:"cursor,omitempty" doc:"Of a filter, or all: next of the batch before."`
	}
}

// LiftedBatch is what a batch has lifted.
type LiftedBatch struct {
	Account    string   `json:"account"`
	Lifted     int      `json:"lifted"`
	Missing    []string `json:"missing" doc:"Recipients that were not suppressed."`
	Recipients []string `json:"recipients,omitempty" doc:"Of a dry run: those that would be lifted."`
	Next       string   `json:"next,omitempty" doc:"Cursor of the next batch; none: there are no more."`
}

// Acts that change suppressions.
var (
	Add = act.New(act.Spec{Name: "suppression add", Route: "POST /v1/accounts/{account}/suppressions", Summary: "Stop trying mail of an account to recipients",
		May: everyone, Scope: writes}, add)
	Lift = act.New(act.Spec{Name: "suppression lift", Route: "POST /v1/accounts/{account}/suppressions/lift", Summary: "Try mail of an account to recipients again",
		May: everyone, Scope: writes}, lift)
)

func add(ctx context.Context, s *act.Service, in *NewSuppressions) (*AddedSuppressions, error) {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	expires, err := until(in.Body.For, s.Store.Now())
	if err != nil {
		return nil, err
	}
	var all []refusals.Suppression
	for _, r := range in.Body.Recipients {
		if !isAddress(r) {
			return nil, act.Invalid("recipients", "such as jo@example.net", ": %q is not an address", words.Cut(r, 80))
		}
		all = append(all, refusals.Suppression{Recipient: r, Reason: refusals.ByHand, Reply: words.Clean(in.Body.Note), Expires: expires})
	}
	added, err := s.Store.Refusals.AddSuppressions(s.Order(ctx, false), in.Account, all)
	if err != nil {
		return nil, act.NoAccount(in.Account, err)
	}
	return &AddedSuppressions{Account: in.Account, Added: added, Known: len(all) - added}, nil
}

// until is the end of a length of time; "" is never.
func until(text string, now time.Time) (t time.Time, err error) {
	if text == "" {
		return t, nil
	}
	d, err := words.ParseDuration(text)
	if err != nil || d == 0 {
		return t, act.Invalid("for", "such as 30d", ": %q is not a length of time", text)
	}
	return now.Add(d), nil
}

// mostAddress is how long an address may be: 64 octets, @ and 255 (RFC 5321 §4.5.3.1).
const mostAddress = 320

func isAddress(text string) bool {
	if len(text) > mostAddress {
		return false
	}
	_, ok := maildomain.Mailbox(text)
	return ok && mailsyntax.IsAddress(text)
}

func lift(ctx context.Context, s *act.Service, in *ToLift) (*LiftedBatch, error) {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	chosen := in.Body.All || in.Body.Filter != nil && *in.Body.Filter != (SuppressionFilter{})
	if chosen == (len(in.Body.Recipients) > 0) {
		return nil, act.Fail(act.Wrong, "", "suppression lift: name recipients, or a filter, or all")
	}
	out := &LiftedBatch{Account: in.Account, Missing: []string{}}
	var mailboxes []string
	var err error
	if chosen {
		mailboxes, err = in.choose(s, out)
	} else {
		mailboxes, err = in.named(s, out)
	}
	if err != nil || in.Body.DryRun {
		out.Lifted = len(mailboxes)
		return out, err
	}
	if out.Lifted, err = s.Store.Refusals.LiftSuppressions(s.Order(ctx, false), in.Account, mailboxes); err != nil {
		return nil, act.NoAccount(in.Account, err)
	}
	return out, nil
}

// named are the mailboxes of the recipients in the request that are suppressed.
func (in *ToLift) named(s *act.Service, out *LiftedBatch) (list []string, err error) {
	for _, r := range in.Body.Recipients {
		mailbox, ok := maildomain.Mailbox(r)
		if !ok {
			return nil, act.Invalid("recipients", "such as jo@example.net", ": %q is not an address", words.Cut(r, 80))
		}
		is, ok, err := s.Store.Refusals.Suppressed(in.Account, r)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			out.Missing = append(out.Missing, r)
			continue
		}
		list = append(list, mailbox)
		if in.Body.DryRun {
			out.Recipients = append(out.Recipients, is.Recipient)
		}
	}
	return list, nil
}

// choose finds the mailboxes of a batch that the filter chooses, and where the next begins.
func (in *ToLift) choose(s *act.Service, out *LiftedBatch) (list []string, err error) {
	given := in.Body.Filter
	if given == nil {
		given = &SuppressionFilter{}
	}
	f, err := given.read(s.Store.Now())
	if err != nil {
		return nil, err
	}
	stop, seen := time.Now().Add(searchTime), 0
	err = s.Store.Refusals.EachSuppression(in.Account, strings.ToLower(in.Body.Cursor), func(mailbox string, is *refusals.Suppression) error {
		if f.match(mailbox, is) {
			list = append(list, mailbox)
			if in.Body.DryRun {
				out.Recipients = append(out.Recipients, is.Recipient)
			}
		}
		if seen++; len(list) == most || seen%searchStep == 0 && time.Now().After(stop) {
			out.Next = mailbox
			return act.ErrFull
		}
		return nil
	})
	if errors.Is(err, act.ErrFull) {
		err = nil
	}
	return list, err
}

const (
	searchTime = 50 * time.Millisecond // of choosing by a filter
	searchStep = 64                    // suppressions between two looks at the clock
)
